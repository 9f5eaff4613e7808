//! How an exchange ended and whose doing it was: the words, and the one judgement.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::grpc;

/// Which side of an exchange a wrapper stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Around a service that answers requests.
    Server,
    /// Around a transport that sends them.
    Client,
}

impl Side {
    /// The name as it stands in every signal: `server` or `client`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// What an exchange speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Plain HTTP, gRPC-Web included.
    Http,
    /// gRPC: a POST with gRPC's content type.
    Grpc,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The whole answer was handed over.
    Completed,
    /// The peer went away in the middle of the response body.
    Aborted,
    /// The future was dropped before there were response headers.
    Cancelled,
    /// It was given up when the caller's time had run out.
    DeadlineExceeded,
    /// The service or the body answered an error, or an impossible response.
    Failed,
    /// The service or the body panicked.
    Panicked,
}

impl Outcome {
    /// The name as it stands in every signal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Aborted => "aborted",
            Self::Cancelled => "cancelled",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose doing the end of an exchange was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// An error of this side: of the service on a server, of the call on a client.
    Ours,
    /// The doing of whoever asked: of the client on a server, of the caller on a client.
    Peer,
    /// Nobody's: it went as it should, or a client was told of its mistake.
    Nobody,
}

/// What an objective makes of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Goodness {
    /// Counts as good.
    Good,
    /// Counts as bad.
    Bad,
    /// Does not count: the peer ended it.
    LeftOut,
}

/// A low-cardinality name of what went wrong (OpenTelemetry's `error.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorType {
    /// An HTTP status that is an error on this side.
    Status(StatusCode),
    /// A gRPC status that is an error on this side.
    Grpc(grpc::Code),
    /// A name: one of this crate's, or one that the classifier gave.
    Named(&'static str),
}

impl ErrorType {
    /// The body ended short of its Content-Length, or ran past it.
    pub const CONTENT_LENGTH_MISMATCH: Self = Self::Named("content_length_mismatch");

    /// The name as it stands in every signal: `503`, `UNAVAILABLE`, `cancelled`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Grpc(code) => code.as_str(),
            Self::Named(name) => name,
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of an exchange when it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// Which side it is seen from.
    pub side: Side,
    /// How it ended.
    pub outcome: Outcome,
    /// The status, if response headers were seen.
    pub status: Option<StatusCode>,
    /// The gRPC status, for gRPC only.
    pub grpc_status: Option<grpc::Code>,
    /// Whether a client's caller dropped the response body before its end.
    pub unread: bool,
}

/// The judgement on an exchange, told by every signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Whose doing it was.
    pub blame: Blame,
    /// What went wrong; `None` when nothing did.
    pub error_type: Option<ErrorType>,
    /// Whether spans and log levels treat it as an error.
    pub is_error: bool,
    /// What an objective makes of it by default.
    pub goodness: Goodness,
}

type NameError = dyn Fn(&(dyn Any + 'static)) -> Option<&'static str> + Send + Sync;
type AssignBlame = dyn Fn(&Ending, Blame) -> Blame + Send + Sync;

/// The rules of judgement: the table of the crate's documentation, unless changed here.
///
/// The wrapper that starts an exchange judges for every wrapper that joins it.
///
/// ```
/// use tower_observability::classify::{Blame, Classify};
///
/// // an unavailable dependency is answered with 503 on purpose: not this service's fault
/// let classify = Classify::new().blame(|ending, blame| match ending.status {
///     Some(status) if status == 503 => Blame::Nobody,
///     _ => blame,
/// });
/// ```
#[derive(Clone, Default)]
pub struct Classify {
    peer_ends_are_errors: bool,
    error_name: Option<Arc<NameError>>,
    blame: Option<Arc<AssignBlame>>,
}

impl Classify {
    /// The rules as documented.
    pub fn new() -> Self {
        Self::default()
    }

    /// Treats cancelled and aborted exchanges as errors in spans and log levels.
    pub fn peer_ends_are_errors(mut self) -> Self {
        self.peer_ends_are_errors = true;
        self
    }

    /// Names the error of a failed exchange; `None` leaves it at `failed`. Names are `'static`,
    /// so that their number is bounded.
    pub fn error_name(
        mut self,
        name: impl Fn(&(dyn Any + 'static)) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        self.error_name = Some(Arc::new(name));
        self
    }

    /// Changes whose doing an end was; called with the documented answer.
    pub fn blame(
        mut self,
        blame: impl Fn(&Ending, Blame) -> Blame + Send + Sync + 'static,
    ) -> Self {
        self.blame = Some(Arc::new(blame));
        self
    }

    /// The name the rules give this error.
    pub(crate) fn name_of(&self, error: &(dyn Any + 'static)) -> Option<ErrorType> {
        self.error_name.as_ref().and_then(|name| name(error)).map(ErrorType::Named)
    }

    /// Whether a rule of the user's has a say in whose doing an end was.
    #[inline]
    pub(crate) fn has_own_blame(&self) -> bool {
        self.blame.is_some()
    }

    /// Judges an ending; `failure` names what failed, where something is known of it.
    #[inline]
    pub(crate) fn judge(&self, ending: &Ending, failure: Option<ErrorType>) -> Verdict {
        let ruled = default_blame(ending);
        let blame = match &self.blame {
            Some(assign) => assign(ending, ruled),
            None => ruled,
        };
        let error_type = match ending.outcome {
            Outcome::Completed if blame == Blame::Ours => match ending.grpc_status {
                Some(code) => Some(ErrorType::Grpc(code)),
                None => ending.status.map(ErrorType::Status),
            },
            Outcome::Completed => None,
            Outcome::Failed => Some(failure.unwrap_or(ErrorType::Named("failed"))),
            Outcome::Panicked => Some(ErrorType::Named("panic")),
            other => Some(ErrorType::Named(other.as_str())),
        };
        Verdict {
            blame,
            error_type,
            is_error: match blame {
                Blame::Ours => true,
                Blame::Peer => self.peer_ends_are_errors,
                Blame::Nobody => false,
            },
            goodness: match blame {
                Blame::Ours => Goodness::Bad,
                Blame::Peer => Goodness::LeftOut,
                Blame::Nobody => Goodness::Good,
            },
        }
    }
}

#[inline]
fn default_blame(ending: &Ending) -> Blame {
    match ending.outcome {
        Outcome::Failed | Outcome::Panicked | Outcome::DeadlineExceeded => Blame::Ours,
        Outcome::Cancelled | Outcome::Aborted => Blame::Peer,
        Outcome::Completed => completed_blame(ending),
    }
}

#[inline]
fn completed_blame(ending: &Ending) -> Blame {
    let ours = match (ending.side, ending.grpc_status, ending.status) {
        (Side::Server, Some(code), _) => code.is_server_error(),
        (Side::Server, None, status) => status.is_some_and(|status| status.is_server_error()),
        // the caller stopped reading, which cancels the call
        (Side::Client, Some(grpc::Code::Cancelled), _) if ending.unread => return Blame::Peer,
        (Side::Client, Some(code), _) => code != grpc::Code::Ok,
        (Side::Client, None, status) => status.is_some_and(|status| status.as_u16() >= 400),
    };
    if ours { Blame::Ours } else { Blame::Nobody }
}

impl fmt::Debug for Classify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classify")
            .field("peer_ends_are_errors", &self.peer_ends_are_errors)
            .field("error_name", &self.error_name.is_some())
            .field("blame", &self.blame.is_some())
            .finish()
    }
}
