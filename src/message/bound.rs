//! How much is told of what a caller sends.

use std::borrow::Cow;

use super::MARK;

/// The most bytes that are told of a text which a caller sends.
pub(crate) const MAX_VALUE: usize = 2048;

/// The part of `text` that is told, and the mark that follows it if it was cut.
pub(crate) fn cut(text: &str) -> (&str, &'static str) {
    if text.len() <= MAX_VALUE {
        return (text, "");
    }
    let (kept, _) = text.split_at(text.floor_char_boundary(MAX_VALUE - MARK.len()));
    (kept, MARK)
}

/// `text`, cut where it is too long.
pub(crate) fn bounded(text: Cow<'_, str>) -> Cow<'_, str> {
    match cut(&text) {
        (_, "") => text,
        (kept, mark) => Cow::Owned([kept, mark].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_cut() {
        let whole = "é".repeat(MAX_VALUE / 2);
        assert!(matches!(bounded(Cow::Borrowed(&whole)), Cow::Borrowed(text) if text == whole));
        let expected = "é".repeat(MAX_VALUE / 2 - 2) + MARK;
        assert_eq!(bounded(Cow::Owned(whole + "é")), expected);
        let ascii = "x".repeat(MAX_VALUE + 1);
        assert_eq!(bounded(Cow::Owned(ascii)), "x".repeat(MAX_VALUE - 3) + MARK);
    }
}
