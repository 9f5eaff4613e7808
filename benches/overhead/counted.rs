//! How many exchanges were counted, as a scrape tells it.

use axum_prometheus::AXUM_HTTP_REQUESTS_DURATION_SECONDS;
use axum_prometheus::metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use axum_prometheus::utils::SECONDS_DURATION_BUCKETS;
use prometheus::Registry;

/// By our metrics.
pub(crate) fn registered(registry: &Registry) -> u64 {
    let families = registry.gather();
    let durations =
        families.iter().filter(|family| family.name() == "http_server_request_duration_seconds");
    let metrics = durations.flat_map(|family| family.get_metric());
    metrics.map(|metric| metric.get_histogram().get_sample_count()).sum()
}

/// Installs what axum-prometheus records into, and answers what asks it. Nothing runs its upkeep,
/// which a service does every five seconds, so that what the upkeep costs is left out.
pub(crate) fn recorder() -> impl Fn() -> u64 {
    let duration = Matcher::Full(AXUM_HTTP_REQUESTS_DURATION_SECONDS.to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(duration, SECONDS_DURATION_BUCKETS)
        .expect("buckets")
        .install_recorder()
        .expect("the only recorder");
    move || {
        let text = recorder.render();
        let lines = text.lines().filter(|line| line.starts_with("axum_http_requests_total{"));
        lines.map(|line| line.rsplit(' ').next().map_or(0, |n| n.parse().expect("a count"))).sum()
    }
}
