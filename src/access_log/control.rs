//! The characters that end a line, drive a terminal or reorder what it shows, made visible.
//!
//! Where a formatter quotes and escapes by itself, only these are left to deal with: doing quotes
//! and backslashes as well would double the formatter's own.

use std::borrow::Cow;
use std::fmt::Write;

/// C0, DEL, C1, the line and paragraph separators and the bidirectional controls.
fn is_control(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The bytes that a control character can start with.
fn may_start_control(byte: &u8) -> bool {
    matches!(byte, 0..=0x1f | 0x7f | 0xc2 | 0xe2)
}

/// `text` with every control character as Rust's `\n` or `\u{1b}`.
pub(super) fn visible(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.bytes().any(|byte| may_start_control(&byte)) {
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
        // writing into a String cannot fail
        let _ = write!(out, "\\u{:04x}", u32::from(control));
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
        let text = "a\"\\é€\n\r\t\u{0}\u{1b}\u{7f}\u{9b}\u{2028}\u{202e}\u{2066}z";
        let expected = r#"a"\é€\n\r\t\u{0}\u{1b}\u{7f}\u{9b}\u{2028}\u{202e}\u{2066}z"#;
        assert_eq!(visible(text.into()), expected);
        let mut json = String::new();
        push_json(&mut json, text);
        let expected = r#"a"\é€\u000a\u000d\u0009\u0000\u001b\u007f\u009b\u2028\u202e\u2066z"#;
        assert_eq!(json, expected);
        assert!(matches!(visible("plain".into()), Cow::Borrowed("plain")));
        assert_eq!(visible("café – «ok»".into()), "café – «ok»");
    }

    #[test]
    fn every_control_starts_with_a_byte_that_is_looked_for() {
        for character in (0..=0x10ffff).filter_map(char::from_u32).filter(|c| is_control(*c)) {
            let mut bytes = [0; 4];
            assert!(may_start_control(&character.encode_utf8(&mut bytes).as_bytes()[0]));
        }
    }
}
