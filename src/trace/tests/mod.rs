//! Spans of scripted exchanges, whole.

mod annotations;
mod attributes;
mod client;
mod context;
#[cfg(feature = "access-log")]
mod endings;
#[cfg(feature = "access-log")]
mod flags;
#[cfg(feature = "access-log")]
mod grpc;
mod names;
mod options;
mod properties;
#[cfg(feature = "access-log")]
mod run;
mod sampling;
mod server;
#[cfg(feature = "access-log")]
mod verdicts;

use std::time::Duration;

use http::{Request, Response, StatusCode, request};
use http_body_util::BodyExt;
use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use tower::{Layer, Service, ServiceExt};

use super::TraceLayer;
use super::propagation::W3cPropagator;
use crate::testing::{ManualClock, Script, ScriptBody, SpanEvent, SpanRecord, SpanRecorder};

/// A caller's trace, and its span.
const CALLER: &str = "00-000000000000000000000000000000aa-00000000000000bb-01";

/// A recorder, and a clock that both measure with.
struct Bench {
    spans: SpanRecorder,
    time: ManualClock,
}

impl Bench {
    fn new() -> Self {
        Self { spans: SpanRecorder::new(), time: ManualClock::new() }
    }

    fn on(&self, layer: TraceLayer) -> TraceLayer {
        layer
            .tracer_provider(self.spans.provider())
            .propagator(W3cPropagator::new())
            .clock(self.time.clock())
    }

    fn server(&self) -> TraceLayer {
        self.on(TraceLayer::server())
    }

    fn client(&self) -> TraceLayer {
        self.on(TraceLayer::client())
    }
}

fn get(uri: &str) -> request::Builder {
    Request::get(uri)
}

/// What is recorded of a GET of `/` that was answered 200 at once.
fn served(attributes: &[(&str, Value)]) -> SpanRecord {
    let mut all = vec![
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
        ("url.path", "/".into()),
        ("url.scheme", "http".into()),
    ];
    for (key, value) in attributes {
        all.retain(|(known, _)| known != key);
        all.push((key, value.clone()));
    }
    all.sort_by_key(|(key, _)| *key);
    SpanRecord {
        name: "GET".into(),
        kind: SpanKind::Server,
        trace_id: TraceId::from(1_u128),
        span_id: SpanId::from(1_u64),
        parent: None,
        parent_is_remote: false,
        start: std::time::UNIX_EPOCH + ManualClock::START,
        duration: Duration::ZERO,
        status: Status::Unset,
        attributes: all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// What is recorded of a client's GET of `http://shop.example/` that was answered 200 at once.
fn sent(attributes: &[(&str, Value)]) -> SpanRecord {
    let record = SpanRecord { kind: SpanKind::Client, ..served(&[]) };
    let record = record.without("url.path").without("url.scheme");
    let record = record.and("url.full", "http://shop.example/");
    let record = record.and("server.address", "shop.example").and("server.port", 80);
    attributes.iter().fold(record, |record, (key, value)| record.and(key, value.clone()))
}

/// Changes to what is expected.
trait Expect: Sized {
    /// With this value of the attribute.
    fn and(self, key: &str, value: impl Into<Value>) -> Self;
    fn without(self, key: &str) -> Self;
    fn named(self, name: &str) -> Self;
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

    fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }
}
