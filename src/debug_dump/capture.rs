//! What is captured of one exchange.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version};

use crate::classify::{Outcome, Protocol, Side};
use crate::grpc::Code;

/// The number of a capture, unique among those of one [`DumpControl`](super::DumpControl).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureId(pub(crate) u64);

impl CaptureId {
    /// The capture of this number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// One exchange as it was seen. Its secrets are hidden already.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Capture {
    /// Which one it is.
    pub id: CaptureId,
    /// The side it was captured on.
    pub side: Side,
    /// When it started.
    pub started_at: SystemTime,
    /// From the start to the end.
    pub duration: Duration,
    /// From the start to the response headers, if there were any.
    pub time_to_headers: Option<Duration>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it proved to speak.
    pub protocol: Protocol,
    /// The route, if one was matched or told.
    pub route: Option<String>,
    /// The ID of the request, if it has one.
    pub request_id: Option<String>,
    /// The ID of the trace, as 32 hexadecimal digits, if there is one.
    pub trace_id: Option<String>,
    /// The status of a gRPC call.
    pub grpc_status: Option<Code>,
    /// What went wrong, as every signal names it; `None` where nothing did.
    pub error_type: Option<String>,
    /// What was asked.
    pub request: CapturedRequest,
    /// What was answered; `None` where nothing was.
    pub response: Option<CapturedResponse>,
}

/// The request of a capture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CapturedRequest {
    /// As sent.
    pub method: Method,
    /// As sent, its secrets hidden.
    pub uri: Uri,
    /// The version of HTTP.
    pub version: Version,
    /// The headers, their secrets hidden.
    pub headers: HeaderMap,
    /// The body.
    pub body: CapturedBody,
    /// The trailers, their secrets hidden; `None` where none passed.
    pub trailers: Option<HeaderMap>,
}

/// The response of a capture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CapturedResponse {
    /// As sent.
    pub status: StatusCode,
    /// The version of HTTP.
    pub version: Version,
    /// The headers, their secrets hidden.
    pub headers: HeaderMap,
    /// The body.
    pub body: CapturedBody,
    /// The trailers, their secrets hidden; `None` where none passed.
    pub trailers: Option<HeaderMap>,
}

/// A body of a capture.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CapturedBody {
    /// What was kept of it: its secrets hidden, and cut.
    pub kept: Bytes,
    /// How it was kept.
    pub form: BodyForm,
    /// How many bytes passed by; more than were kept where it is cut.
    pub total: u64,
    /// What became of it.
    pub fate: BodyFate,
    /// Why nothing was kept, or not all.
    pub withheld: Option<Withheld>,
}

/// How a body was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyForm {
    /// As it passed, but decompressed.
    #[default]
    AsSent,
    /// The messages of a gRPC body, each as JSON on a line of its own: their types were
    /// [known](super::DebugDumpLayer::grpc_messages).
    GrpcAsJson,
}

/// What became of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyFate {
    /// It passed to its end.
    #[default]
    Whole,
    /// It ended before its end: in an error, or as whoever read it left.
    Aborted,
    /// Nobody read it to its end.
    Unread,
    /// Its type is not one that can be looked into.
    Unknown,
}

/// Why a body was not kept, or not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Withheld {
    /// It is longer than the cap.
    Truncated,
    /// What it says could not be read, so that its secrets could not be found.
    Unreadable,
    /// It answers who may do what: 401 and 403.
    Authentication,
}
