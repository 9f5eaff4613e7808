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
    #[cfg(feature = "metrics")]
    Stream(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl AdminBody {
    /// What another service answered.
    #[cfg(feature = "metrics")]
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
        #[cfg(feature = "metrics")]
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
            #[cfg(feature = "metrics")]
            Content::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Nothing => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            #[cfg(feature = "metrics")]
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

fn whole(response: Response<Bytes>) -> Response<AdminBody> {
    let length = HeaderValue::from(response.body().len());
    let mut response = response.map(|content| AdminBody(Content::Whole(content)));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}
