//! The table's rows: to add one is one line.

use axum::body::Body;
use tower::Layer;
use tower_observability::classify::Side::Server;
use tower_observability::exchange::ObserveLayer;

use crate::counted::registered;
use crate::exchange::{Bare, runner};
use crate::peers::{
    around, axum_otel_metrics, axum_prometheus, kept, looked_up, otel_instrumentation,
};
use crate::stacks::stack::Stack;
use crate::stacks::{assembled, floor, ours};
use crate::subjects::{self, Exchanges, core_layer, plain, proven};
use crate::traced::Caller::{self, Sampled, Unsampled};

const AXUM: &str = "bare Router";
pub(crate) const FUSED: &str = "ours, fused";

pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The row it is compared with.
    pub(crate) over: Option<&'static str>,
    /// The ratio that is wanted, and that at which `--check` fails: times are noisy.
    pub(crate) budget: Option<(f64, f64)>,
    /// Called in the row's own process.
    pub(crate) make: fn() -> Exchanges,
}

#[rustfmt::skip]
pub(crate) fn all() -> Vec<Row> {
    vec![
        row("HistogramVec.with_label_values", None, looked_up),
        row("kept Histogram", None, kept),

        row("bare service", None, subjects::bare),
        row("HistogramVec around the call", Some("bare service"), || around(subjects::bare())),
        row("core with ()", Some("bare service"), subjects::core),
        row("metrics", Some("core with ()"), subjects::metrics),
        row("a core for each thread", Some("bare service"), cores),
        Row { budget: Some((1.3, 2.0)), ..row("metrics, a core for each thread", Some("a core for each thread"), metrics_of_cores) },

        row(AXUM, None, subjects::bare_router),
        row("no-op layer", Some(AXUM), subjects::no_op_in_router),
        row("axum-prometheus", Some("no-op layer"), axum_prometheus),
        row("axum-otel-metrics, no-op meter", Some("no-op layer"), axum_otel_metrics),
        row("otel-instrumentation-tower", Some("no-op layer"), otel_instrumentation),
        row("core in Router::layer", Some("no-op layer"), subjects::core_in_router),
        row("metrics in Router::layer", Some("core in Router::layer"), subjects::metrics_in_router),

        row("assembled, plain", Some(AXUM), || stack(assembled::plain(), Sampled)),
        row("assembled, otel-instrumentation-tower", Some(AXUM), || stack(assembled::instrumented(), Sampled)),
        row("assembled, otel-instrumentation-tower, its metrics", Some(AXUM), || stack(assembled::instrumented_metrics(), Sampled)),
        row("assembled, tuned", Some(AXUM), || stack(assembled::tuned(), Sampled)),
        row("assembled, tuned, spans once", Some(AXUM), || stack(assembled::lean(), Sampled)),
        row("assembled, tuned, spans once, its metrics", Some(AXUM), || stack(assembled::lean_metrics(), Sampled)),
        row("ours, stacked", Some(AXUM), || stack(ours::stacked(), Sampled)),
        Row { budget: Some((1.2, 2.0)), ..row(FUSED, Some(AXUM), || stack(ours::fused(), Sampled)) },
        row("ours, fused, unsampled", Some(AXUM), || stack(ours::fused(), Unsampled)),
        row("by hand", Some(AXUM), || stack(floor::by_hand(), Sampled)),
    ]
}

/// Threads that share a stack.
fn stack(stack: Stack, caller: Caller) -> Exchanges {
    let router = stack.proven(caller);
    Box::new(move || runner(router.clone(), caller.asked(), Body::empty))
}

fn row(name: &'static str, over: Option<&'static str>, make: fn() -> Exchanges) -> Row {
    Row { name, over, budget: None, make }
}

/// Threads that share nothing of the core.
fn cores() -> Exchanges {
    Box::new(|| plain(core_layer().layer(Bare))())
}

/// Threads that share nothing but the instruments, which are the same for all.
fn metrics_of_cores() -> Exchanges {
    let (layer, registry) = subjects::layer();
    let metrics = layer.into_observer();
    let of_one = move || plain(ObserveLayer::new(Server, metrics.clone()).layer(Bare))();
    proven(Box::new(of_one), || registered(&registry))
}
