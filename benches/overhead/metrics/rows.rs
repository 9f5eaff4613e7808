//! The table's rows: to add one is one line.

use tower::Layer;
use tower_observability::classify::Side::Server;
use tower_observability::exchange::ObserveLayer;

use crate::counted::registered;
use crate::exchange::Bare;
use crate::measure::Cost;
use crate::measure::row::{self, Row, bare, over};
use crate::memory::Sampled;
use crate::peers::{
    around, axum_otel_metrics, axum_prometheus, kept, looked_up, otel_instrumentation,
};
use crate::subjects::{self, plain, proven};

const PLAIN: &str = "bare service";
const CORE: &str = "core with ()";
const TRACED: &str = "core, traced";
const AXUM: &str = "bare Router";
/// What any layer costs in a `Router`, which boxes the service and its bodies.
const NO_OP: &str = "no-op layer in Router::layer";
const CORE_IN_AXUM: &str = "core with () in Router::layer";
const METRICS_IN_AXUM: &str = "metrics in Router::layer";
const AXUM_PROMETHEUS: &str = "axum-prometheus";
const AXUM_OTEL: &str = "axum-otel-metrics, no-op meter";
const OTEL_TOWER: &str = "otel-instrumentation-tower";
const AROUND: &str = "HistogramVec around the call";

#[rustfmt::skip]
pub(crate) fn all() -> Vec<Row> {
    vec![
        bare("HistogramVec.with_label_values", || looked_up()()),
        bare("kept Histogram", || kept()()),

        bare(PLAIN, || subjects::bare()()),
        over(PLAIN, AROUND, || around(subjects::bare())()),
        over(PLAIN, CORE, || subjects::core()()),
        over(CORE, "metrics", || subjects::metrics()()).within(700, 0, 1_250),
        over(PLAIN, TRACED, || plain(ObserveLayer::new(Server, (Sampled,)).layer(Bare))()),
        over(TRACED, "metrics, exemplars", || metrics_traced()()).within(700, 0, 1_550),

        bare(AXUM, || subjects::bare_router()()),
        over(AXUM, NO_OP, || subjects::no_op_in_router()()),
        over(NO_OP, AXUM_PROMETHEUS, || axum_prometheus()()),
        over(NO_OP, AXUM_OTEL, || axum_otel_metrics()()),
        over(NO_OP, OTEL_TOWER, || otel_instrumentation()()),
        over(NO_OP, CORE_IN_AXUM, || subjects::core_in_router()()),
        Row {
            fewer_than: &[AXUM_PROMETHEUS, OTEL_TOWER],
            times_fewer: Some((10, 8, AXUM_PROMETHEUS)),
            ..over(CORE_IN_AXUM, METRICS_IN_AXUM, || subjects::metrics_in_router()()).within(700, 0, 1_250)
        },
    ]
}

/// Of exchanges that are sampled, so that exemplars are kept.
fn metrics_traced() -> subjects::Exchanges {
    let (layer, registry) = subjects::layer();
    let fused = ObserveLayer::new(Server, (Sampled, layer.into_observer()));
    proven(plain(fused.layer(Bare)), || registered(&registry))
}

/// Prints what peers add to a no-op layer by what ours adds to the core.
pub(crate) fn print_ratios(rows: &[Row], costs: &[Cost]) {
    let added = |name: &str| {
        let at = rows.iter().position(|row| row.name == name)?;
        let base = row::base(rows, &rows[at])?;
        Some(costs[at].instructions? - costs[base].instructions?)
    };
    for (name, peer) in [
        ("axum-prometheus", AXUM_PROMETHEUS),
        ("opentelemetry-instrumentation-tower", OTEL_TOWER),
        ("prometheus-histogram-vec", AROUND),
    ] {
        if let Some((peer, ours)) = added(peer).zip(added(METRICS_IN_AXUM)) {
            println!("ratio metrics/{name} {:.3}", ours / peer);
        }
    }
}
