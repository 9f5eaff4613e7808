//! Problem details of RFC 9457, as every service of this crate answers them.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use crate::escape;

/// A problem of the type `about:blank`: what it is, its status says.
pub(crate) struct Problem {
    status: StatusCode,
    json: Vec<u8>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut json = br#"{"type":"about:blank","title":"#.to_vec();
        escape::json_string(&mut json, status.canonical_reason().unwrap_or_default());
        json.extend_from_slice(b",\"status\":");
        json.extend_from_slice(status.as_str().as_bytes());
        Self { status, json }
    }

    /// Adds a member whose name needs no escaping.
    pub(crate) fn member(mut self, name: &'static str, value: &str) -> Self {
        self.json.extend_from_slice(b",\"");
        self.json.extend_from_slice(name.as_bytes());
        self.json.extend_from_slice(b"\":");
        escape::json_string(&mut self.json, value);
        self
    }

    pub(crate) fn response(mut self) -> Response<Bytes> {
        self.json.push(b'}');
        let mut response = Response::new(Bytes::from(self.json));
        *response.status_mut() = self.status;
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}
