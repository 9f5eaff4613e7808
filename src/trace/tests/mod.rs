//! Spans of scripted exchanges, whole.

mod client;
mod context;
mod options;
mod properties;
mod sampling;
mod server;

use std::time::Duration;

use http::{Request, Response, StatusCode, request};
use http_body_util::BodyExt;
use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use tower::{Layer, Service, ServiceExt};

use super::TraceLayer;
use super::propagation::W3cPropagator;
use crate::clock::Clock;
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
