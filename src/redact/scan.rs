//! Finds the secrets in a query string, or in any text that has parts of one: a URL, a form body, a
//! header's value.

use std::ops::Range;

#[cfg(any(feature = "access-log", all(test, feature = "trace")))]
use crate::escape::block;

use super::{
    Policy, REDACTED,
    percent::{self, Decoded},
    userinfo,
};

/// What replaces the userinfo of a URL, in OpenTelemetry's words.
const USERINFO: &str = "REDACTED:REDACTED";

/// A text may be encoded once by its format, and once more because it holds another URL. What is
/// still encoded then is hidden.
const DECODINGS: u8 = 2;

/// Pieces up to this length are decoded without an allocation.
const INLINE: usize = 256;

/// The bytes that [`Scan`] looks at; it leaps over the others.
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let mut bytes: &[u8] = b"=:&;?#/%";
    while let [byte, rest @ ..] = bytes {
        marks[*byte as usize] = true;
        bytes = rest;
    }
    marks
};

/// Whether nothing but `=` and `&` in a text means anything to [`Scan`], or to JSON.
#[cfg(any(feature = "access-log", all(test, feature = "trace")))]
#[inline(never)]
pub(super) fn is_plain(text: &[u8]) -> bool {
    !block::any(text, |byte| {
        !(byte | 0x20).is_ascii_lowercase()
            & !matches!(byte, b'+'..=b'.')
            & !byte.is_ascii_digit()
            & (byte != b'=')
            & (byte != b'&')
            & (byte != b'_')
    })
}

/// A part of the text, and what to write in its place.
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) with: &'static str,
}

impl Found {
    fn secret(range: Range<usize>) -> Self {
        Found { range, with: REDACTED }
    }

    fn userinfo(range: Range<usize>) -> Self {
        Found { range, with: USERINFO }
    }
}

/// Yields what is to be replaced, in the order of the text.
///
/// Delimiters cut the text into pieces. A piece that ends in `=` is a key. Where readers disagree
/// on what a text means, both are right: `;` starts a key as `&` does, but only `&` ends a value
/// that is hidden.
pub(super) struct Scan<'a> {
    policy: &'a Policy,
    text: &'a [u8],
    at: usize,
    /// Where `&` separates pairs, and ends a URL that is the value of one. If that URL has a
    /// userinfo, its host is hidden too: the `@` may be that of another value.
    in_pairs: bool,
    /// In prose, where the last word before a `=` may be the key.
    in_prose: bool,
    /// How many times the text was decoded.
    decoded: u8,
}

/// What there is to hide in a piece that is percent-encoded.
enum Encoded {
    Nothing,
    /// The value of the key that the piece is.
    Value,
    /// The piece too: it holds the key, and a value or a part of one.
    Piece,
}

impl<'a> Scan<'a> {
    pub(super) fn query(policy: &'a Policy, text: &'a str) -> Self {
        Scan { in_pairs: true, ..Self::new(policy, text.as_bytes()) }
    }

    pub(super) fn prose(policy: &'a Policy, text: &'a str) -> Self {
        Scan { in_prose: true, ..Self::new(policy, text.as_bytes()) }
    }

    /// What a program says: prose, with pairs and URLs in it.
    #[cfg(any(
        feature = "access-log",
        feature = "health",
        feature = "live",
        feature = "sentry",
        feature = "trace"
    ))]
    pub(super) fn text(policy: &'a Policy, text: &'a str) -> Self {
        Scan { in_prose: true, ..Self::query(policy, text) }
    }

    /// A text that is a URL from its first character on.
    pub(super) fn url(policy: &'a Policy, text: &'a str) -> impl Iterator<Item = Found> {
        let mut rest = Self::query(policy, text);
        let userinfo = policy.userinfo.then(|| userinfo::of_url(text.as_bytes())).flatten();
        if let Some(range) = &userinfo {
            rest.at = range.end;
        }
        userinfo.map(Found::userinfo).into_iter().chain(rest)
    }

    fn new(policy: &'a Policy, text: &'a [u8]) -> Self {
        Scan {
            policy,
            text,
            at: if policy.is_off() { text.len() } else { 0 },
            in_pairs: false,
            in_prose: false,
            decoded: 0,
        }
    }

    /// Hides everything from `start` to the end of the pair that `at` is in.
    fn hide(&mut self, start: usize, at: usize) -> Option<Found> {
        self.at = self.text[at..]
            .iter()
            .position(|&byte| byte == b'&')
            .map_or(self.text.len(), |end| at + end);
        Some(Found::secret(start..self.at))
    }

    /// `key` has no `%`.
    fn is_key_hidden(&self, key: &[u8]) -> bool {
        let last_word =
            || key.trim_ascii_end().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        self.policy.keys.hide(key) || (self.in_prose && self.policy.keys.hide(last_word()))
    }

    /// `piece` has a `%`; it includes the `=` where it `is_key`.
    fn encoded(&self, piece: &[u8], is_key: bool) -> Encoded {
        let (mut stack, mut heap) = ([0; INLINE], Vec::new());
        let copy = match stack.get_mut(..piece.len()) {
            Some(copy) => copy,
            None => {
                heap.resize(piece.len(), 0);
                heap.as_mut_slice()
            }
        };
        copy.copy_from_slice(piece);
        let Decoded { length, any, invalid } = percent::decode(copy);
        let text = &copy[..length];
        if any {
            if self.decoded == DECODINGS {
                return Encoded::Piece;
            }
            let mut inner = Scan {
                in_prose: !is_key,
                decoded: self.decoded + 1,
                ..Scan::new(self.policy, text)
            };
            match inner.next() {
                Some(found) if is_key && found.range.start == length => return Encoded::Value,
                Some(_) => return Encoded::Piece,
                None => {}
            }
        }
        if is_key && invalid { Encoded::Value } else { Encoded::Nothing }
    }
}

impl Iterator for Scan<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let text = self.text;
        let (mut start, mut at) = (self.at, self.at);
        let mut has_percent = false;
        loop {
            at = next_mark(text, at);
            let Some(&byte) = text.get(at) else {
                break;
            };
            match byte {
                b'%' => has_percent = true,
                b'=' | b':' if byte == b'=' || ends_in_quote(&text[start..at]) => {
                    if has_percent {
                        match self.encoded(&text[start..=at], true) {
                            Encoded::Nothing => {}
                            Encoded::Value => return self.hide(at + 1, at + 1),
                            Encoded::Piece => return self.hide(start, at),
                        }
                    } else if self.is_key_hidden(&text[start..at]) {
                        return self.hide(at + 1, at + 1);
                    }
                    (start, has_percent) = (at + 1, false);
                }
                b'&' | b';' | b'?' | b'#' | b'/' => {
                    if has_percent
                        && !matches!(self.encoded(&text[start..at], false), Encoded::Nothing)
                    {
                        return self.hide(start, at);
                    }
                    (start, has_percent) = (at + 1, false);
                    self.in_pairs |= byte == b'?';
                    if byte == b'/'
                        && self.policy.userinfo
                        && text[..at].ends_with(b"/")
                        && let Some(length) = userinfo::length(&text[start..], self.in_pairs)
                    {
                        let end = start + length;
                        if self.in_pairs {
                            return self.hide(start, end);
                        }
                        self.at = end;
                        return Some(Found::userinfo(start..end));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.at = text.len();
        if has_percent && !matches!(self.encoded(&text[start..], false), Encoded::Nothing) {
            return self.hide(start, self.at);
        }
        None
    }
}

/// Kept apart from the loop it serves, for the sake of its speed.
#[inline(never)]
fn next_mark(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < text.len() && !MARKS[usize::from(text[at])] {
        at += 1;
    }
    at
}

/// Whether a `:` after this is JSON's: `{"password": "x"}`.
fn ends_in_quote(piece: &[u8]) -> bool {
    matches!(piece.trim_ascii_end(), [.., b'"' | b'\''])
}
