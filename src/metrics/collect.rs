//! From instruments to the model of a metric that `prometheus` gathers.

use prometheus::core::Desc;
use prometheus::proto::{self, LabelPair, Metric, MetricFamily, MetricType};

use super::exposition::extras::{Extras, attach};
use super::instrument::counter::Counter;
use super::instrument::histogram::{Histogram, Snapshot};
use super::names::ConstantLabels;
use crate::config::ConfigError;

/// A metric's name, help, kind and constant labels.
pub(crate) struct Described {
    desc: Desc,
    kind: MetricType,
    constant: ConstantLabels,
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
    ) -> Result<Self, ConfigError> {
        let refused = |_| ConfigError::new("metric", &*name, "a name, a help text and labels");
        let desc =
            Desc::new(name.clone(), help.to_owned(), labels, constant.to_map()).map_err(refused)?;
        Ok(Self { desc, kind, constant: constant.clone() })
    }

    pub(crate) fn desc(&self) -> &Desc {
        &self.desc
    }

    /// The metrics of this name, unless there are none.
    pub(crate) fn family(&self, metrics: Vec<Metric>) -> Option<MetricFamily> {
        (!metrics.is_empty()).then(|| self.of(metrics))
    }

    fn of(&self, metrics: Vec<Metric>) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(metrics);
        family
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
        let mut metric = self.value(labels, counter.count() as f64);
        attach(&mut metric, || Extras::created(counter.created()));
        metric
    }

    /// A counter or a gauge of this value.
    pub(crate) fn value(&self, labels: Vec<LabelPair>, value: f64) -> Metric {
        let mut metric = of_labels(labels);
        if self.kind == MetricType::COUNTER {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        metric
    }

    /// One value, with the constant labels alone.
    pub(crate) fn one(&self, value: f64) -> MetricFamily {
        self.of(vec![self.value(self.constant.pairs(), value)])
    }

    /// One value for each value of a label.
    pub(crate) fn each(
        &self,
        label: &str,
        values: impl IntoIterator<Item = (String, f64)>,
    ) -> MetricFamily {
        let metrics = values
            .into_iter()
            .map(|(name, value)| self.value(self.constant.pairs_with([(label, &*name)]), value));
        self.of(metrics.collect())
    }
}

fn of_labels(labels: Vec<LabelPair>) -> Metric {
    let mut metric = Metric::default();
    metric.set_label(labels);
    metric
}
