//! From instruments to the model of a metric that `prometheus` gathers.

use prometheus::core::Desc;
use prometheus::proto::{self, LabelPair, Metric, MetricFamily, MetricType};

use super::exposition::extras::{Extras, attach};
use super::instrument::counter::Counter;
use super::instrument::histogram::{Histogram, Snapshot};
use super::names::ConstantLabels;

/// A metric's name, help, kind and constant labels.
pub(crate) struct Described {
    desc: Desc,
    kind: MetricType,
}

impl Described {
    /// # Errors
    /// When a name is none, or a label has two values.
    pub(crate) fn new(
        name: String,
        help: &str,
        kind: MetricType,
        labels: Vec<String>,
        constant: &ConstantLabels,
    ) -> Result<Self, prometheus::Error> {
        let desc = Desc::new(name, help.to_owned(), labels, constant.to_map())?;
        Ok(Self { desc, kind })
    }

    pub(crate) fn desc(&self) -> &Desc {
        &self.desc
    }

    /// The metrics of this name; none if there are none.
    pub(crate) fn family(&self, metrics: Vec<Metric>) -> Option<MetricFamily> {
        if metrics.is_empty() {
            return None;
        }
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(metrics);
        Some(family)
    }

    /// A histogram, unless it counted nothing.
    pub(crate) fn histogram(
        &self,
        labels: Vec<LabelPair>,
        histogram: &Histogram,
    ) -> Option<Metric> {
        let snapshot = histogram.snapshot();
        let count = snapshot.count();
        if count == 0 {
            return None;
        }
        let mut told = proto::Histogram::default();
        let mut below = 0;
        let buckets = histogram.bounds().told().zip(&snapshot.buckets).map(|(bound, count)| {
            below += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(below);
            bucket
        });
        told.set_bucket(buckets.collect());
        told.set_sample_count(count);
        told.set_sample_sum(histogram.unit().tell(snapshot.sum));
        let mut metric = of_labels(labels);
        metric.set_histogram(told);
        let Snapshot { exemplars, created, native, .. } = snapshot;
        attach(&mut metric, || Extras { created, unit: histogram.unit(), exemplars, native });
        Some(metric)
    }

    pub(crate) fn counter(&self, labels: Vec<LabelPair>, counter: &Counter) -> Metric {
        let mut told = proto::Counter::default();
        told.set_value(counter.count() as f64);
        let mut metric = of_labels(labels);
        metric.set_counter(told);
        attach(&mut metric, || Extras::created(counter.created()));
        metric
    }

    pub(crate) fn gauge(&self, labels: Vec<LabelPair>, value: f64) -> Metric {
        let mut told = proto::Gauge::default();
        told.set_value(value);
        let mut metric = of_labels(labels);
        metric.set_gauge(told);
        metric
    }
}

fn of_labels(labels: Vec<LabelPair>) -> Metric {
    let mut metric = Metric::default();
    metric.set_label(labels);
    metric
}
