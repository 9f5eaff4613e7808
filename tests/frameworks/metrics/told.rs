//! What each signal tells of the exchanges of one side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::request;
use opentelemetry::Value as Attribute;
use prometheus::Registry;
use tower_observability::access_log::{AccessLog, AccessLogLayer, JsonLines};
use tower_observability::classify::Side;
use tower_observability::exchange::{End, Facts, ObserveLayer, Observer};
use tower_observability::metrics::{Metrics, MetricsBuilder, MetricsLayer};
use tower_observability::testing::SpanRecorder;
use tower_observability::trace::propagation::W3cPropagator;
use tower_observability::trace::{Trace, TraceLayer};

use super::gathered::{Gathered, Value, gathered};
use crate::written::Written;

/// The metrics, the spans and the access log of one side.
pub(crate) struct Told {
    side: Side,
    registry: Registry,
    spans: SpanRecorder,
    lines: Written,
    observers: (Trace, AccessLog, Metrics),
}

/// The observers of one wrapper, so that they are told the same times.
pub(crate) type Observers = (Ends, Trace, AccessLog, Metrics);

impl Told {
    pub(crate) fn new(builder: MetricsBuilder, side: Side) -> Self {
        let (registry, spans, lines) = (Registry::new(), SpanRecorder::new(), Written::default());
        let trace = match side {
            Side::Server => TraceLayer::server(),
            Side::Client => TraceLayer::client(),
        };
        let log = match side {
            Side::Server => AccessLogLayer::server(),
            Side::Client => AccessLogLayer::client(),
        };
        let trace = trace.tracer_provider(spans.provider()).propagator(W3cPropagator::new());
        let log = log.json_lines(JsonLines::new(lines.clone()));
        let metrics: MetricsLayer = builder.register(&registry).unwrap();
        let observers = (trace.into_observer(), log.into_observer(), metrics.into_observer());
        Self { side, registry, spans, lines, observers }
    }

    /// A layer whose exchanges are counted by `ends`, too.
    pub(crate) fn layer(&self, ends: &Ends) -> ObserveLayer<Observers> {
        let (trace, log, metrics) = self.observers.clone();
        ObserveLayer::new(self.side, (ends.clone(), trace, log, metrics))
    }

    pub(crate) fn gathered(&self) -> Gathered {
        gathered(&self.registry)
    }

    /// Counts and durations by method, route and error, as the metrics have them.
    pub(crate) fn by_metrics(&self) -> Durations {
        let mut durations = Durations::new();
        for (series, value) in self.gathered() {
            let Value::Counts { count, sum, .. } = value else { continue };
            let label = |name| series.label(name).unwrap_or_default().to_owned();
            let key = match series.name.rsplit_once("_duration_seconds") {
                Some((name, "")) if name.ends_with("_request") => {
                    let route = label("http_route") + &label("url_template");
                    (label("http_request_method"), route, label("error_type"))
                }
                Some((name, "")) if name.ends_with("_call") => {
                    ("grpc".into(), label("rpc_method"), label("error_type"))
                }
                _ => continue,
            };
            let of = durations.entry(key).or_default();
            *of = (of.0 + count, of.1 + (sum * 1e9).round() as u64);
        }
        durations
    }

    /// The same, as the spans have them.
    pub(crate) fn by_spans(&self) -> Durations {
        let mut durations = Durations::new();
        for span in self.spans.spans() {
            let text = |key: &str| match span.attribute(key) {
                None => None,
                Some(Attribute::String(text)) => Some(text.as_str().to_owned()),
                Some(other) => panic!("{key} is {other}"),
            };
            self.add(&mut durations, text, span.duration.as_nanos() as u64);
        }
        durations
    }

    /// The same, as the access log has them.
    pub(crate) fn by_lines(&self) -> Durations {
        let mut durations = Durations::new();
        for line in self.lines.text().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let said = &line["attributes"];
            let text = |key: &str| said[key].as_str().map(str::to_owned);
            let seconds = said["duration"].as_f64().unwrap();
            self.add(&mut durations, text, (seconds * 1e9).round() as u64);
        }
        durations
    }

    fn add(&self, durations: &mut Durations, text: impl Fn(&str) -> Option<String>, nanos: u64) {
        let error = text("error.type").unwrap_or_default();
        // what only claimed to be gRPC says so, but has no method
        let key = if let Some(method) = text("rpc.method") {
            ("grpc".into(), method, error)
        } else {
            let none = if self.side == Side::Server { "_unmatched" } else { "" };
            let route = text("http.route").unwrap_or_else(|| none.to_owned());
            (text("http.request.method").unwrap(), route, error)
        };
        let of = durations.entry(key).or_default();
        *of = (of.0 + 1, of.1 + nanos);
    }
}

/// How many exchanges there were and how long they took together, in nanoseconds, by method, route
/// and error.
pub(crate) type Durations = BTreeMap<(String, String, String), (u64, u64)>;

/// Counts the exchanges of one wrapper, as an observer: an end, when all others know of it.
#[derive(Clone, Default)]
pub(crate) struct Ends {
    begun: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl Ends {
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }
}

impl Observer for Ends {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }

    fn end(&self, (): (), _: &End<'_>) {
        self.ended.fetch_add(1, Ordering::AcqRel);
    }
}
