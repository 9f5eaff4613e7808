//! What is answered in place of what panicked.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::Responder;
use super::hook::catching;
use crate::exchange::Facts;
use crate::grpc::{self, Code};
use crate::message::accept::{self, Media};
use crate::message::problem::Problem;

/// What a request said that an answer depends on, kept while it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) is_grpc: bool,
    accept: Option<HeaderValue>,
}

impl Asked {
    #[inline]
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let headers = request.headers();
        if grpc::is_call(request.method(), headers) {
            return Self { is_grpc: true, accept: None };
        }
        // one is what nearly everybody sends; of several, the first has to do
        Self { is_grpc: false, accept: headers.get(ACCEPT).cloned() }
    }
}

/// A request that panicked before its response headers, for
/// [`CatchPanicLayer::responder`](super::CatchPanicLayer::responder).
#[derive(Clone, Copy, Debug)]
pub struct Unanswered<'a> {
    asked: &'a Asked,
    facts: Option<&'a Facts>,
}

impl<'a> Unanswered<'a> {
    /// Whether the request claims to be a gRPC call.
    pub fn is_grpc(&self) -> bool {
        self.asked.is_grpc
    }

    /// The request's `Accept`, if it has one and that is text.
    pub fn accept(&self) -> Option<&'a str> {
        self.asked.accept.as_ref().and_then(|accept| accept.to_str().ok())
    }

    /// What is known of the exchange; `None` where no layer of this crate is outside.
    pub fn facts(&self) -> Option<&'a Facts> {
        self.facts
    }

    /// The ID of the request, if it has one.
    pub fn request_id(&self) -> Option<&'a str> {
        self.facts?.request_id().map(|id| id.as_str())
    }

    /// What is answered without a responder: see the [module](super).
    pub fn answer(&self) -> Response<Bytes> {
        if self.is_grpc() {
            return grpc_answer();
        }
        const CHOICE: [Medium; 3] = [Medium::Problem, Medium::Json, Medium::Text];
        let chosen = accept::choose(self.accept().into_iter(), &CHOICE);
        match chosen.unwrap_or(Medium::Problem) {
            Medium::Problem | Medium::Json => self.problem(),
            Medium::Text => self.text(),
        }
    }

    /// The problem details of RFC 9457, with two members of our own.
    fn problem(&self) -> Response<Bytes> {
        let mut problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(id) = self.request_id() {
            problem = problem.member("request_id", id);
        }
        if let Some(trace) = self.trace_id() {
            problem = problem.member("trace_id", &trace);
        }
        problem.response()
    }

    fn text(&self) -> Response<Bytes> {
        let mut text = "Internal Server Error\n".to_owned();
        if let Some(id) = self.request_id() {
            text.push_str(&format!("request ID: {id}\n"));
        }
        if let Some(trace) = self.trace_id() {
            text.push_str(&format!("trace ID: {trace}\n"));
        }
        let mut response = Response::new(Bytes::from(text));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }

    fn trace_id(&self) -> Option<String> {
        Some(self.facts?.trace()?.trace_id_hex())
    }
}

/// Answers a request that panicked; whatever the responder does, there is an answer.
pub(super) fn respond(
    responder: Option<&Responder>,
    asked: &Asked,
    facts: Option<&Facts>,
) -> Response<Bytes> {
    let unanswered = Unanswered { asked, facts };
    if let Some(responder) = responder
        && let Some(response) = catching(|| responder(&unanswered))
    {
        return response;
    }
    unanswered.answer()
}

/// The trailers of a gRPC call that panicked.
pub(super) fn grpc_trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(2);
    trailers.insert(grpc::STATUS, HeaderValue::from(u16::from(Code::Internal.number())));
    trailers.insert(grpc::MESSAGE, HeaderValue::from_static("internal error"));
    trailers
}

fn grpc_answer() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.headers_mut() = grpc_trailers();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// In what form an answer can be had.
#[derive(Clone, Copy)]
enum Medium {
    Problem,
    Json,
    Text,
}

impl Media for Medium {
    fn media_type(&self) -> (&'static str, &'static str) {
        match self {
            Self::Problem => ("application", "problem+json"),
            Self::Json => ("application", "json"),
            Self::Text => ("text", "plain"),
        }
    }
}
