//! Which keys stand at the top of a JSON object.

/// Whether `object`, JSON on one line, has `key`, given as JSON with its quotes, at its top.
pub(super) fn has(object: &str, key: &[u8]) -> bool {
    let wanted = std::str::from_utf8(key).unwrap_or_default();
    // most lines do not have the text at all
    object.contains(wanted) && top_level(object).any(|found| found == wanted)
}

/// The strings at the top of an object that a colon follows, quotes included.
fn top_level(object: &str) -> impl Iterator<Item = &str> {
    let bytes = object.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    std::iter::from_fn(move || {
        while let Some(&byte) = bytes.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    at = end_of_string(bytes, at);
                    let after = object.get(at..).unwrap_or_default().trim_start();
                    if depth == 1 && after.starts_with(':') {
                        return object.get(start..at);
                    }
                }
                _ => {}
            }
        }
        None
    })
}

/// The place after the quote that ends the string that starts at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_at_the_top_are_found() {
        let object = r#"{"a":"\"b\":1","c" : {"d":[{"e":2}],"a":"f"},"g\\":["h"],"i":"j:\\"}"#;
        let found: Vec<_> = top_level(object).collect();
        assert_eq!(found, [r#""a""#, r#""c""#, r#""g\\""#, r#""i""#]);
        assert!(has(object, br#""c""#));
        for absent in [r#""b""#, r#""d""#, r#""e""#, r#""f""#, r#""h""#, r#""j""#] {
            assert!(!has(object, absent.as_bytes()), "{absent}");
        }
    }

    #[test]
    fn what_is_no_json_ends() {
        for text in ["", "{", "{\"", "{\"a", "{\"a\\", "}}\"a\":1", "{\"é\\\u{e9}\":"] {
            assert!(top_level(text).count() <= 1, "{text}");
        }
    }
}
