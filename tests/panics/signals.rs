//! The layers of a server, and what they tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::Registry;
use sentry::transports::DefaultTransportFactory;
use sentry::{Client, ClientOptions, Hub};
use serde_json::Value;
use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tower_observability::catch_panic::CatchPanicLayer;
use tower_observability::metrics::MetricsLayer;
use tower_observability::request_id::{Generator, RequestIdLayer};
use tower_observability::sentry::SentryLayer;
use tower_observability::testing::{ManualClock, SpanRecord, SpanRecorder};
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

use crate::gathered::{Series, gathered};
use crate::mines::Mines;
use crate::support::*;
use crate::written::Written;

/// From the outermost to the innermost.
pub(crate) type Layers =
    (RequestIdLayer, TraceLayer, AccessLogLayer, MetricsLayer, SentryLayer, CatchPanicLayer, Mines);

/// What the layers of one server tell, by a clock that stands still.
pub(crate) struct Signals {
    pub(crate) layers: Layers,
    registry: Registry,
    spans: SpanRecorder,
    lines: Written,
}

impl Signals {
    pub(crate) fn new() -> Self {
        let lines = Written::default();
        let log = AccessLogLayer::server().json_lines(JsonLines::new(lines.clone()));
        Self::with(log, lines)
    }

    /// With an access log of events for whichever subscriber there is.
    pub(crate) fn with_log_events() -> Self {
        Self::with(AccessLogLayer::server(), Written::default())
    }

    fn with(log: AccessLogLayer, lines: Written) -> Self {
        let (registry, spans, next) = (Registry::new(), SpanRecorder::new(), AtomicU64::new(1));
        let number = move || format!("req-{}", next.fetch_add(1, Ordering::Relaxed));
        let ids = RequestIdLayer::server()
            .generator(Generator::new(move || number().parse().unwrap()))
            .clock(ManualClock::new().clock());
        let trace =
            TraceLayer::server().tracer_provider(spans.provider()).propagator(W3cPropagator::new());
        let metrics = MetricsLayer::server().register(&registry).unwrap();
        let catch = CatchPanicLayer::server();
        let layers = (ids, trace, log, metrics, SentryLayer::server(), catch, Mines);
        Self { layers, registry, spans, lines }
    }

    /// Waits until so many exchanges have ended; there must be no more. (Of those that tell, the span
    /// is the outermost.)
    #[track_caller]
    pub(crate) fn ended(&self, count: usize) -> impl Future<Output = ()> {
        let reached = until(move || self.spans.spans().len() >= count);
        async move {
            reached.await;
            settle().await;
            assert_eq!(self.spans.spans().len(), count);
        }
    }

    /// Every line, by its request ID.
    pub(crate) fn lines(&self) -> BTreeMap<String, Value> {
        let mut lines = BTreeMap::new();
        for line in self.lines.text().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let id = line["attributes"]["request_id"].as_str().unwrap().to_owned();
            assert_eq!(lines.insert(id, line), None, "one line for each");
        }
        lines
    }

    /// Every span, by its request ID; without the client's port, which nobody chose.
    pub(crate) fn spans(&self) -> BTreeMap<String, SpanRecord> {
        let mut spans = BTreeMap::new();
        for mut span in self.spans.spans() {
            span.attributes.retain(|(key, _)| key != "network.peer.port");
            let id = span.attribute("request_id").unwrap().as_str().into_owned();
            assert_eq!(spans.insert(id, span), None, "one span for each");
        }
        spans
    }

    /// How many exchanges ended by their labels, and how many are under way.
    pub(crate) fn counts(&self) -> BTreeMap<Series, u64> {
        let is_told = |name: &str| {
            let of_exchanges = name.starts_with("http_server_request")
                || name.starts_with("rpc_server_call")
                || name.contains("_active_");
            of_exchanges && !name.ends_with("_max") && !name.ends_with("_bytes")
        };
        let all = gathered(&self.registry).into_iter();
        let told = all.filter(|(series, _)| is_told(&series.name));
        told.map(|(series, value)| (series, value.count())).collect()
    }
}

/// Options of a client that really sends.
pub(crate) fn options(dsn: &str) -> ClientOptions {
    // set here or else by nobody: the client is not made by `sentry::init`
    ClientOptions::new().dsn(dsn).transport(DefaultTransportFactory).environment("test")
}

/// A hub with a client of its own.
pub(crate) fn hub(options: ClientOptions) -> Arc<Hub> {
    let client = Client::from(options);
    assert!(client.is_enabled());
    Arc::new(Hub::new(Some(Arc::new(client)), Arc::default()))
}

/// Waits until all is sent.
#[track_caller]
pub(crate) fn sent(hub: &Hub) {
    assert!(hub.client().unwrap().flush(Some(Duration::from_secs(10))), "it is all sent");
}

/// Runs on one thread on which `hub` is the current one.
pub(crate) fn run<R>(hub: &Arc<Hub>, work: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Hub::run(hub.clone(), || runtime.block_on(work))
}
