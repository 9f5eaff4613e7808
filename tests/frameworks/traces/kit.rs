//! Exchanges that are traced and recorded at once, by the system's clock.

use std::time::{Duration, SystemTime};

use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use tower_observability::classify::Side;
use tower_observability::exchange::ObserveLayer;
use tower_observability::testing::{Event, Record, Recorder, SpanEvent, SpanRecord, SpanRecorder};
use tower_observability::trace::propagation::W3cPropagator;
use tower_observability::trace::{Trace, TraceLayer};

use crate::support::*;

pub(crate) type Traced = (Trace, Recorder);

/// What one side of an exchange tells. Spans may be kept together with those of the other side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) spans: SpanRecorder,
    pub(crate) recorder: Recorder,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Of the other side, with spans in the same place.
    pub(crate) fn opposite(&self) -> Self {
        Self { spans: self.spans.clone(), recorder: Recorder::new() }
    }

    /// The observers of one wrapper, so that they are told the same times.
    pub(crate) fn layer(&self, side: Side) -> ObserveLayer<Traced> {
        let trace = match side {
            Side::Server => TraceLayer::server(),
            Side::Client => TraceLayer::client(),
        };
        let trace = trace.tracer_provider(self.spans.provider()).propagator(W3cPropagator::new());
        ObserveLayer::new(side, (trace.into_observer(), self.recorder.clone()))
    }

    /// Nothing has been told yet.
    #[track_caller]
    pub(crate) fn silent(&self, side: Side) {
        assert_eq!((self.of(side), self.recorder.records()), (vec![], vec![]));
    }

    /// Waits until the exchange has begun; it must not end by itself.
    pub(crate) async fn begun(&self, side: Side) {
        until(|| self.recorder.events().contains(&Event::Begin)).await;
        settle().await;
        self.silent(side);
    }

    /// Waits for the one span of this side, and demands that the record says the same. What every
    /// run has anew is left out: times and IDs.
    pub(crate) async fn ended(&self, side: Side) -> SpanRecord {
        let record = recorded(&self.recorder).await;
        let [span] = <[SpanRecord; 1]>::try_from(self.of(side)).unwrap();
        agree(&span, &record);
        timeless(span)
    }

    fn of(&self, side: Side) -> Vec<SpanRecord> {
        let kind = kind(side);
        self.spans.spans().into_iter().filter(|span| span.kind == kind).collect()
    }
}

fn kind(side: Side) -> SpanKind {
    match side {
        Side::Server => SpanKind::Server,
        Side::Client => SpanKind::Client,
    }
}

#[track_caller]
fn agree(span: &SpanRecord, record: &Record) {
    assert_eq!(span.duration, record.duration);
    assert!(span.duration > Duration::ZERO, "by the system's clock");
    let error = record.error_type.as_ref().map(|error| Value::from(error.as_str().to_owned()));
    assert_eq!(span.attribute("error.type"), error.as_ref());
    assert_eq!(span.status != Status::Unset, record.is_error);
    let code = record.grpc_status.map(|code| Value::from(code.as_str()));
    assert_eq!(span.attribute("rpc.response.status_code"), code.as_ref());
    let trace = record.trace.unwrap();
    assert_eq!(TraceId::from(trace.trace_id()), span.trace_id);
    assert_eq!(SpanId::from(trace.span_id()), span.span_id);
    assert!(span.events.iter().all(|event| event.after == span.duration));
}

fn timeless(span: SpanRecord) -> SpanRecord {
    let events = span.events.into_iter();
    SpanRecord {
        trace_id: TraceId::INVALID,
        span_id: SpanId::INVALID,
        start: SystemTime::UNIX_EPOCH,
        duration: Duration::ZERO,
        events: events.map(|event| SpanEvent { after: Duration::ZERO, ..event }).collect(),
        ..span
    }
}

/// A span of this name and these attributes, as [`Watch::ended`] answers it.
pub(crate) fn span(side: Side, name: &str, attributes: &[(&str, Value)]) -> SpanRecord {
    let bare = SpanRecord {
        name: name.into(),
        kind: kind(side),
        trace_id: TraceId::INVALID,
        span_id: SpanId::INVALID,
        parent: None,
        parent_is_remote: false,
        start: SystemTime::UNIX_EPOCH,
        duration: Duration::ZERO,
        status: Status::Unset,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
    };
    attributes.iter().fold(bare, |span, (key, value)| span.and(key, value.clone()))
}

/// Changes to what is expected.
pub(crate) trait Expect: Sized {
    /// With this value of the attribute.
    fn and(self, key: &str, value: impl Into<Value>) -> Self;
    fn without(self, key: &str) -> Self;
    /// With an error that a code explains.
    fn error(self, error_type: &'static str) -> Self;
    /// With an error, and the event that tells of it.
    fn exception(self, error_type: &'static str) -> Self;
}

impl Expect for SpanRecord {
    fn and(self, key: &str, value: impl Into<Value>) -> Self {
        let mut changed = self.without(key);
        changed.attributes.push((key.to_owned(), value.into()));
        changed.attributes.sort_by(|(one, _), (other, _)| one.cmp(other));
        changed
    }

    fn without(mut self, key: &str) -> Self {
        self.attributes.retain(|(known, _)| known != key);
        self
    }

    fn error(self, error_type: &'static str) -> Self {
        Self { status: Status::error(""), ..self.and("error.type", error_type) }
    }

    fn exception(self, error_type: &'static str) -> Self {
        let mut told = self.error(error_type);
        told.events.push(SpanEvent {
            name: "exception".into(),
            after: Duration::ZERO,
            attributes: [("exception.type".to_owned(), error_type.into())].into(),
        });
        told
    }
}
