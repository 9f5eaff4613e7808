//! The headers that are logged: those on a list, and no others.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::bound::bounded;
use super::json::Object;
use crate::config::ConfigError;
use crate::redact::Redaction;

/// The names of the headers to log.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderNames(Vec<HeaderName>);

impl HeaderNames {
    pub(super) fn add(&mut self, field: &'static str, name: &str) -> Result<(), ConfigError> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| ConfigError::new(field, name, "the name of an HTTP header"))?;
        if !self.0.contains(&name) {
            self.0.push(name);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the listed headers of `headers`; allocates only where there is one.
    pub(super) fn capture(&self, headers: &HeaderMap) -> Captured {
        let mut captured = Vec::new();
        for name in &self.0 {
            for value in headers.get_all(name) {
                captured.push((name.clone(), value.clone()));
            }
        }
        Captured(captured)
    }
}

/// Headers as they were, not yet formatted; the values of one name stand together.
#[derive(Default)]
pub(super) struct Captured(Vec<(HeaderName, HeaderValue)>);

impl Captured {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `"<prefix><name>":["value", …]` for each name, redacted.
    pub(super) fn write(&self, object: &mut Object<'_>, prefix: &str, redaction: &Redaction) {
        for group in self.0.chunk_by(|one, next| one.0 == next.0) {
            let Some((name, _)) = group.first() else { continue };
            let values =
                group.iter().map(|(name, value)| bounded(redaction.header_value(name, value)));
            object.texts(prefix, name.as_str(), values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_headers_are_kept_with_all_their_values_and_secrets_are_hidden() {
        let mut names = HeaderNames::default();
        for name in ["X-Tag", "authorization", "x-absent", "x-tag", "x-marked"] {
            names.add("request_header", name).unwrap();
        }
        let mut headers = HeaderMap::new();
        headers.append("x-tag", "one".parse().unwrap());
        headers.append("x-other", "not listed".parse().unwrap());
        headers.append("x-tag", HeaderValue::from_bytes(b"t\xffwo\"").unwrap());
        headers.append("authorization", "Bearer abc".parse().unwrap());
        let mut marked: HeaderValue = "hush".parse().unwrap();
        marked.set_sensitive(true);
        headers.append("x-marked", marked);
        let captured = names.capture(&headers);
        let mut out = Vec::new();
        Object::write(&mut out, |object| captured.write(object, "h.", &Redaction::default()));
        let expected = "{\"h.x-tag\":[\"one\",\"t\u{fffd}wo\\\"\"],\
            \"h.authorization\":[\"REDACTED\"],\"h.x-marked\":[\"REDACTED\"]}";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert!(names.capture(&HeaderMap::new()).is_empty());
    }

    #[test]
    fn bad_names_are_named() {
        for name in ["", "two words", "x\n", "é"] {
            let error = HeaderNames::default().add("response_header", name).unwrap_err();
            assert_eq!((error.field(), error.value()), ("response_header", name));
        }
    }
}
