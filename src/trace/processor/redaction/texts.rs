//! Secrets in values that are no secret as a whole.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};

use crate::redact::{REDACTED, Redaction};

/// What may be shown of the value of a header. One that no header can have is hidden.
pub(super) fn header<'a>(policy: &Redaction, name: &HeaderName, value: &'a str) -> Cow<'a, str> {
    match HeaderValue::from_str(value) {
        Ok(as_header) => shown(policy, name, &as_header, value),
        Err(_) => Cow::Borrowed(REDACTED),
    }
}

/// A text without the secrets of the URLs in it.
pub(super) fn prose<'a>(policy: &Redaction, text: &'a str) -> Cow<'a, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut hidden = false;
    let lines: Vec<_> = text
        .split_inclusive(['\n', '\r'])
        .map(|line| {
            let shown = line_of_prose(policy, line);
            hidden |= shown != line;
            shown
        })
        .collect();
    if hidden { Cow::Owned(lines.concat()) } else { Cow::Borrowed(text) }
}

fn line_of_prose<'a>(policy: &Redaction, line: &'a str) -> Cow<'a, str> {
    let text = line.trim_end_matches(['\n', '\r']);
    let shown = match HeaderValue::from_str(text) {
        // a header that no policy hides
        Ok(as_header) => {
            let name = HeaderName::from_static("tower-observability-text");
            shown(policy, &name, &as_header, text)
        }
        Err(_) => policy.url(text),
    };
    if shown == text {
        return Cow::Borrowed(line);
    }
    let end = line.get(text.len()..).unwrap_or_default();
    Cow::Owned([shown.as_ref(), end].concat())
}

fn shown<'a>(
    policy: &Redaction,
    name: &HeaderName,
    as_header: &HeaderValue,
    value: &'a str,
) -> Cow<'a, str> {
    match policy.header_value(name, as_header) {
        same if same == value => Cow::Borrowed(value),
        Cow::Borrowed(_) => Cow::Borrowed(REDACTED),
        Cow::Owned(shown) => Cow::Owned(shown),
    }
}
