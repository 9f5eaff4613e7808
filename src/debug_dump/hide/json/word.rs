//! A value of JSON that is one word.

use super::{Expect, Scan, Stop};

impl Scan<'_> {
    /// A number, `true`, `false` or `null`.
    pub(super) fn word(&mut self) -> Result<Expect, Stop> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let ends =
            |byte: &u8| !matches!(byte, b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E');
        let length = rest.bytes().position(|byte| ends(&byte)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let is_number = word.starts_with(|first: char| first == '-' || first.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_digit())
            && !word.bytes().any(|byte| byte.is_ascii_lowercase() && byte != b'e')
            && word.parse::<f64>().is_ok();
        // the number that a cut text ends in may go on
        if length == rest.len() && !self.is_whole && !word.is_empty() {
            return Err(Stop::Short);
        }
        if !is_number && !matches!(word, "true" | "false" | "null") {
            return Err(Stop::Malformed);
        }
        self.begin_value();
        self.take(self.at + length);
        Ok(self.end_value())
    }
}
