//! A body, as what it is.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::object::Object;
use crate::debug_dump::frames::{Frame, Frames};
use crate::debug_dump::{BodyForm, CapturedBody};
use crate::{escape, grpc};

/// How many bytes a line of hexadecimal digits has.
const LINE: usize = 16;

pub(super) enum Shown<'a> {
    Nothing,
    Json(&'a str),
    Text(&'a str),
    Grpc(Vec<Frame<'a>>),
    /// Messages as JSON, the last of which may be cut.
    Decoded(Vec<&'a str>),
    Binary(&'a [u8]),
}

impl<'a> Shown<'a> {
    pub(super) fn of(headers: &HeaderMap, body: &'a CapturedBody) -> Self {
        let kept = &body.kept;
        if kept.is_empty() {
            return Self::Nothing;
        }
        if body.form == BodyForm::GrpcAsJson {
            return match str::from_utf8(kept) {
                Ok(text) => Self::Decoded(text.lines().collect()),
                Err(_) => Self::Binary(kept),
            };
        }
        if grpc::is_grpc(headers) {
            return messages(kept).map_or(Self::Binary(kept), Self::Grpc);
        }
        let Some(text) = plain(kept) else {
            return Self::Binary(kept);
        };
        let says_json = headers.get(CONTENT_TYPE).is_some_and(|value| {
            value.as_bytes().windows(4).any(|part| part.eq_ignore_ascii_case(b"json"))
        });
        if says_json && is_json(text) { Self::Json(text) } else { Self::Text(text) }
    }

    pub(super) fn text(&self, out: &mut String) {
        match self {
            Self::Nothing => {}
            Self::Json(text) | Self::Text(text) => {
                for line in text.split('\n') {
                    out.push_str("  ");
                    super::line(out, line.strip_suffix('\r').unwrap_or(line));
                }
            }
            Self::Grpc(messages) => {
                for message in messages {
                    let is_compressed = if message.is_compressed { ", compressed" } else { "" };
                    let is_cut = if message.is_cut() { ", cut" } else { "" };
                    let _ =
                        writeln!(out, "  message: {} bytes{is_compressed}{is_cut}", message.length);
                    dump(out, "    ", message.data);
                }
            }
            Self::Decoded(messages) => {
                for message in messages {
                    out.push_str("  message: ");
                    super::line(out, message);
                }
            }
            Self::Binary(bytes) => dump(out, "  ", bytes),
        }
    }

    pub(super) fn json(&self, object: &mut Object<'_>) {
        match self {
            Self::Nothing => {}
            Self::Json(text) => one_line(object.key("json"), text),
            Self::Text(text) => object.string("text", text),
            Self::Grpc(messages) => list(object.key("grpc"), messages, |inner, message| {
                inner.number("length", message.length);
                inner.number("compressed", message.is_compressed);
                inner.number("is_cut", message.is_cut());
                match plain(message.data) {
                    Some(text) => inner.string("text", text),
                    None => inner.string("hex", &hex(message.data)),
                }
            }),
            Self::Decoded(messages) => {
                list(object.key("grpc"), messages, |inner, message| match is_json(message) {
                    true => one_line(inner.key("json"), message),
                    false => inner.string("text", message),
                })
            }
            Self::Binary(bytes) => object.string("hex", &hex(bytes)),
        }
    }
}

/// A list of objects, one for each message.
fn list<M>(out: &mut Vec<u8>, messages: &[M], tell: impl Fn(&mut Object<'_>, &M)) {
    out.push(b'[');
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let mut inner = Object::new(out);
        tell(&mut inner, message);
        inner.end();
    }
    out.push(b']');
}

/// Text that is meant to be read, as it has no control characters but those of lines.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    let is_odd = |byte: u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t');
    (!text.bytes().any(is_odd)).then_some(text)
}

/// The messages of a body, the last of which may be cut; `None` where they are none.
fn messages(bytes: &[u8]) -> Option<Vec<Frame<'_>>> {
    let mut frames = Frames { rest: bytes };
    let messages: Vec<_> = frames.by_ref().collect();
    (frames.rest.is_empty() && !messages.is_empty()).then_some(messages)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// Valid JSON, on one line, with what a terminal would obey escaped.
fn one_line(out: &mut Vec<u8>, json: &str) {
    for character in json.chars() {
        match character {
            // JSON has these between its tokens alone
            '\n' | '\r' | '\t' => out.push(b' '),
            ' '..='~' => out.push(character as u8),
            other => escape::json_fragment(out, other.encode_utf8(&mut [0; 4])),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Lines of an offset, the bytes and, where they are printable, their characters.
fn dump(out: &mut String, indent: &str, bytes: &[u8]) {
    for (at, line) in bytes.chunks(LINE).enumerate() {
        let _ = write!(out, "{indent}{:08x} ", at * LINE);
        for byte in line {
            let _ = write!(out, " {byte:02x}");
        }
        let _ = write!(out, "{:width$}  ", "", width = (LINE - line.len()) * 3);
        let shown = |&byte: &u8| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        };
        out.extend(line.iter().map(shown));
        out.push('\n');
    }
}
