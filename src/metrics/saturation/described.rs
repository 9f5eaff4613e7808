//! From numbers to the model of a metric that `prometheus` gathers.

use prometheus::core::Desc;
use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};

use crate::metrics::names::ConstantLabels;

/// A metric's name, help, kind and constant labels.
pub(super) struct Described {
    desc: Desc,
    kind: MetricType,
    constant: ConstantLabels,
}

impl Described {
    pub(super) fn new(
        name: String,
        help: &str,
        kind: MetricType,
        labels: &[&str],
        constant: &ConstantLabels,
    ) -> Result<Self, prometheus::Error> {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let desc = Desc::new(name, help.to_owned(), labels, constant.to_map())?;
        Ok(Self { desc, kind, constant: constant.clone() })
    }

    pub(super) fn desc(&self) -> &Desc {
        &self.desc
    }

    /// One value for all.
    pub(super) fn one(&self, value: f64) -> MetricFamily {
        self.family([self.metric([], value)])
    }

    /// One value for each value of a label.
    pub(super) fn each(
        &self,
        label: &str,
        values: impl IntoIterator<Item = (String, f64)>,
    ) -> MetricFamily {
        self.family(values.into_iter().map(|(name, value)| self.metric([(label, &*name)], value)))
    }

    fn family(&self, metrics: impl IntoIterator<Item = Metric>) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(metrics.into_iter().collect());
        family
    }

    fn metric<'a>(
        &'a self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: f64,
    ) -> Metric {
        let mut metric = Metric::default();
        metric.set_label(self.constant.pairs_with(labels));
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        metric
    }
}
