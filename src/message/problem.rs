//! Problem details, as RFC 9457 has them.

use http::StatusCode;

use crate::escape;

/// The media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, of the type `about:blank`: nothing but what the status means.
pub(crate) struct Problem(Vec<u8>);

impl Problem {
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut json = br#"{"type":"about:blank","title":"#.to_vec();
        escape::json_string(&mut json, status.canonical_reason().unwrap_or_default());
        json.extend_from_slice(b",\"status\":");
        json.extend_from_slice(status.as_str().as_bytes());
        Self(json)
    }

    /// Adds a member; the name is written as it is.
    pub(crate) fn member(mut self, name: &'static str, value: &str) -> Self {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        escape::json_string(&mut self.0, value);
        self
    }

    pub(crate) fn into_json(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}
