//! How an exchange ended, and the rules that decide it.

use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, Version};

use super::facts::Facts;
use super::observer::isolated;
use super::routing::Answered;
use crate::classify::{
    Blame, Classify, Ending, ErrorType, Goodness, Outcome, Protocol, Side, Verdict,
};
use crate::error;
use crate::grpc::Code;
use crate::route::Route;

/// The end of an exchange, as every observer is told it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct End<'a> {
    /// What is known of the exchange.
    pub facts: &'a Arc<Facts>,
    /// How it ended.
    pub outcome: Outcome,
    /// From the start to the end; "end" means handed to the transport.
    pub duration: Duration,
    /// From the start to the response headers, if there were any.
    pub time_to_headers: Option<Duration>,
    /// The status of the response headers, if there were any.
    pub status: Option<StatusCode>,
    /// What it proved to speak: a server's answer decides whether a request that claimed to be gRPC
    /// was.
    pub protocol: Protocol,
    /// The route, a template or a gRPC method, which is `_OTHER` where it is not
    /// [known](crate::route::Routes#grpc-methods-of-a-server); `None` when none was matched or told.
    pub route: Option<&'a Route>,
    /// The HTTP version: on a server the request's, on a client the response's, if there was one.
    pub version: Option<Version>,
    /// The gRPC status; `None` for plain HTTP.
    pub grpc_status: Option<Code>,
    /// The bytes of the request body, by its Content-Length.
    pub request_bytes: Option<u64>,
    /// The bytes of response data handed over.
    pub response_bytes: u64,
    /// Whether the connection was handed over after the headers (101, CONNECT 2xx).
    pub upgraded: bool,
    /// Whether a client's caller dropped the response body before its end.
    pub unread: bool,
    /// Whose doing the end was.
    pub blame: Blame,
    /// What went wrong; `None` when nothing did.
    pub error_type: Option<ErrorType>,
    /// Whether spans and log levels treat it as an error.
    pub is_error: bool,
    /// What an objective makes of it by default.
    pub goodness: Goodness,
    /// The error that the service or the body answered, or the payload of a panic.
    pub error: Option<&'a (dyn Any + 'static)>,
}

impl<'a> End<'a> {
    /// The error as an [`Error`], if it is of a type this crate knows: a boxed error, an I/O
    /// error, or an error of an enabled integration.
    pub fn as_error(&self) -> Option<&'a (dyn Error + 'static)> {
        self.error.and_then(error::as_error)
    }
}

/// What a wrapper saw happen last.
#[derive(Clone, Copy)]
pub(super) enum Last<'a> {
    /// The body yielded its end or its trailers, or there was none to come.
    BodyEnded,
    /// The future or the body was dropped.
    Dropped,
    /// The service or the body answered an error.
    Error(&'a (dyn Any + 'static)),
    /// A panic passed through.
    Panic(Option<&'a (dyn Any + 'static)>),
}

/// What a wrapper saw of one exchange on the way.
pub(super) struct Seen {
    pub(super) version: Version,
    pub(super) request_bytes: Option<u64>,
    pub(super) response: Option<SeenResponse>,
    /// Bytes of response data handed over.
    pub(super) handed: u64,
    /// The gRPC status of the trailers.
    pub(super) trailers: Option<Code>,
}

pub(super) struct SeenResponse {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) after: Duration,
    /// Whether the headers are those of a gRPC answer.
    pub(super) is_grpc: bool,
    /// `grpc-status` among the headers: a trailers-only answer.
    pub(super) grpc_status: Option<Code>,
    /// How many bytes the body must have, by Content-Length or an exact size hint.
    pub(super) expected: Option<u64>,
    pub(super) shape: Shape,
}

/// What an answer is by its status and the request's method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Headers and a body.
    Full,
    /// Headers alone.
    Bodiless,
    /// Headers, after which the connection speaks something else.
    Upgraded,
    /// Informational, which no final answer can be.
    Impossible,
}

impl Shape {
    pub(super) fn of(status: StatusCode, method: &Method) -> Self {
        match status {
            StatusCode::SWITCHING_PROTOCOLS => Self::Upgraded,
            _ if status.is_success() && method == Method::CONNECT => Self::Upgraded,
            _ if status.is_informational() => Self::Impossible,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Self::Bodiless,
            _ if method == Method::HEAD => Self::Bodiless,
            _ => Self::Full,
        }
    }
}

impl Seen {
    /// Judges the exchange.
    pub(super) fn judge<'a>(
        &self,
        facts: &'a Arc<Facts>,
        last: Last<'a>,
        duration: Duration,
    ) -> End<'a> {
        let response = self.response.as_ref();
        let protocol = self.protocol(facts);
        let outcome = self.outcome(facts, protocol, last, duration);
        let unread = outcome == Outcome::Completed
            && facts.side() == Side::Client
            && matches!(last, Last::Dropped)
            && !self.handed_all(protocol);
        let error = match last {
            Last::Error(error) => Some(error),
            Last::Panic(payload) => payload,
            Last::BodyEnded | Last::Dropped => None,
        };
        let ending = Ending {
            side: facts.side(),
            outcome,
            status: response.map(|seen| seen.status),
            grpc_status: match protocol {
                Protocol::Http => None,
                Protocol::Grpc => Some(self.grpc_status(facts.side(), outcome, unread, last)),
            },
            unread,
        };
        let Verdict { blame, error_type, is_error, goodness } =
            self.verdict(facts.classify(), &ending, last);
        End {
            facts,
            outcome,
            duration,
            time_to_headers: response.map(|seen| seen.after),
            status: ending.status,
            protocol,
            route: facts.route_at_end(Answered {
                protocol,
                code: ending.grpc_status,
                proves_method: protocol == Protocol::Grpc && self.proves_method(outcome),
            }),
            version: match facts.side() {
                Side::Server => Some(self.version),
                Side::Client => response.map(|seen| seen.version),
            },
            grpc_status: ending.grpc_status,
            request_bytes: self.request_bytes,
            response_bytes: self.handed,
            upgraded: self.shape() == Some(Shape::Upgraded),
            unread,
            blame,
            error_type,
            is_error,
            goodness,
            error,
        }
    }

    fn verdict(&self, classify: &Classify, ending: &Ending, last: Last<'_>) -> Verdict {
        let failure = match (ending.outcome, last) {
            (Outcome::Failed, Last::Error(error)) => isolated(|| classify.name_of(error)).flatten(),
            (Outcome::Failed, _) if self.shape() != Some(Shape::Impossible) => {
                Some(ErrorType::CONTENT_LENGTH_MISMATCH)
            }
            _ => None,
        };
        // a rule of the user's that panics is passed over
        let judged = match classify.has_own_blame() {
            true => isolated(|| classify.judge(ending, failure)),
            false => Some(classify.judge(ending, failure)),
        };
        judged.unwrap_or_else(|| Classify::new().judge(ending, failure))
    }

    /// A stranger's content type alone does not make a plain service one of gRPC.
    fn protocol(&self, facts: &Facts) -> Protocol {
        let proven = facts.protocol() == Protocol::Http
            || facts.side() == Side::Client
            || self.trailers.is_some()
            || self.response.as_ref().is_none_or(|seen| seen.is_grpc);
        if proven { facts.protocol() } else { Protocol::Http }
    }

    /// Panicked before failed before the transport's own end.
    fn outcome(
        &self,
        facts: &Facts,
        protocol: Protocol,
        last: Last<'_>,
        duration: Duration,
    ) -> Outcome {
        if matches!(last, Last::Panic(_)) || facts.has_panicked() {
            return Outcome::Panicked;
        }
        let (shape, expected) = (self.shape(), self.expected());
        let overran = expected.is_some_and(|expected| self.handed > expected);
        if shape == Some(Shape::Impossible) || overran {
            return Outcome::Failed;
        }
        let fell_short = expected.is_some_and(|expected| self.handed < expected);
        let ran_out = facts.deadline().is_some_and(|deadline| duration >= deadline);
        match last {
            Last::Error(_) if ran_out && facts.side() == Side::Client => Outcome::DeadlineExceeded,
            Last::Error(_) => Outcome::Failed,
            Last::BodyEnded if fell_short && shape == Some(Shape::Full) => Outcome::Failed,
            Last::BodyEnded => Outcome::Completed,
            Last::Dropped if self.handed_all(protocol) => Outcome::Completed,
            Last::Dropped if ran_out => Outcome::DeadlineExceeded,
            Last::Dropped if self.response.is_none() => Outcome::Cancelled,
            Last::Dropped if facts.side() == Side::Client => Outcome::Completed,
            Last::Dropped => Outcome::Aborted,
            Last::Panic(_) => Outcome::Panicked,
        }
    }

    fn shape(&self) -> Option<Shape> {
        self.response.as_ref().map(|seen| seen.shape)
    }

    fn expected(&self) -> Option<u64> {
        self.response.as_ref().and_then(|seen| seen.expected)
    }

    /// Whether a drop came after the last byte; a gRPC message ends with its trailers instead.
    fn handed_all(&self, protocol: Protocol) -> bool {
        protocol == Protocol::Http && self.expected() == Some(self.handed)
    }

    /// The `grpc-status` that was sent.
    fn answered(&self) -> Option<Code> {
        self.trailers.or_else(|| self.response.as_ref()?.grpc_status)
    }

    /// What became of a panic may have been answered in front of the method.
    fn proves_method(&self, outcome: Outcome) -> bool {
        outcome != Outcome::Panicked && self.answered().is_some_and(Code::proves_method)
    }

    fn grpc_status(&self, side: Side, outcome: Outcome, unread: bool, last: Last<'_>) -> Code {
        let answered = self.answered();
        match outcome {
            Outcome::DeadlineExceeded => Code::DeadlineExceeded,
            Outcome::Panicked => Code::Internal,
            Outcome::Cancelled | Outcome::Aborted => Code::Cancelled,
            Outcome::Failed => match (last, side) {
                (Last::Error(error), Side::Server) => {
                    error::grpc_code(error).unwrap_or(Code::Internal)
                }
                (Last::Error(error), Side::Client) => {
                    error::grpc_code(error).unwrap_or(Code::Unavailable)
                }
                _ => answered.unwrap_or(Code::Internal),
            },
            Outcome::Completed => match (answered, &self.response) {
                (Some(code), _) => code,
                (None, Some(seen)) if seen.status != StatusCode::OK => Code::from_http(seen.status),
                (None, _) if unread => Code::Cancelled,
                (None, _) => Code::Unknown,
            },
        }
    }
}
