//! What an error says of itself.

use std::error::Error;
use std::fmt::{self, Write};

use super::MARK;
use crate::classify::Outcome;
use crate::error::panic_message;
use crate::exchange::{End, isolated};
use crate::redact::Redaction;

/// The most characters that are told.
const MAX: usize = 512;
/// The most bytes that are looked at.
const MAX_READ: usize = 8 * MAX;

/// What an end says of what went wrong: the message of its panic, or else the text of its error.
pub(crate) fn of_end(end: &End<'_>, redaction: &Redaction) -> Option<String> {
    let text_of = |error: &(dyn Error + 'static)| isolated(|| of(error, redaction));
    let panic = || text_of(&*Box::<dyn Error>::from(of_panic(end)?));
    let error = || end.as_error().and_then(text_of);
    let said = match end.outcome {
        // what a panic was made into says less than the panic
        Outcome::Panicked => panic().or_else(error),
        _ => error(),
    };
    said.filter(|text| !text.is_empty())
}

/// What the panic said that an exchange ended with, whole: its secrets are in it.
pub(crate) fn of_panic(end: &End<'_>) -> Option<String> {
    let told = end.facts.caught_panic().and_then(|panic| panic.message.clone());
    told.or_else(|| panic_message(end.error?))
}

/// The text of an error and of its sources, joined by `: `, without the secrets that the policy
/// finds in it, and cut.
fn of(error: &(dyn Error + 'static), redaction: &Redaction) -> String {
    let mut text = Text(String::new());
    // fails when there is enough, or where an error's own formatting does
    let _ = write!(text, "{error}");
    let mut next = error.source();
    while let Some(source) = next {
        let length = text.0.len();
        if write!(text, ": {source}").is_err() {
            break;
        }
        // many an error says of itself what its source says
        let (before, added) = text.0.split_at(length);
        if added.strip_prefix(": ").is_some_and(|added| before.ends_with(added)) {
            text.0.truncate(length);
        }
        next = source.source();
    }
    let shown = redaction.text(&text.0);
    match shown.char_indices().nth(MAX - 1) {
        Some((last, _)) if shown.chars().nth(MAX).is_some() => {
            let (kept, _) = shown.split_at(last);
            [kept, MARK].concat()
        }
        _ => shown.into_owned(),
    }
}

/// A text of at most [`MAX_READ`] bytes.
struct Text(String);

impl Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let (kept, rest) =
            piece.split_at(piece.floor_char_boundary(MAX_READ.saturating_sub(self.0.len())));
        self.0.push_str(kept);
        if rest.is_empty() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layered(String, Option<Box<Layered>>);

    impl fmt::Display for Layered {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Layered {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    fn text(error: Layered) -> String {
        of(&error, &Redaction::default())
    }

    #[test]
    fn sources_are_joined_and_secrets_hidden() {
        let from = |source: &str| {
            let innermost = Layered("refused".into(), None);
            let source = Layered(source.into(), Some(Box::new(innermost)));
            text(Layered("no answer".into(), Some(Box::new(source))))
        };
        assert_eq!(from("db:5432"), "no answer: db:5432: refused");
        // nobody knows where a secret ends in a sentence
        assert_eq!(from("http://db/?token=hunter2"), "no answer: http://db/?token=REDACTED");
        assert_eq!(from("https://bob:hunter2@db/"), "no answer: https://REDACTED");
    }

    #[test]
    fn what_is_said_again_is_told_once() {
        let innermost = Layered("disk gone".into(), None);
        let source = Layered("disk gone".into(), Some(Box::new(innermost)));
        let outer = |said: &str, source| Layered(said.into(), Some(Box::new(source)));
        assert_eq!(text(outer("disk gone", source)), "disk gone");
        let source = Layered("disk gone".into(), None);
        assert_eq!(text(outer("write failed: disk gone", source)), "write failed: disk gone");
    }

    #[test]
    fn it_is_cut_by_characters() {
        for (length, expected) in [
            (MAX, "é".repeat(MAX)),
            (MAX + 1, "é".repeat(MAX - 1) + MARK),
            (99_999, "é".repeat(MAX - 1) + MARK),
        ] {
            let source = Some(Box::new(Layered(String::new(), None)));
            let source = if length > MAX { source } else { None };
            assert_eq!(text(Layered("é".repeat(length), source)), expected);
        }
    }
}
