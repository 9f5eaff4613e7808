//! Forms in parts (RFC 7578).

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::kind::{Kind, parameter};
use super::{Ended, Hide};
use crate::redact::REDACTED;

impl Hide<'_> {
    /// Writes the parts, their delimiters as they are. It stops before a part that cannot be read.
    pub(super) fn read_parts(
        &self,
        plain: &[u8],
        is_whole: bool,
        boundary: &str,
    ) -> (Vec<u8>, Ended) {
        let mut out = Vec::new();
        let delimiter = format!("\r\n--{boundary}");
        let Some(mut rest) = plain.strip_prefix(delimiter.as_bytes().get(2..).unwrap_or_default())
        else {
            let is_cut = !is_whole && delimiter.as_bytes().get(2..2 + plain.len()) == Some(plain);
            return (out, if is_cut { Ended::Cut } else { Ended::Unreadable });
        };
        let short = if is_whole { Ended::Unreadable } else { Ended::Cut };
        out.extend_from_slice(delimiter.as_bytes().get(2..).unwrap_or_default());
        loop {
            if matches!(rest, b"--" | b"--\r\n") {
                out.extend_from_slice(rest);
                return (out, Ended::Whole);
            }
            let Some(part) = rest.strip_prefix(b"\r\n") else {
                let is_cut = matches!(rest, b"" | b"-" | b"\r");
                return (out, if is_cut { short } else { Ended::Unreadable });
            };
            let end = find(part, delimiter.as_bytes());
            if end.is_none() && is_whole {
                return (out, Ended::Unreadable);
            }
            let whole_part = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
            let Some(head_end) = find(whole_part, b"\r\n\r\n") else {
                return (out, if end.is_none() { short } else { Ended::Unreadable });
            };
            let (head, body) = whole_part.split_at(head_end + 4);
            let Some(headers) = headers(head) else {
                return (out, Ended::Unreadable);
            };
            out.extend_from_slice(b"\r\n");
            for (name, value) in &headers {
                out.extend_from_slice(name.as_str().as_bytes());
                out.extend_from_slice(b": ");
                out.extend_from_slice(self.redaction.header_value(name, value).as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"\r\n");
            if holds_more(body, boundary) {
                out.extend_from_slice(REDACTED.as_bytes());
            } else {
                self.part(&headers, body, end.is_some(), &mut out);
            }
            let Some(end) = end else {
                return (out, Ended::Cut);
            };
            out.extend_from_slice(delimiter.as_bytes());
            rest = part.get(end + delimiter.len()..).unwrap_or_default();
        }
    }

    fn part(&self, headers: &HeaderMap, body: &[u8], is_whole: bool, out: &mut Vec<u8>) {
        let is_secret = name(headers).is_none_or(|name| self.redaction.hides_key(&name));
        let mut kinds = headers.get_all(CONTENT_TYPE).iter();
        let kind = match (kinds.next(), kinds.next()) {
            (None, _) => Some("text/plain"),
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        };
        let kind = kind.map_or(Kind::Unreadable, |kind| Kind::named(kind, body));
        if is_secret || matches!(kind, Kind::Multipart { .. }) {
            out.extend_from_slice(REDACTED.as_bytes());
            return;
        }
        match self.read(body, is_whole, &kind) {
            (_, Ended::Unreadable) => out.extend_from_slice(REDACTED.as_bytes()),
            (text, _) => out.extend_from_slice(&text),
        }
    }
}

/// The name of a part, if it is told once and plainly.
fn name(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_DISPOSITION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    // the header of a part may be UTF-8
    parameter(str::from_utf8(value.as_bytes()).ok()?, "name").filter(|name| !name.is_empty())
}

fn headers(head: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in str::from_utf8(head).ok()?.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.trim().as_bytes()).ok()?);
    }
    Some(headers)
}

/// Whether a part seems to go on behind a delimiter that is damaged.
fn holds_more(body: &[u8], boundary: &str) -> bool {
    const HEAD: &[u8] = b"content-disposition";
    find(body, format!("--{boundary}").as_bytes()).is_some()
        || body.windows(HEAD.len()).any(|window| window.eq_ignore_ascii_case(HEAD))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
