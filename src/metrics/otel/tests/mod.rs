//! What an SDK is told, beside what a registry is told.

mod agree;
mod callbacks;
mod instruments;
mod providers;
mod script;

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, InMemoryMetricExporterBuilder, PeriodicReader, SdkMeterProvider,
    Temporality,
};
use prometheus::Registry;
use prometheus::proto::MetricType;

/// Series by their metric and labels, in Prometheus' words.
type Told = BTreeMap<(String, Vec<(String, String)>), Point>;

#[derive(Clone, Debug, PartialEq)]
enum Point {
    /// The cumulative count of each bound, the count and the sum.
    Histogram(Vec<(f64, u64)>, u64, f64),
    Gauge(f64),
    Counter(f64),
}

impl Point {
    /// How many values a histogram has.
    fn count(&self) -> u64 {
        match self {
            Self::Histogram(_, count, _) => *count,
            other => panic!("{other:?} is no histogram"),
        }
    }
}

/// How many values the histograms of this name have.
fn count(told: &Told, name: &str) -> u64 {
    told.iter().filter(|((metric, _), _)| metric == name).map(|(_, point)| point.count()).sum()
}

/// The one series of this name.
#[track_caller]
fn only<'a>(told: &'a Told, name: &str) -> &'a Point {
    let points: Vec<_> = told.iter().filter(|((metric, _), _)| metric == name).collect();
    assert_eq!(points.len(), 1, "{name}: {points:?}");
    points[0].1
}

/// What a registry tells.
fn gathered(registry: &Registry) -> Told {
    let mut told = Told::new();
    for family in registry.gather() {
        for metric in family.get_metric() {
            let point = match family.get_field_type() {
                MetricType::HISTOGRAM => {
                    let histogram = metric.get_histogram();
                    let bucket = |bucket: &prometheus::proto::Bucket| {
                        (bucket.upper_bound(), bucket.cumulative_count())
                    };
                    let buckets = histogram.get_bucket().iter().map(bucket).collect();
                    let (count, sum) = (histogram.get_sample_count(), histogram.get_sample_sum());
                    Point::Histogram(buckets, count, sum)
                }
                MetricType::GAUGE => Point::Gauge(metric.get_gauge().value()),
                MetricType::COUNTER => Point::Counter(metric.get_counter().value()),
                other => panic!("{other:?}"),
            };
            let labels = metric.get_label().iter();
            let labels = labels.map(|label| (label.name().to_owned(), label.value().to_owned()));
            let key = (family.name().to_owned(), labels.collect());
            assert_eq!(told.insert(key, point), None);
        }
    }
    told
}

/// An SDK that exports when it is asked to.
struct Sdk {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Sdk {
    fn new() -> Self {
        Self::with(Temporality::Cumulative)
    }

    fn with(temporality: Temporality) -> Self {
        let exporter = InMemoryMetricExporterBuilder::new().with_temporality(temporality).build();
        let day = Duration::from_secs(86_400);
        let reader = PeriodicReader::builder(exporter.clone()).with_interval(day).build();
        Self { provider: SdkMeterProvider::builder().with_reader(reader).build(), exporter }
    }

    /// Collects, and shows each metric with its scope.
    fn each(&self, mut show: impl FnMut(&InstrumentationScope, &Metric)) {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        for resource in self.exporter.get_finished_metrics().unwrap() {
            for scope in resource.scope_metrics() {
                scope.metrics().for_each(|metric| show(scope.scope(), metric));
            }
        }
    }

    /// Collects, and says what is told in Prometheus' words.
    fn told(&self) -> Told {
        let mut told = Told::new();
        self.each(|_, metric| {
            for (attributes, point) in points(metric) {
                let labels = attributes.iter().map(|KeyValue { key, value, .. }| {
                    (key.as_str().replace('.', "_"), value.as_str().into_owned())
                });
                let mut labels: Vec<_> = labels.collect();
                labels.sort();
                let key = (prometheus_name(metric, &point), labels);
                assert_eq!(told.insert(key, point), None, "each series once");
            }
        });
        told
    }
}

/// By <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>.
fn prometheus_name(metric: &Metric, point: &Point) -> String {
    let unit = match metric.unit() {
        "s" => "_seconds",
        "By" => "_bytes",
        unit if unit.starts_with('{') => "",
        unit => panic!("{unit}"),
    };
    let total = if matches!(point, Point::Counter(_)) { "_total" } else { "" };
    format!("{}{unit}{total}", metric.name().replace('.', "_"))
}

/// The points of a metric, with their attributes.
fn points(metric: &Metric) -> Vec<(Vec<KeyValue>, Point)> {
    match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            let points = histogram.data_points().map(|point| {
                let mut below = 0;
                let bounds = point.bounds().zip(point.bucket_counts());
                let buckets = bounds.map(|(bound, count)| {
                    below += count;
                    (bound, below)
                });
                let point_of = Point::Histogram(buckets.collect(), point.count(), point.sum());
                assert_eq!(point.bucket_counts().sum::<u64>(), point.count());
                assert_eq!(point.exemplars().count(), 0);
                (point.attributes().cloned().collect(), point_of)
            });
            points.collect()
        }
        AggregatedMetrics::I64(MetricData::Gauge(gauge)) => gauge
            .data_points()
            .map(|point| {
                (point.attributes().cloned().collect(), Point::Gauge(point.value() as f64))
            })
            .collect(),
        AggregatedMetrics::I64(MetricData::Sum(sum)) => {
            assert!(!sum.is_monotonic());
            sum.data_points()
                .map(|point| {
                    (point.attributes().cloned().collect(), Point::Gauge(point.value() as f64))
                })
                .collect()
        }
        AggregatedMetrics::U64(MetricData::Sum(sum)) => {
            assert!(sum.is_monotonic());
            sum.data_points()
                .map(|point| {
                    (point.attributes().cloned().collect(), Point::Counter(point.value() as f64))
                })
                .collect()
        }
        other => panic!("{other:?}"),
    }
}
