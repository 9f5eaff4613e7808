//! What is answered.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::message::problem::Problem;

type BoxError = Box<dyn Error + Send + Sync>;

/// The body of an [`Admin`](super::Admin)'s response.
#[derive(Default)]
pub struct AdminBody(Content);

#[derive(Default)]
enum Content {
    #[default]
    Nothing,
    Whole(Bytes),
    #[cfg(any(feature = "debug-dump", feature = "metrics"))]
    Stream(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl AdminBody {
    /// What comes bit by bit.
    #[cfg(any(feature = "debug-dump", feature = "metrics"))]
    pub(super) fn stream<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
    {
        Self(Content::Stream(Box::pin(body)))
    }
}

impl Body for AdminBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        #[cfg(any(feature = "debug-dump", feature = "metrics"))]
        if let Content::Stream(body) = &mut self.0 {
            return body.as_mut().poll_frame(_cx);
        }
        Poll::Ready(match std::mem::take(&mut self.0) {
            Content::Whole(bytes) => Some(Ok(Frame::data(bytes))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Nothing => true,
            Content::Whole(_) => false,
            #[cfg(any(feature = "debug-dump", feature = "metrics"))]
            Content::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Nothing => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            #[cfg(any(feature = "debug-dump", feature = "metrics"))]
            Content::Stream(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for AdminBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminBody").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}

/// 200, with a JSON document.
pub(super) fn json(document: Vec<u8>) -> Response<AdminBody> {
    let mut response = Response::new(Bytes::from(document));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    whole(response)
}

/// 200, with a JSON document that is written as [`safe`] does.
#[cfg(any(feature = "debug-dump", feature = "live", feature = "slo"))]
pub(super) fn document(document: &serde_json::Value) -> Response<AdminBody> {
    json(safe(document))
}

/// A JSON document in which nothing drives a terminal or hides from who reads it.
#[cfg(any(feature = "debug-dump", feature = "live", feature = "slo"))]
pub(super) fn safe(document: &serde_json::Value) -> Vec<u8> {
    use crate::escape;
    use serde_json::Value;

    fn write(out: &mut Vec<u8>, value: &Value) {
        match value {
            Value::String(text) => escape::json_string(out, text),
            Value::Array(values) => {
                out.push(b'[');
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write(out, value);
                }
                out.push(b']');
            }
            Value::Object(members) => {
                out.push(b'{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    escape::json_string(out, name);
                    out.push(b':');
                    write(out, value);
                }
                out.push(b'}');
            }
            other => out.extend_from_slice(other.to_string().as_bytes()),
        }
    }

    let mut out = Vec::new();
    write(&mut out, document);
    out
}

/// 200, with text.
#[cfg(feature = "debug-dump")]
pub(super) fn plain(text: String) -> Response<AdminBody> {
    let mut response = Response::new(Bytes::from(text));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    whole(response)
}

/// Why a request is not answered as it wants: the status, words, and the member of the body at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    pub(super) field: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), field: None }
    }

    /// 400 for a member of the body.
    pub(super) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// 400 for a parameter of the query that there is not.
    #[cfg(any(feature = "debug-dump", feature = "live", feature = "slo"))]
    pub(super) fn unknown(parameter: &str) -> Self {
        Self::field(crate::escape::bounded(parameter.as_bytes(), 64), "is not known")
    }

    pub(super) fn answer(&self) -> Response<AdminBody> {
        let mut problem = Problem::new(self.status).member("detail", &self.detail);
        if let Some(field) = &self.field {
            problem = problem.member("field", field);
        }
        whole(problem.response())
    }
}

/// 401, with the credentials that would do.
pub(super) fn unauthorized(challenge: HeaderValue) -> Response<AdminBody> {
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "credentials are needed");
    let mut response = refusal.answer();
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// 405, with the methods that would do.
pub(super) fn not_allowed(allow: &str) -> Response<AdminBody> {
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("use {allow}"));
    let mut response = refusal.answer();
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// What is there already, with its length.
pub(super) fn whole(response: Response<Bytes>) -> Response<AdminBody> {
    let length = HeaderValue::from(response.body().len());
    let mut response = response.map(|content| AdminBody(Content::Whole(content)));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}
