//! Text and forms.

use std::borrow::Cow;

use crate::redact::{REDACTED, Redaction};

/// What makes the end of a cut text a userinfo, if it may be one.
const HOST: &str = "@h";

/// The longest text before a colon that is looked at as one name.
const LONGEST: usize = 64;

const QUOTES: [char; 2] = ['"', '\''];

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
    if let Some(more) = colons(&hidden, redaction) {
        hidden = Cow::Owned(more);
    }
    for ends in [is_line_end, is_word_end] {
        if let Some(more) = pieces(&hidden, is_whole, redaction, ends) {
            hidden = Cow::Owned(more);
        }
    }
    hidden
}

/// Hides what stands behind a name and a colon, as in a header, YAML or a sentence, to the end of the line
/// and in the lines after it that are deeper, or empty.
fn colons(text: &str, redaction: &Redaction) -> Option<String> {
    let mut out = String::new();
    let mut hidden_at = None;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(is_line_end);
        let depth = bare.len() - bare.trim_start().len();
        if hidden_at.is_some_and(|at| depth > at || bare.trim().is_empty()) {
            continue;
        }
        if hidden_at.take().is_some() && !out.ends_with(is_line_end) {
            out.push('\n');
        }
        match secret_from(bare, redaction) {
            Some(at) => {
                out.push_str(bare.get(..at).unwrap_or_default());
                out.push(' ');
                out.push_str(REDACTED);
                hidden_at = Some(depth);
                out.push_str(line.get(bare.len()..).unwrap_or_default());
            }
            None => out.push_str(line),
        }
    }
    (out != text).then_some(out)
}

/// Where in a line a value begins whose name and colon stand before it, unless it is hidden already.
fn secret_from(line: &str, redaction: &Redaction) -> Option<usize> {
    let mut start = 0;
    for (at, _) in line.match_indices(':') {
        let name = line.get(start..at)?.trim();
        // a name is not behind what is longer than any
        let last = name.rsplit(|it: char| it.is_whitespace() || "{[(,;'\"".contains(it)).next();
        start = at + 1;
        // its end is not looked at: it is behind every colon of the line
        let value = line.get(start..)?.trim_start();
        let is_secret = (name.len() <= LONGEST && redaction.hides_key(name))
            || last.is_some_and(|last| redaction.hides_key(last));
        if is_secret
            && !value.starts_with("//")
            && !value.trim_start_matches(QUOTES).starts_with(REDACTED)
        {
            return Some(start);
        }
    }
    None
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
