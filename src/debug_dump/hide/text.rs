//! Text and forms.

use std::borrow::Cow;

use crate::redact::{REDACTED, Redaction};

/// What makes the end of a cut text a userinfo, if it may be one.
const HOST: &str = "@h";

/// A form, or a query. If it is cut, its end counts as userinfo where it may be: what tells is the
/// `@` that follows.
pub(super) fn form<'a>(text: &'a str, is_whole: bool, redaction: &Redaction) -> Cow<'a, str> {
    if is_whole {
        return redaction.query(text);
    }
    let mut longer = redaction.query(&format!("{text}{HOST}")).into_owned();
    if longer.ends_with(HOST) {
        longer.truncate(longer.len() - HOST.len());
    }
    if longer == text { Cow::Borrowed(text) } else { Cow::Owned(longer) }
}

/// Any text. A key may start where the text, a line or a word does.
pub(super) fn prose<'a>(text: &'a str, is_whole: bool, redaction: &Redaction) -> Cow<'a, str> {
    let mut hidden = form(text, is_whole, redaction);
    for ends in [is_line_end, is_word_end] {
        if let Some(more) = pieces(&hidden, is_whole, redaction, ends) {
            hidden = Cow::Owned(more);
        }
    }
    hidden
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

fn is_word_end(character: char) -> bool {
    character.is_whitespace()
}

/// Hides in each piece. A value that is hidden to the end of its piece goes on to the next `&`, as
/// in a query: it may have several lines, as a private key has.
fn pieces(
    text: &str,
    is_whole: bool,
    redaction: &Redaction,
    ends: fn(char) -> bool,
) -> Option<String> {
    let mut out = String::new();
    let mut in_value = false;
    let mut rest = text.split_inclusive(ends).peekable();
    while let Some(piece) = rest.next() {
        let piece = match (in_value, piece.find('&')) {
            (true, None) => continue,
            (true, Some(end)) => piece.get(end..).unwrap_or_default(),
            (false, _) => piece,
        };
        let bare = piece.trim_end_matches(ends);
        let hidden = form(bare, is_whole || rest.peek().is_some(), redaction);
        in_value = matches!(hidden, Cow::Owned(_)) && hidden.ends_with(REDACTED);
        out.push_str(&hidden);
        if !in_value {
            out.push_str(piece.get(bare.len()..).unwrap_or_default());
        }
    }
    (out != text).then_some(out)
}
