//! What a body is, by its content type.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::json;

/// How a body is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// JSON; `many` values may follow one another.
    Json {
        many: bool,
    },
    Form,
    Text,
    Multipart {
        boundary: String,
    },
    /// Nothing tells where a secret would stand.
    Opaque,
    /// It is of a kind that can be read, but not as it says it is written.
    Unreadable,
}

/// Encodings that have ASCII's characters in ASCII's places; what else they hold has to be UTF-8.
const CHARSETS: [&str; 6] = ["utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "windows-1252"];

impl Kind {
    /// The kind of a body; one without a type is looked at.
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::sniffed(body),
            (Some(value), None) => {
                value.to_str().map_or(Self::Opaque, |value| Self::named(value, body))
            }
            _ => Self::Opaque,
        }
    }

    /// The kind of a part of a multipart body.
    pub(super) fn named(value: &str, body: &[u8]) -> Self {
        let mut pieces = value.split(';');
        let essence = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = match essence.as_str() {
            "application/x-ndjson" | "application/jsonl" | "application/json-seq" => {
                Self::Json { many: true }
            }
            "application/json" | "text/json" => Self::Json { many: false },
            "application/x-www-form-urlencoded" => Self::Form,
            "multipart/form-data" => return boundary(value),
            "text/html" | "text/xml" => Self::Opaque,
            json if json.ends_with("+json") && !json.starts_with("application/grpc") => {
                Self::Json { many: false }
            }
            text if text.starts_with("text/") && !text.ends_with("+xml") => Self::text(body),
            _ => Self::Opaque,
        };
        let charset = parameter(value, "charset");
        match kind {
            Self::Opaque => kind,
            _ if charset
                .is_none_or(|name| CHARSETS.contains(&name.to_ascii_lowercase().as_str())) =>
            {
                kind
            }
            _ => Self::Unreadable,
        }
    }

    fn sniffed(body: &[u8]) -> Self {
        let text = body.trim_ascii_start();
        let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(byte);
        if text.starts_with(b"<") || text.starts_with(b"--") || body.iter().any(is_control) {
            Self::Opaque
        } else {
            Self::text(body)
        }
    }

    /// Text, unless it is JSON that says it is text.
    fn text(body: &[u8]) -> Self {
        if json::is_likely(body) { Self::Json { many: true } } else { Self::Text }
    }
}

fn boundary(value: &str) -> Kind {
    match parameter(value, "boundary") {
        // RFC 2046, section 5.1.1
        Some(boundary) if (1..=70).contains(&boundary.len()) => Kind::Multipart { boundary },
        _ => Kind::Unreadable,
    }
}

/// A parameter (RFC 9110, section 5.6.6); an empty one where it is said more than once, or in a way
/// that readers take differently.
pub(super) fn parameter(value: &str, name: &str) -> Option<String> {
    let mut found = None;
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while !rest.is_empty() {
        let (key, after) = rest.split_at(rest.find(['=', ';']).unwrap_or(rest.len()));
        let Some(after) = after.strip_prefix('=') else {
            rest = after.strip_prefix(';').unwrap_or_default();
            continue;
        };
        let (text, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => match unquoted(quoted) {
                Some(parsed) => parsed,
                None => return Some(String::new()),
            },
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (text, after) = after.split_at(end);
                (text.trim().to_owned(), after)
            }
        };
        let key = key.trim();
        let is_extended = key.strip_suffix('*').is_some_and(|key| key.eq_ignore_ascii_case(name));
        if key.eq_ignore_ascii_case(name) || is_extended {
            let is_clear = found.is_none() && !is_extended;
            found = Some(if is_clear { text } else { return Some(String::new()) });
        }
        rest = after.trim_start().strip_prefix(';').unwrap_or_default();
    }
    found
}

/// The inside of a quoted string, and what follows it.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, character)) = chars.next() {
        match character {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            '\\' => text.push(chars.next()?.1),
            other => text.push(other),
        }
    }
    None
}
