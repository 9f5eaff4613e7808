//! The samples of a metric, in the order in which the text formats write them.

use prometheus::proto::{Counter, Gauge, Metric, MetricType};

use super::extras::Extras;
use crate::metrics::instrument::exemplar::Exemplar;

/// One sample.
pub(super) struct Point<'a> {
    /// What its name has beyond that of its family.
    pub(super) suffix: &'static str,
    pub(super) bound: Option<Bound>,
    pub(super) value: Value,
    pub(super) exemplar: Option<&'a Exemplar>,
}

/// The label that tells the samples of one metric apart.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    pub(super) label: &'static str,
    /// Its place among those of the metric.
    pub(super) place: usize,
    pub(super) value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Integer(u64),
    Number(f64),
}

/// The label of a type that nothing else may use.
pub(super) fn reserved(kind: MetricType) -> Option<&'static str> {
    match kind {
        MetricType::HISTOGRAM => Some("le"),
        MetricType::SUMMARY => Some("quantile"),
        _ => None,
    }
}

/// The suffixes of a type's samples.
pub(super) fn suffixes(kind: MetricType) -> &'static [&'static str] {
    match kind {
        MetricType::HISTOGRAM => &["_bucket", "_sum", "_count"],
        MetricType::SUMMARY => &["", "_sum", "_count"],
        _ => &[""],
    }
}

/// Shows each sample of a metric.
pub(super) fn each<'a>(
    kind: MetricType,
    metric: &Metric,
    extras: Option<&'a Extras>,
    mut show: impl FnMut(Point<'a>),
) {
    match kind {
        MetricType::COUNTER => show(Point::total("", Value::Number(counter(metric)))),
        MetricType::GAUGE => show(Point::total("", Value::Number(gauge(metric)))),
        MetricType::SUMMARY => {
            let summary = metric.get_summary();
            for (place, quantile) in summary.get_quantile().iter().enumerate() {
                let bound = Bound { label: "quantile", place, value: quantile.quantile() };
                let value = Value::Number(quantile.value());
                show(Point { suffix: "", bound: Some(bound), value, exemplar: None });
            }
            show(Point::total("_sum", Value::Number(summary.sample_sum())));
            show(Point::total("_count", Value::Integer(summary.sample_count())));
        }
        MetricType::HISTOGRAM => {
            let histogram = metric.get_histogram();
            let buckets = histogram.get_bucket();
            let told =
                buckets.iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
            let is_whole = buckets.last().is_some_and(|last| last.upper_bound() == f64::INFINITY);
            let above = (!is_whole).then_some((f64::INFINITY, histogram.get_sample_count()));
            for (place, (value, count)) in told.chain(above).enumerate() {
                let exemplar = extras.and_then(|extras| extras.exemplars.get(place)?.as_ref());
                let bound = Some(Bound { label: "le", place, value });
                let value = Value::Integer(count);
                show(Point { suffix: "_bucket", bound, value, exemplar });
            }
            show(Point::total("_sum", Value::Number(histogram.get_sample_sum())));
            show(Point::total("_count", Value::Integer(histogram.get_sample_count())));
        }
        // no metric can be asked for an untyped value in both of `prometheus`' models
        MetricType::UNTYPED => {}
    }
}

impl Point<'_> {
    fn total(suffix: &'static str, value: Value) -> Self {
        Self { suffix, bound: None, value, exemplar: None }
    }
}

pub(super) fn counter(metric: &Metric) -> f64 {
    metric.get_counter().get_value()
}

pub(super) fn gauge(metric: &Metric) -> f64 {
    metric.get_gauge().get_value()
}

/// The one way to read a value: with its feature `protobuf`, which another crate may switch on, the
/// model of `prometheus` has a method `value`, without it `get_value`. A type's own method goes
/// before a trait's, so that each of these ends in the one there is.
#[allow(dead_code, reason = "only one of them is needed in each of the models")]
trait Valued {
    fn get_value(&self) -> f64;
    fn value(&self) -> f64;
}

impl Valued for Counter {
    fn get_value(&self) -> f64 {
        self.value()
    }

    fn value(&self) -> f64 {
        self.get_value()
    }
}

impl Valued for Gauge {
    fn get_value(&self) -> f64 {
        self.value()
    }

    fn value(&self) -> f64 {
        self.get_value()
    }
}
