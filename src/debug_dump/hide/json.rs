//! JSON (RFC 8259), also where it is cut.

use std::borrow::Cow;
use std::rc::Rc;

use super::{Ended, text, utf8};
use crate::escape;
use crate::redact::{REDACTED, Redaction};

mod string;
mod word;

/// How deep values may nest; what is deeper cannot be read.
const DEPTH: usize = 128;

/// The longest key whose members are looked at together with it; those of a longer one are hidden.
const LONGEST_HOLDER: usize = 1024;

/// How often a string may hold JSON that has strings; what is deeper is hidden.
const LEVELS: u8 = 3;

/// Writes JSON without its secrets, up to the first byte that is not JSON.
pub(super) fn hide(
    raw: &[u8],
    is_whole: bool,
    many: bool,
    redaction: &Redaction,
) -> (Vec<u8>, Ended) {
    let raw = raw.strip_prefix("\u{feff}".as_bytes()).unwrap_or(raw);
    match utf8(raw, is_whole) {
        Some(text) => Scan::new(text, is_whole, many, redaction, 0).finish(),
        None => (Vec::new(), Ended::Unreadable),
    }
}

/// Whether a text looks as if it were JSON.
pub(super) fn is_likely(text: &[u8]) -> bool {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text).trim_ascii_start();
    match text.split_first() {
        Some((b'{', rest)) => matches!(rest.trim_ascii_start().first(), None | Some(b'"' | b'}')),
        Some((b'[', rest)) => {
            matches!(rest.trim_ascii_start().first(), None | Some(b'"' | b'{' | b'[' | b']'))
        }
        Some((b'"', rest)) => rest.contains(&b'\\'),
        _ => false,
    }
}

/// Why a scan stopped.
enum Stop {
    /// The text ended.
    Short,
    Malformed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

struct Frame {
    is_object: bool,
    /// The key that the object or array stands under.
    holder: Rc<str>,
    /// The key that was read last.
    key: Rc<str>,
    is_secret: bool,
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: Vec<u8>,
    frames: Vec<Frame>,
    /// The string read last: where it was written, and where it ended.
    last: Option<(usize, usize)>,
    /// Nothing is written until as many frames are left.
    hidden_in: Option<usize>,
    is_whole: bool,
    many: bool,
    level: u8,
    redaction: &'a Redaction,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, is_whole: bool, many: bool, redaction: &'a Redaction, level: u8) -> Self {
        let (frames, out) = (Vec::new(), Vec::with_capacity(text.len()));
        Scan {
            text,
            at: 0,
            out,
            frames,
            last: None,
            hidden_in: None,
            is_whole,
            many,
            level,
            redaction,
        }
    }

    fn finish(mut self) -> (Vec<u8>, Ended) {
        let ended = match self.run() {
            Ok(()) => Ended::Whole,
            Err(Stop::Short) if !self.is_whole => Ended::Cut,
            Err(_) => {
                self.drop_last();
                Ended::Unreadable
            }
        };
        (self.out, ended)
    }

    /// Takes back a string that is followed by what is not JSON: it may have been meant to go on, and
    /// what tells a userinfo is the `@` behind it.
    fn drop_last(&mut self) {
        if let Some((start, end)) = self.last
            && self.text.get(end..self.at).is_some_and(|between| between.trim().is_empty())
        {
            self.out.truncate(start);
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut expect = Expect::Value;
        loop {
            self.space();
            let Some(byte) = self.peek() else {
                let is_over = self.frames.is_empty()
                    && (expect == Expect::CommaOrEnd || (self.many && expect == Expect::Value));
                return if is_over { Ok(()) } else { Err(Stop::Short) };
            };
            expect = match (expect, byte) {
                (Expect::CommaOrEnd, _) if self.frames.is_empty() && self.many => Expect::Value,
                (Expect::Value | Expect::ValueOrEnd, b'{') => self.open(true)?,
                (Expect::Value | Expect::ValueOrEnd, b'[') => self.open(false)?,
                (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') => self.close(),
                (Expect::Value | Expect::ValueOrEnd, b'"') => self.string()?,
                (Expect::Value | Expect::ValueOrEnd, _) => self.word()?,
                (Expect::Key | Expect::KeyOrEnd, b'"') => self.key()?,
                (Expect::Colon, b':') => self.mark(Expect::Value),
                (Expect::CommaOrEnd, byte) => match (self.frames.last(), byte) {
                    (Some(frame), b',') => {
                        let next = if frame.is_object { Expect::Key } else { Expect::Value };
                        self.mark(next)
                    }
                    (Some(Frame { is_object: true, .. }), b'}')
                    | (Some(Frame { is_object: false, .. }), b']') => self.close(),
                    _ => return Err(Stop::Malformed),
                },
                _ => return Err(Stop::Malformed),
            };
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Moves on, and writes what it moves over unless that is hidden.
    fn take(&mut self, end: usize) {
        if self.hidden_in.is_none() {
            let taken = self.text.as_bytes().get(self.at..end).unwrap_or_default();
            self.out.extend_from_slice(taken);
        }
        self.at = end;
    }

    fn mark(&mut self, next: Expect) -> Expect {
        self.take(self.at + 1);
        next
    }

    fn space(&mut self) {
        let mut end = self.at;
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(end)
            // 0x1e starts a text of a sequence (RFC 7464)
            && (b" \t\r\n".contains(byte) || (self.many && *byte == 0x1e))
        {
            end += 1;
        }
        self.take(end);
    }

    fn open(&mut self, is_object: bool) -> Result<Expect, Stop> {
        if self.frames.len() == DEPTH {
            return Err(Stop::Malformed);
        }
        self.begin_value();
        let holder: Rc<str> = match self.frames.last() {
            Some(frame) if frame.is_object => Rc::clone(&frame.key),
            Some(frame) => Rc::clone(&frame.holder),
            None => Rc::from(""),
        };
        self.frames.push(Frame { is_object, holder, key: Rc::from(""), is_secret: false });
        let next = if is_object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        Ok(self.mark(next))
    }

    fn close(&mut self) -> Expect {
        self.take(self.at + 1);
        self.frames.pop();
        self.end_value()
    }

    /// Writes the mark of a secret in place of the value that begins, if it is one.
    fn begin_value(&mut self) {
        let is_secret = self.frames.last().is_some_and(|frame| frame.is_object && frame.is_secret);
        if self.hidden_in.is_none() && is_secret {
            self.redacted();
            self.hidden_in = Some(self.frames.len());
        }
    }

    fn end_value(&mut self) -> Expect {
        if self.hidden_in == Some(self.frames.len()) {
            self.hidden_in = None;
        }
        Expect::CommaOrEnd
    }

    fn redacted(&mut self) {
        escape::json_string(&mut self.out, REDACTED);
    }

    fn key(&mut self) -> Result<Expect, Stop> {
        let string = string::parse(self.text, self.at)?;
        if !string.is_closed {
            return Err(Stop::Short);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.is_secret = string.is_odd
                || self.redaction.hides_key(&string.text)
                || frame.holder.len() > LONGEST_HOLDER
                // a policy may name `user.id`
                || (!frame.holder.is_empty()
                    && self.redaction.hides_key(&format!("{}.{}", frame.holder, string.text)));
            frame.key = Rc::from(string.text.as_str());
        }
        self.last = Some((self.out.len(), string.end));
        let shown = text::prose(&string.text, true, self.redaction);
        if self.hidden_in.is_none() && (string.is_odd || shown != string.text) {
            escape::json_string(&mut self.out, if string.is_odd { REDACTED } else { &shown });
            self.at = string.end;
        } else {
            self.take(string.end);
        }
        Ok(Expect::Colon)
    }

    fn string(&mut self) -> Result<Expect, Stop> {
        let string = string::parse(self.text, self.at)?;
        if !string.is_closed && self.is_whole {
            return Err(Stop::Malformed);
        }
        self.last = Some((self.out.len(), string.end));
        self.begin_value();
        if self.hidden_in.is_some() {
            self.at = string.end;
        } else if string.is_odd {
            self.redacted();
            self.at = string.end;
        } else {
            match self.shown(&string.text, string.is_closed) {
                shown if shown == string.text => self.take(string.end),
                shown => {
                    self.out.push(b'"');
                    escape::json_fragment(&mut self.out, &shown);
                    if string.is_closed {
                        self.out.push(b'"');
                    }
                    self.at = string.end;
                }
            }
        }
        if string.is_closed { Ok(self.end_value()) } else { Err(Stop::Short) }
    }

    /// What may be shown of the text in a string.
    fn shown<'t>(&self, text: &'t str, is_whole: bool) -> Cow<'t, str> {
        if !is_likely(text.as_bytes()) {
            return text::prose(text, is_whole, self.redaction);
        }
        if self.level == LEVELS {
            return Cow::Borrowed(REDACTED);
        }
        match Scan::new(text, is_whole, true, self.redaction, self.level + 1).finish() {
            (_, Ended::Unreadable) => Cow::Borrowed(REDACTED),
            // JSON's scan writes whole characters
            (json, _) => String::from_utf8(json).map_or(Cow::Borrowed(REDACTED), Cow::Owned),
        }
    }
}
