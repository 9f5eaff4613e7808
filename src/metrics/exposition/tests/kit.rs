//! Registries of what a test gives.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType, Quantile,
    Summary,
};

use super::super::extras::Extras;
use super::super::{Format, encode};
use crate::id::TraceIdentity;
use crate::metrics::instrument::bounds::Unit;
use crate::metrics::instrument::exemplar::Exemplar;

/// A collector that collects what a function returns.
pub(super) struct Given {
    desc: Desc,
    collect: Box<dyn Fn() -> Vec<MetricFamily> + Send + Sync>,
}

impl Collector for Given {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        (self.collect)()
    }
}

/// Registers a collector of its own name.
pub(super) fn register(
    registry: &Registry,
    name: &str,
    collect: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static,
) {
    let desc = Desc::new(name.into(), "given".into(), vec![], HashMap::new()).unwrap();
    registry.register(Box::new(Given { desc, collect: Box::new(collect) })).unwrap();
}

/// A registry of a collector.
pub(super) fn registry(
    collect: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static,
) -> Registry {
    let registry = Registry::new();
    register(&registry, "given", collect);
    registry
}

/// What a scrape of these families reads.
pub(super) fn told(
    format: Format,
    collect: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static,
) -> String {
    String::from_utf8(encode(&registry(collect), format)).unwrap()
}

pub(super) fn family(name: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.into());
    family.set_help("Help.".into());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn metric(labels: &[(&str, &str)]) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).into());
        pair.set_value((*value).into());
        pair
    };
    Metric::from_label(labels.iter().map(pair).collect())
}

pub(super) fn counter(labels: &[(&str, &str)], value: f64) -> Metric {
    let (mut metric, mut counter) = (metric(labels), Counter::default());
    counter.set_value(value);
    metric.set_counter(counter);
    metric
}

pub(super) fn gauge(labels: &[(&str, &str)], value: f64) -> Metric {
    let (mut metric, mut gauge) = (metric(labels), Gauge::default());
    gauge.set_value(value);
    metric.set_gauge(gauge);
    metric
}

pub(super) fn summary(labels: &[(&str, &str)], quantiles: &[(f64, f64)], sum: f64) -> Metric {
    let (mut metric, mut summary) = (metric(labels), Summary::default());
    let quantile = |(quantile, value): &(f64, f64)| {
        let mut told = Quantile::default();
        told.set_quantile(*quantile);
        told.set_value(*value);
        told
    };
    summary.set_quantile(quantiles.iter().map(quantile).collect());
    summary.set_sample_count(7);
    summary.set_sample_sum(sum);
    metric.set_summary(summary);
    metric
}

pub(super) fn histogram(
    labels: &[(&str, &str)],
    buckets: &[(f64, u64)],
    count: u64,
    sum: f64,
) -> Metric {
    let (mut metric, mut histogram) = (metric(labels), Histogram::default());
    let bucket = |(bound, count): &(f64, u64)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(*count);
        bucket
    };
    histogram.set_bucket(buckets.iter().map(bucket).collect());
    histogram.set_sample_count(count);
    histogram.set_sample_sum(sum);
    metric.set_histogram(histogram);
    metric
}

/// The metric, measured at a time.
pub(super) fn at(mut metric: Metric, millis: i64) -> Metric {
    metric.set_timestamp_ms(millis);
    metric
}

pub(super) fn time(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

pub(super) fn exemplar(value: u64) -> Exemplar {
    Exemplar {
        trace: TraceIdentity::new(0xab << 120 | 0xcd, 0xef, true).unwrap(),
        value,
        at: time(1_767_225_600_250),
    }
}

/// Extras of a histogram of seconds with two bounds.
pub(super) fn extras() -> Extras {
    Extras {
        created: time(1_767_225_600_123),
        unit: Unit::Seconds,
        exemplars: vec![None, Some(exemplar(70_000_000)), Some(exemplar(5_000_000_000))],
        native: None,
    }
}
