use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode, request, response};

use super::ScriptError;
use crate::attribute::Attributes;
use crate::classify::{Blame, ErrorType, Goodness, Outcome, Protocol, Side};
use crate::exchange::{End, Facts, ObserveLayer, Observer};
use crate::grpc::Code;
use crate::id::{RequestId, TraceIdentity};
use crate::route::Route;

/// What was recorded of one exchange.
///
/// Write the expected one as a change of another, `Record { response_bytes: 5, ..completed }`:
/// fields may be added.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of `End` and `Facts`")]
pub struct Record {
    pub side: Side,
    pub protocol: Protocol,
    pub method: Method,
    pub route: Option<Route>,
    pub request_id: Option<RequestId>,
    pub trace: Option<TraceIdentity>,
    pub outcome: Outcome,
    pub duration: Duration,
    pub time_to_headers: Option<Duration>,
    pub status: Option<StatusCode>,
    pub grpc_status: Option<Code>,
    pub request_bytes: Option<u64>,
    pub response_bytes: u64,
    pub upgraded: bool,
    pub unread: bool,
    pub blame: Blame,
    pub error_type: Option<ErrorType>,
    pub is_error: bool,
    pub goodness: Goodness,
    /// The error's text, if its type is known.
    pub error: Option<String>,
    pub attributes: Attributes,
    /// Whether the exchange was started in the scope of another.
    pub nested: bool,
}

impl Record {
    /// The record of an exchange that completed with this status at time zero; to be changed into
    /// the record a test expects.
    pub fn completed(side: Side, status: StatusCode) -> Self {
        Self {
            side,
            protocol: Protocol::Http,
            method: Method::GET,
            route: None,
            request_id: None,
            trace: None,
            outcome: Outcome::Completed,
            duration: Duration::ZERO,
            time_to_headers: Some(Duration::ZERO),
            status: Some(status),
            grpc_status: None,
            request_bytes: None,
            response_bytes: 0,
            upgraded: false,
            unread: false,
            blame: Blame::Nobody,
            error_type: None,
            is_error: false,
            goodness: Goodness::Good,
            error: None,
            attributes: Attributes::default(),
            nested: false,
        }
    }

    /// The record of a gRPC call of `method` that completed with this code, judged by the
    /// documented table; to be changed as well. A server's has the route `_OTHER` where the code does
    /// not prove the method: change it where the method is told, listed or was
    /// [learned](crate::route::Routes#grpc-methods-of-a-server) before.
    pub fn called(side: Side, method: &'static str, code: Code) -> Self {
        let ours = match side {
            Side::Server => code.is_server_error(),
            Side::Client => code != Code::Ok,
        };
        let record = Self {
            protocol: Protocol::Grpc,
            method: Method::POST,
            // an unknown method's name is its caller's
            route: Some(match side == Side::Server && !code.proves_method() {
                true => Route::OTHER,
                false => method.into(),
            }),
            grpc_status: Some(code),
            ..Self::completed(side, StatusCode::OK)
        };
        if ours { record.blaming(Blame::Ours, ErrorType::Grpc(code)) } else { record }
    }

    /// This record if the exchange had ended like this, judged by the documented table. A panic does
    /// not prove a gRPC method.
    pub fn ended(self, outcome: Outcome) -> Self {
        let (blame, name) = match outcome {
            Outcome::Completed => return Self { outcome, ..self },
            Outcome::Panicked => {
                let panicked = Self { outcome, ..self.unproven() };
                return panicked.blaming(Blame::Ours, ErrorType::Named("panic"));
            }
            Outcome::Failed | Outcome::DeadlineExceeded => (Blame::Ours, outcome.as_str()),
            Outcome::Cancelled | Outcome::Aborted => (Blame::Peer, outcome.as_str()),
        };
        Self { outcome, ..self.blaming(blame, ErrorType::Named(name)) }
    }

    /// This record if there had been no response headers, which leaves a gRPC method unproven.
    pub fn unanswered(self) -> Self {
        Self { status: None, time_to_headers: None, ..self.unproven() }
    }

    /// This record if the answer had not proved that the server has the method.
    fn unproven(self) -> Self {
        match (self.side, self.protocol) {
            (Side::Server, Protocol::Grpc) => Self { route: Some(Route::OTHER), ..self },
            _ => self,
        }
    }

    /// This record if this had gone wrong, and this side or its peer were to blame.
    pub fn blaming(self, blame: Blame, error_type: ErrorType) -> Self {
        let (is_error, goodness) = match blame {
            Blame::Ours => (true, Goodness::Bad),
            Blame::Peer => (false, Goodness::LeftOut),
            Blame::Nobody => (false, Goodness::Good),
        };
        Self { blame, error_type: Some(error_type), is_error, goodness, ..self }
    }

    fn of(end: &End<'_>) -> Self {
        let facts = end.facts;
        Self {
            side: facts.side(),
            protocol: end.protocol,
            method: facts.method().clone(),
            route: end.route.cloned(),
            request_id: facts.request_id().copied(),
            trace: facts.trace().copied(),
            outcome: end.outcome,
            duration: end.duration,
            time_to_headers: end.time_to_headers,
            status: end.status,
            grpc_status: end.grpc_status,
            request_bytes: end.request_bytes,
            response_bytes: end.response_bytes,
            upgraded: end.upgraded,
            unread: end.unread,
            blame: end.blame,
            error_type: end.error_type,
            is_error: end.is_error,
            goodness: end.goodness,
            error: match end.error.and_then(|error| error.downcast_ref::<ScriptError>()) {
                Some(error) => Some(error.to_string()),
                None => end.as_error().map(ToString::to_string),
            },
            attributes: facts.with_attributes(Clone::clone),
            nested: facts.parent().is_some(),
        }
    }
}

/// A callback that a [`Recorder`] received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the callbacks are")]
#[non_exhaustive]
pub enum Event {
    Begin,
    Response,
    End,
    Refused,
}

/// An observer that keeps a [`Record`] of every exchange. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    records: Vec<Record>,
    events: Vec<Event>,
}

impl Recorder {
    /// A recorder that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A layer that records the exchanges of a service.
    pub fn layer(&self, side: Side) -> ObserveLayer<Self> {
        ObserveLayer::new(side, self.clone())
    }

    /// The records so far, in the order in which the exchanges ended.
    pub fn records(&self) -> Vec<Record> {
        self.kept().records.clone()
    }

    /// The callbacks so far.
    pub fn events(&self) -> Vec<Event> {
        self.kept().events.clone()
    }

    /// The one record there is.
    ///
    /// # Panics
    /// When there is none or more than one.
    #[track_caller]
    pub fn only(&self) -> Record {
        let records = self.records();
        let [record] = records.as_slice() else {
            let hint = match records.len() {
                0 => "; an exchange ends when its response body ends: read or drop it first",
                _ => "",
            };
            panic!("one exchange was expected to have ended: {records:#?}{hint}");
        };
        record.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    type Exchange = ();

    fn begin(&self, _head: &mut request::Parts, _facts: &Arc<Facts>) {
        self.kept().events.push(Event::Begin);
    }

    fn response(&self, (): &mut (), _head: &mut response::Parts, _facts: &Arc<Facts>) {
        self.kept().events.push(Event::Response);
    }

    fn end(&self, (): (), end: &End<'_>) {
        let record = Record::of(end);
        let mut kept = self.kept();
        kept.events.push(Event::End);
        kept.records.push(record);
    }

    fn refused(&self, _error: &(dyn std::any::Any + 'static)) {
        self.kept().events.push(Event::Refused);
    }
}

#[cfg(test)]
mod tests {
    use tower::{Layer, ServiceExt};

    use super::*;
    use crate::testing::{Script, ScriptBody};

    #[tokio::test]
    #[should_panic = "one exchange was expected to have ended: []; an exchange ends when its \
                      response body ends: read or drop it first"]
    async fn none_that_ended_may_have_a_body_that_is_held() {
        let recorder = Recorder::new();
        let service = recorder.layer(Side::Server).layer(Script::body(ScriptBody::new().data("a")));
        let _held = service.oneshot(http::Request::new(())).await;
        recorder.only();
    }

    #[test]
    fn more_than_one_is_no_matter_of_bodies() {
        let recorder = Recorder::new();
        let record = Record::completed(Side::Server, StatusCode::OK);
        recorder.kept().records = vec![record.clone(), record];
        let panic = std::panic::catch_unwind(|| recorder.only()).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.ends_with("]"), "{text}");
    }
}
