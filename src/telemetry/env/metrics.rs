//! Metrics: how often they are exported, and in what form.

use opentelemetry_sdk::metrics::Temporality;

use super::Env;
use super::values::{millis, timeout};
use crate::telemetry::metrics::{HistogramAggregation, Metering};

/// OpenTelemetry specification, "Metrics SDK Configuration" and "Metrics Exporter - OTLP".
pub(super) fn metering(metering: &mut Metering, env: &mut Env<'_>) {
    if let Some(interval) = env.read("OTEL_METRIC_EXPORT_INTERVAL", millis) {
        metering.interval = interval;
    }
    if let Some(limit) = env.read("OTEL_METRIC_EXPORT_TIMEOUT", timeout) {
        metering.timeout = limit;
    }
    const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    if let Some(preferred) = env.read(TEMPORALITY, temporality) {
        metering.temporality = preferred;
    }
    const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    if let Some(aggregation) = env.read(HISTOGRAMS, histograms) {
        metering.histograms = aggregation;
    }
    const EXEMPLARS: &str = "OTEL_METRICS_EXEMPLAR_FILTER";
    if let Some(filter) = env.names(EXEMPLARS).filter(|filter| filter != "always_off") {
        env.warn(EXEMPLARS, &filter, "is not supported; metrics are sent without exemplars");
    }
}

fn temporality(text: &str) -> Result<Temporality, &'static str> {
    text.parse().map_err(|()| "is none of cumulative, delta and lowmemory")
}

fn histograms(text: &str) -> Result<HistogramAggregation, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "explicit_bucket_histogram" => Ok(HistogramAggregation::ExplicitBucket),
        "base2_exponential_bucket_histogram" => Ok(HistogramAggregation::Base2Exponential),
        _ => Err("is neither explicit_bucket_histogram nor base2_exponential_bucket_histogram"),
    }
}
