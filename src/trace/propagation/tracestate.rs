//! The `tracestate` header.

use http::HeaderValue;
use opentelemetry::trace::TraceState;

use super::OWS;

/// A list has no more members.
const MEMBERS: usize = 32;

/// No more bytes are sent: header lists are often limited to 16 KiB as a whole.
const LENGTH: usize = 8192;

/// Members over this many bytes are the first to go when there is too much.
const LARGE: usize = 128;

/// The members of a `tracestate`, in order.
pub(super) struct Members<'a> {
    all: [&'a str; MEMBERS],
    count: usize,
}

impl<'a> Members<'a> {
    pub(super) const fn new() -> Self {
        Self { all: [""; MEMBERS], count: 0 }
    }

    /// Of the headers together; none when there is one that is not valid, or a 33rd.
    pub(super) fn parse(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut members = Self::new();
        for member in values.flat_map(|value| value.split(',')) {
            let member = member.trim_matches(OWS);
            if !member.is_empty() {
                pair(member)?;
                members.push(member)?;
            }
        }
        Some(members)
    }

    pub(super) fn push(&mut self, member: &'a str) -> Option<()> {
        *self.all.get_mut(self.count)? = member;
        self.count += 1;
        Some(())
    }

    fn as_slice(&self) -> &[&'a str] {
        self.all.get(..self.count).unwrap_or_default()
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        self.as_slice().iter().filter_map(|member| pair(member))
    }

    /// Each member, after its key.
    pub(super) fn keyed(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.as_slice().iter().filter_map(|member| Some((pair(member)?.0, *member)))
    }

    /// Without what there is too much of, the last ones first.
    fn cut(&self) -> Self {
        // the last comma is not there
        let mut length = self.length();
        let mut cut = Self { ..*self };
        for member in cut.all.iter_mut().rev() {
            if length > LENGTH + 1 && member.len() > LARGE {
                length -= member.len() + 1;
                *member = "";
            }
        }
        cut
    }

    /// With a comma after each.
    fn length(&self) -> usize {
        let members = self.as_slice().iter().filter(|member| !member.is_empty());
        members.map(|member| member.len() + 1).sum()
    }

    /// The header to send, if there is anything to send.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let kept = self.cut();
        let mut text = String::with_capacity(kept.length());
        for member in kept.as_slice().iter().filter(|member| !member.is_empty()) {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(member);
        }
        if text.is_empty() { None } else { HeaderValue::try_from(text).ok() }
    }

    /// What OpenTelemetry's type can hold of it: the first of each key, and no key that it refuses.
    pub(super) fn state(&self) -> TraceState {
        let kept = self.cut();
        let first = |&(at, (key, _)): &(usize, (&str, &str))| {
            kept.pairs().take(at).all(|(before, _)| before != key)
        };
        let unique = kept.pairs().enumerate().filter(first).map(|(_, pair)| pair);
        TraceState::from_key_value(unique.clone())
            .or_else(|_| {
                let held = |&pair: &(&str, &str)| TraceState::from_key_value([pair]).is_ok();
                TraceState::from_key_value(unique.filter(held))
            })
            .unwrap_or_default()
    }
}

/// The key and the value of a member, if they are valid.
fn pair(member: &str) -> Option<(&str, &str)> {
    let (key, value) = member.split_once('=')?;
    is_pair(key, value).then_some((key, value))
}

pub(super) fn is_pair(key: &str, value: &str) -> bool {
    let alphanumeric = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let key_letter = |letter: u8| alphanumeric(letter) || b"_-*/@".contains(&letter);
    let value_letter =
        |letter: u8| matches!(letter, b' '..=b'~') && letter != b',' && letter != b'=';
    key.len() <= 256
        && key.bytes().next().is_some_and(alphanumeric)
        && key.bytes().all(key_letter)
        && value.len() <= 256
        && value.bytes().last().is_some_and(|last| last != b' ')
        && value.bytes().all(value_letter)
}
