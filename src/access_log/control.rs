//! The characters that end a line, drive a terminal or reorder what it shows, made visible.
//!
//! Where a formatter quotes and escapes by itself, only these are left to deal with: doing quotes
//! and backslashes as well would double the formatter's own.

use std::borrow::Cow;
use std::fmt::Write;

use crate::escape::{is_control, may_start_control};

/// `text` with every control character as Rust's `\n` or `\u{1b}`.
pub(super) fn visible(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.bytes().any(may_start_control) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    push_text(&mut out, &text);
    Cow::Owned(out)
}

/// Appends `text` with every control character as Rust's `\n` or `\u{1b}`.
pub(super) fn push_text(out: &mut String, text: &str) {
    push(out, text, |out, control| match control {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        other => out.extend(other.escape_unicode()),
    });
}

/// Appends JSON with every control character as `\u001b`. Only strings can hold one of them in
/// JSON that stands on one line.
pub(super) fn push_json(out: &mut String, json: &str) {
    push(out, json, |out, control| {
        for code in control.encode_utf16(&mut [0; 2]) {
            // writing into a String cannot fail
            let _ = write!(out, "\\u{code:04x}");
        }
    });
}

fn push(out: &mut String, text: &str, escape: impl Fn(&mut String, char)) {
    let mut rest = text;
    while let Some(at) = rest.find(is_control) {
        let (clean, from) = rest.split_at(at);
        out.push_str(clean);
        let mut characters = from.chars();
        if let Some(control) = characters.next() {
            escape(out, control);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_visible_and_nothing_else_changes() {
        let text = "a\"\\é€\n\r\t\u{0}\u{1b}\u{7f}\u{9b}\u{2028}\u{202e}\u{2066}\u{61c}\u{e0041}z";
        let expected =
            r#"a"\é€\n\r\t\u{0}\u{1b}\u{7f}\u{9b}\u{2028}\u{202e}\u{2066}\u{61c}\u{e0041}z"#;
        assert_eq!(visible(text.into()), expected);
        let mut json = String::new();
        push_json(&mut json, text);
        let expected = r#"a"\é€\u000a\u000d\u0009\u0000\u001b\u007f\u009b\u2028\u202e\u2066\u061c\udb40\udc41z"#;
        assert_eq!(json, expected);
        assert!(matches!(visible("plain".into()), Cow::Borrowed("plain")));
        assert_eq!(visible("café – «ok»".into()), "café – «ok»");
    }

    #[test]
    fn every_control_starts_with_a_byte_that_is_looked_for() {
        for character in (0..=0x10ffff).filter_map(char::from_u32).filter(|c| is_control(*c)) {
            let mut bytes = [0; 4];
            assert!(may_start_control(character.encode_utf8(&mut bytes).as_bytes()[0]));
        }
    }
}
