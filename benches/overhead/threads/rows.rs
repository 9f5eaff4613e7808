//! The table's rows: to add one is one line.

use tower::Layer;
use tower_observability::classify::Side::Server;
use tower_observability::exchange::ObserveLayer;

use crate::exchange::Bare;
use crate::peers::{
    around, axum_otel_metrics, axum_prometheus, kept, looked_up, otel_instrumentation,
};
use crate::subjects::{self, Exchanges, core_layer, counted, plain, proven};

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

        row("bare Router", None, subjects::bare_router),
        row("no-op layer", Some("bare Router"), subjects::no_op_in_router),
        row("axum-prometheus", Some("no-op layer"), axum_prometheus),
        row("axum-otel-metrics, no-op meter", Some("no-op layer"), axum_otel_metrics),
        row("otel-instrumentation-tower", Some("no-op layer"), otel_instrumentation),
        row("core in Router::layer", Some("no-op layer"), subjects::core_in_router),
        row("metrics in Router::layer", Some("core in Router::layer"), subjects::metrics_in_router),
    ]
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
    proven(Box::new(of_one), || counted(&registry))
}
