//! Whole stacks on axum: to add a row is one line.

use crate::alone::{AXUM, run};
use crate::measure::row::{Row, over};
use crate::stacks::{assembled, floor, ours};
use crate::traced::Caller::{Sampled, Unsampled};

pub(crate) const PLAIN: &str = "assembled, plain";
pub(crate) const INSTRUMENTED: &str = "assembled, otel-instrumentation-tower";
pub(crate) const TUNED: &str = "assembled, tuned";
pub(crate) const LEAN: &str = "assembled, tuned, spans once";
pub(crate) const LEAN_METRICS: &str = "assembled, tuned, spans once, its metrics";
pub(crate) const STACKED: &str = "ours, stacked";
pub(crate) const FUSED: &str = "ours, fused";
pub(crate) const FUSED_UNSAMPLED: &str = "ours, fused, unsampled";
pub(crate) const FLOOR: &str = "by hand";
pub(crate) const FLOOR_UNSAMPLED: &str = "by hand, unsampled";

#[rustfmt::skip]
pub(crate) fn rows() -> Vec<Row> {
    vec![
        over(AXUM, PLAIN, || run(assembled::plain(), Sampled)),
        over(AXUM, INSTRUMENTED, || run(assembled::instrumented(), Sampled)),
        over(AXUM, "assembled, otel-instrumentation-tower, its metrics", || run(assembled::instrumented_metrics(), Sampled)),
        over(AXUM, TUNED, || run(assembled::tuned(), Sampled)),
        over(AXUM, LEAN, || run(assembled::lean(), Sampled)),
        over(AXUM, LEAN_METRICS, || run(assembled::lean_metrics(), Sampled)),
        over(AXUM, STACKED, || run(ours::stacked(), Sampled)),
        over(AXUM, FUSED, || run(ours::fused(), Sampled)).within(12_000, 15, 22_500),
        over(AXUM, FLOOR, || run(floor::by_hand(), Sampled)),

        over(AXUM, "assembled, plain, unsampled", || run(assembled::plain(), Unsampled)),
        over(AXUM, "assembled, otel-instrumentation-tower, unsampled", || run(assembled::instrumented(), Unsampled)),
        over(AXUM, "assembled, tuned, unsampled", || run(assembled::tuned(), Unsampled)),
        over(AXUM, "ours, stacked, unsampled", || run(ours::stacked(), Unsampled)),
        over(AXUM, FUSED_UNSAMPLED, || run(ours::fused(), Unsampled)),
        over(AXUM, FLOOR_UNSAMPLED, || run(floor::by_hand(), Unsampled)),
    ]
}
