//! Our layers, one on another and fused into one.

use opentelemetry_sdk::propagation::TraceContextPropagator;
use prometheus::Registry;
use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tower_observability::catch_panic::CatchPanicLayer;
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
use tower_observability::live::{Board, LiveLayer};
use tower_observability::metrics::MetricsLayer;
use tower_observability::request_id::RequestIdLayer;
use tower_observability::sentry::SentryLayer;
use tower_observability::slo::{Objective, SloLayer, SloTracker, Target};
use tower_observability::telemetry::Telemetry;
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

use super::lines::Lines;
use super::stack::Stack;
use crate::counted::registered;
use crate::exchange::router;
use crate::traced::{self, Drops};

/// Each layer as its documentation sets it up, and what the metrics are registered with.
pub(crate) struct Ours {
    pub(crate) request_id: RequestIdLayer,
    pub(crate) trace: TraceLayer,
    pub(crate) access_log: AccessLogLayer,
    pub(crate) metrics: MetricsLayer,
    pub(crate) live: LiveLayer,
    pub(crate) slo: SloLayer,
    pub(crate) debug_dump: DebugDumpLayer,
    pub(crate) sentry: SentryLayer,
    pub(crate) catch_panic: CatchPanicLayer,
    pub(crate) registry: Registry,
}

impl Ours {
    pub(crate) fn new() -> Self {
        let provider = traced::install(TraceContextPropagator::new());
        let registry = Registry::new();
        Self {
            request_id: RequestIdLayer::server(),
            trace: TraceLayer::server().tracer_provider(&provider).propagator(W3cPropagator::new()),
            access_log: AccessLogLayer::server().json_lines(JsonLines::new(Lines)),
            metrics: MetricsLayer::server().register(&registry).expect("an empty registry"),
            live: LiveLayer::server(&Board::builder().build().expect("the defaults are good")),
            slo: SloLayer::server(&tracker()),
            debug_dump: DebugDumpLayer::server(&DumpControl::new()),
            sentry: SentryLayer::server(),
            catch_panic: CatchPanicLayer::server(),
            registry,
        }
    }
}

fn tracker() -> SloTracker {
    let target = Target::percent("99.9").expect("a target");
    let objective = Objective::availability("users", target).build().expect("an objective");
    SloTracker::builder().objective(objective).build().expect("one objective")
}

/// In one layer, with all that it has by default.
pub(crate) fn fused() -> Stack {
    let telemetry = Telemetry::builder("overhead")
        .json_lines(JsonLines::new(Lines))
        .objectives(tracker())
        .span_processor(Drops)
        .build()
        .expect("good settings");
    let stack = Stack::silent(router().layer(telemetry.server()));
    let registry = telemetry.registry().clone();
    std::mem::forget(telemetry); // it is kept as long as it serves
    whole(stack, registry)
}

pub(crate) fn stacked() -> Stack {
    let ours = Ours::new();
    let router = router()
        .layer(ours.catch_panic)
        .layer(ours.sentry)
        .layer(ours.debug_dump)
        .layer(ours.slo)
        .layer(ours.live)
        .layer(ours.metrics)
        .layer(ours.access_log)
        .layer(ours.trace)
        .layer(ours.request_id);
    whole(Stack::silent(router), ours.registry)
}

/// Each exchange leaves one of each.
fn whole(stack: Stack, registry: Registry) -> Stack {
    let counted: Box<dyn Fn() -> u64> = Box::new(move || registered(&registry));
    Stack { spans: 1, lines: 1, identified: true, counted: Some(counted), ..stack }
}
