//! The pipeline of metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, Temporality};

use crate::telemetry::health::{Accepted, Health, Receiver, caught};
use crate::telemetry::metrics::Metering;
use crate::telemetry::point_ledger::{PointLedger, Points};

/// Where the data points of a pipeline go.
pub(in crate::telemetry) trait DeliverMetrics:
    fmt::Debug + Send + Sync + 'static
{
    /// Delivers what was collected; says how many data points were taken, or why none was. `health`
    /// is told of attempts that are not the last one.
    fn deliver(
        &self,
        metrics: &ResourceMetrics,
        health: &Health,
    ) -> impl Future<Output = Result<Accepted, String>> + Send;

    /// Where it delivers to, if that is known.
    fn receiver(&self) -> Option<Receiver>;
}

/// Keeps the books of an exporter.
#[derive(Debug)]
pub(in crate::telemetry) struct Booked<D> {
    deliver: D,
    temporality: Temporality,
    ledger: Arc<PointLedger>,
}

impl<D: DeliverMetrics> PushMetricExporter for Booked<D> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let points = count(metrics, self.temporality);
        self.ledger.begin(points);
        let result = caught(self.deliver.deliver(metrics, self.ledger.health())).await;
        self.ledger.settle(points, result)
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.ledger.close();
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        self.temporality
    }
}

/// A thread that collects and exports, and its books.
pub(in crate::telemetry) fn reader<D: DeliverMetrics>(
    name: &'static str,
    deliver: D,
    metering: &Metering,
) -> (PeriodicReader<Booked<D>>, Arc<PointLedger>) {
    let health = Health::new(name, "data points", deliver.receiver());
    let ledger = Arc::new(PointLedger::new(name, health));
    let temporality = metering.temporality;
    let exporter = Booked { deliver, temporality, ledger: Arc::clone(&ledger) };
    (PeriodicReader::builder(exporter).with_interval(metering.interval).build(), ledger)
}

/// The data points of an export.
fn count(metrics: &ResourceMetrics, preferred: Temporality) -> Points {
    let mut points = Points::default();
    for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
        let (count, temporality) = match metric.data() {
            AggregatedMetrics::F64(data) => points_of(data, preferred),
            AggregatedMetrics::U64(data) => points_of(data, preferred),
            AggregatedMetrics::I64(data) => points_of(data, preferred),
        };
        match temporality {
            Temporality::Delta => points.delta += count,
            _ => points.lasting += count,
        }
    }
    points
}

fn points_of<T>(data: &MetricData<T>, preferred: Temporality) -> (u64, Temporality) {
    let (count, temporality) = match data {
        // with deltas the SDK tells a gauge only where it was set since the export before
        MetricData::Gauge(gauge) => (gauge.data_points().count(), preferred),
        MetricData::Sum(sum) => (sum.data_points().count(), sum.temporality()),
        MetricData::Histogram(histogram) => {
            (histogram.data_points().count(), histogram.temporality())
        }
        MetricData::ExponentialHistogram(histogram) => {
            (histogram.data_points().count(), histogram.temporality())
        }
    };
    (u64::try_from(count).unwrap_or(u64::MAX), temporality)
}
