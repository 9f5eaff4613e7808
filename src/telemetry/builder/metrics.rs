//! Metrics.

use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;

use super::TelemetryBuilder;
use crate::telemetry::metrics::HistogramAggregation;
use crate::telemetry::settings::{LONGEST_QUEUE, Sending, duration};

/// The setting that asks for a signal, not for how one is sent.
pub(in crate::telemetry) const OTLP_METRICS: &str = "telemetry.otlp_metrics";
/// A setting that means nothing to other signals.
pub(in crate::telemetry) const TEMPORALITY: &str = "telemetry.metric_temporality";

impl TelemetryBuilder {
    /// Whether what the instruments of [`Telemetry::meter_provider`] measure is sent over OTLP; it is
    /// by default, if there is an endpoint. Say `false` where the same numbers are scraped from a
    /// `prometheus::Registry` alone, and what other libraries measure is not wanted either.
    ///
    /// Asked for without an endpoint, nothing is sent, of which
    /// [`Telemetry::warnings`](crate::telemetry::Telemetry::warnings) tells.
    ///
    /// [`Telemetry::meter_provider`]: crate::telemetry::Telemetry::meter_provider
    pub fn otlp_metrics(mut self, send: bool) -> Self {
        self.of_otlp.retain(|setting| *setting != OTLP_METRICS);
        self.settings.metrics = match (send, self.settings.metrics) {
            (false, _) => Sending::Never,
            (true, Sending::Always) => Sending::Always,
            (true, _) => Sending::WithEndpoint,
        };
        if send {
            self.of_otlp.push(OTLP_METRICS);
        }
        self
    }

    /// From one export of metrics to the next; 60 s by default.
    pub fn metric_interval(mut self, interval: Duration) -> Self {
        match duration("telemetry.metric_interval", interval) {
            Ok(interval) => self.settings.metering.interval = interval,
            Err(error) => self.fail(error),
        }
        self
    }

    /// Whether an export of metrics tells what was measured since the start, or since the export
    /// before; [`Temporality::Cumulative`] by default. What a receiver does not take is made up for
    /// by the next export with the former alone: see [`Delivery::metrics`].
    ///
    /// [`Temporality::Delta`] stands for all but up-down counters, [`Temporality::LowMemory`] for
    /// counters and histograms alone (OpenTelemetry specification, "Metrics Exporter - OTLP").
    ///
    /// [`Delivery::metrics`]: crate::telemetry::Delivery::metrics
    pub fn metric_temporality(mut self, temporality: Temporality) -> Self {
        self.of_otlp.push(TEMPORALITY);
        self.settings.metering.temporality = temporality;
        self
    }

    /// What histograms are told as; [`HistogramAggregation::ExplicitBucket`] by default.
    pub fn metric_histograms(mut self, aggregation: HistogramAggregation) -> Self {
        self.settings.metering.histograms = aggregation;
        self
    }

    /// The most attribute sets of any one instrument, 1 048 576 at most; measurements of further
    /// ones are told together, as `otel.metric.overflow`, without their attributes.
    ///
    /// By default 10 000 for the instruments of this crate, whose layers keep to a limit of their
    /// own, so raise it with theirs; and 2000 for all others, which is the SDK's default. Each
    /// instrument reserves room for as many.
    pub fn metric_cardinality(mut self, attribute_sets: usize) -> Self {
        match (1..=LONGEST_QUEUE).contains(&attribute_sets) {
            true => self.settings.metering.limit = Some(attribute_sets),
            false => self.refuse(
                "telemetry.metric_cardinality",
                &attribute_sets.to_string(),
                "a number from 1 to 1048576",
            ),
        }
        self
    }
}
