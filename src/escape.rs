//! Text escaping that makes a log line unforgeable.
//!
//! Whatever a caller sends, a value written through this module cannot end its line, close its
//! quotes, drive a terminal or reorder what is displayed. These characters never come out as
//! themselves:
//!
//! - `"` and `\`,
//! - the C0 controls U+0000 to U+001F, DEL, and the C1 controls U+0080 to U+009F (a terminal may
//!   read U+009B as `ESC [`),
//! - the line and paragraph separators U+2028 and U+2029,
//! - the bidirectional controls U+061C, U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069, which
//!   make a text show as another one,
//! - U+FEFF and the tag characters U+E0000 to U+E007F, which show as nothing and may hide a text in
//!   another.
//!
//! Everything else is copied as it is. RFC 8259, section 7, requires only the first group and the
//! C0 controls to be escaped and allows the rest.
//!
//! ```
//! use tower_observability::escape;
//!
//! let mut line = Vec::new();
//! escape::json_string(&mut line, "/a\n\u{1b}[31m");
//! assert_eq!(line, br#""/a\n\u001b[31m""#);
//! ```
//!
//! What it cannot do: it does not decide where a plain-text value ends. [`text`] escapes the quotes
//! of a value, its caller writes them around it.

use std::io::Write;

pub(crate) mod block;
#[cfg(test)]
mod tests;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes `text` as a JSON string, quotes included.
pub fn json_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    json_fragment(out, text);
    out.push(b'"');
}

/// Writes `text` as the inside of a JSON string, for a string that is written in pieces.
///
/// ```
/// use tower_observability::{escape, redact::Redaction};
///
/// let redaction = Redaction::default();
/// let mut line = br#"{"query":""#.to_vec();
/// redaction.write_query("token=1&q=\"", &mut |piece| escape::json_fragment(&mut line, piece));
/// line.extend_from_slice(br#""}"#);
/// assert_eq!(line, br#"{"query":"token=REDACTED&q=\""}"#);
/// ```
pub fn json_fragment(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        json_runs(out, text);
    }
}

/// Writes bytes that may not be UTF-8, such as a header's value, as a JSON string; what is not
/// UTF-8 becomes U+FFFD.
pub fn json_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        for chunk in bytes.utf8_chunks() {
            json_runs(out, chunk.valid());
            if !chunk.invalid().is_empty() {
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
    out.push(b'"');
}

/// Writes a JSON number, in its shortest form that reads back as the same value; infinities and
/// NaN, which JSON has not, become `null`.
pub fn json_f64(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        // Writing into a Vec cannot fail.
        let _ = write!(out, "{number:?}");
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Writes `text` for a plain-text log: as [`json_string`], but without quotes around it and with
/// Rust's `\u{1b}` for what has no short escape.
pub fn text(out: &mut String, text: &str) {
    if is_plain(text.as_bytes()) {
        out.push_str(text);
        return;
    }
    runs(text, |run, special| {
        out.push_str(run);
        if let Some(special) = special {
            text_escape(out, special);
        }
    });
}

/// Writes `text` for HTML, as the text of an element or the inside of a quoted attribute: it can
/// neither begin markup nor end the attribute ([HTML, section 13.3]).
///
/// `&`, `<`, `>` and both quotes become references, so that a parser reads them as they were. The
/// controls that this module is about are written with Rust's escapes, which show, but a tab and a line
/// feed stay, which are mere space there. A backslash stays, too: it means nothing in HTML.
///
/// What it cannot do: it does not tell a harmless URL from `javascript:`, nor is there an escape for the
/// inside of `<script>` and `<style>`.
///
/// ```
/// use tower_observability::escape;
///
/// let mut page = String::new();
/// escape::html(&mut page, "<b title='x'>\u{202e}");
/// assert_eq!(page, r"&lt;b title=&#39;x&#39;&gt;\u{202e}");
/// ```
///
/// [HTML, section 13.3]: https://html.spec.whatwg.org/multipage/parsing.html#escapingString
pub fn html(out: &mut String, text: &str) {
    out.reserve(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            control if is_control(control) => text_escape(out, control),
            plain => out.push(plain),
        }
    }
}

/// Returns `bytes` escaped as by [`text`], at most `max_chars` characters long; a text that was cut
/// ends in `…`, and no escape is cut in half.
///
/// ```
/// use tower_observability::escape::bounded;
///
/// assert_eq!(bounded(b"ab\ncd", 8), r"ab\ncd");
/// assert_eq!(bounded(b"ab\ncd", 4), "ab…");
/// ```
#[must_use]
pub fn bounded(bytes: &[u8], max_chars: usize) -> String {
    let Some(before_mark) = max_chars.checked_sub(1) else {
        return String::new();
    };
    let mut out = String::with_capacity(max_chars.min(bytes.len()));
    let (mut length, mut cut) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        let invalid = (!chunk.invalid().is_empty()).then_some('\u{fffd}');
        for character in chunk.valid().chars().chain(invalid) {
            let start = out.len();
            if is_special(character) {
                text_escape(&mut out, character);
                length += out.len() - start; // an escape is ASCII
            } else {
                out.push(character);
                length += 1;
            }
            if length > max_chars {
                out.truncate(cut);
                out.push('…');
                return out;
            }
            if length <= before_mark {
                cut = out.len();
            }
        }
    }
    out
}

/// Whether a character must never come out as itself.
fn is_special(character: char) -> bool {
    matches!(character, '"' | '\\') || is_control(character)
}

/// Whether a character ends a line, drives a terminal, reorders what is displayed or hides in it.
pub(crate) fn is_control(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Whether a byte is one that the UTF-8 of a control may start with.
pub(crate) fn may_start_control(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef | 0xf3)
}

/// Whether all of `bytes` is ASCII that needs no escape.
#[inline(never)]
fn is_plain(bytes: &[u8]) -> bool {
    !block::any(bytes, |byte| !matches!(byte, b' '..=b'~') | (byte == b'"') | (byte == b'\\'))
}

/// Cuts `text` into runs that are copied as they are, each followed by the special character that
/// ended it.
fn runs(text: &str, mut each: impl FnMut(&str, Option<char>)) {
    let bytes = text.as_bytes();
    let (mut start, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        if !matches!(byte, b'"' | b'\\') && !may_start_control(byte) {
            at += 1;
            continue;
        }
        let Some(character) = text[at..].chars().next() else {
            break;
        };
        let end = at + character.len_utf8();
        if is_special(character) {
            each(&text[start..at], Some(character));
            start = end;
        }
        at = end;
    }
    each(&text[start..], None);
}

fn json_runs(out: &mut Vec<u8>, text: &str) {
    runs(text, |run, special| {
        out.extend_from_slice(run.as_bytes());
        match special {
            None => {}
            Some('"') => out.extend_from_slice(b"\\\""),
            Some('\\') => out.extend_from_slice(b"\\\\"),
            Some('\n') => out.extend_from_slice(b"\\n"),
            Some('\r') => out.extend_from_slice(b"\\r"),
            Some('\t') => out.extend_from_slice(b"\\t"),
            Some(other) => {
                for &code in &*other.encode_utf16(&mut [0; 2]) {
                    let digit = |shift: u32| HEX[usize::from(code >> shift) & 15];
                    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
                }
            }
        }
    });
}

fn text_escape(out: &mut String, special: char) {
    match special {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        other => out.extend(other.escape_unicode()),
    }
}
