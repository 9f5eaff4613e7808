//! What a registry has, to be compared with `==`.

use std::collections::BTreeMap;
use std::fmt;

use prometheus::Registry;
use prometheus::proto::{Counter, Gauge, Histogram, LabelPair, MetricType};

/// Every series of a registry.
pub(crate) type Gathered = BTreeMap<Series, Value>;

/// The name and the labels of a series; shown as Prometheus writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
}

/// What a series says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Of a counter or a gauge.
    Is(f64),
    Counts {
        count: u64,
        sum: f64,
        /// The buckets that are not empty by their upper bounds; they are not cumulative.
        buckets: Vec<(f64, u64)>,
    },
}

impl Series {
    pub(crate) fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Self { name: name.into(), labels: labels.collect() }
    }

    fn of(name: &str, pairs: &[LabelPair]) -> Self {
        let mut labels = BTreeMap::new();
        for pair in pairs {
            assert_ne!(pair.value(), "", "{} of {name} is the same as none", pair.name());
            let before = labels.insert(pair.name().to_owned(), pair.value().to_owned());
            assert_eq!(before, None, "{} of {name} is told twice", pair.name());
        }
        let names = pairs.iter().map(LabelPair::name);
        assert!(names.is_sorted(), "the labels of {name} are sorted");
        Self { name: name.into(), labels }
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{", self.name)?;
        for (name, value) in &self.labels {
            write!(f, "{name}={value:?},")?;
        }
        f.write_str("}")
    }
}

impl Value {
    fn of(histogram: &Histogram) -> Self {
        let (mut below, mut buckets) = (0, Vec::new());
        for bucket in histogram.get_bucket() {
            assert!(bucket.upper_bound().is_finite(), "the one above them all goes without saying");
            let own = bucket.cumulative_count().checked_sub(below).expect("they are cumulative");
            below = bucket.cumulative_count();
            buckets.push((bucket.upper_bound(), own));
        }
        assert!(buckets.is_sorted_by(|(below, _), (above, _)| below < above), "{buckets:?}");
        let count = histogram.get_sample_count();
        buckets.push((f64::INFINITY, count.checked_sub(below).expect("it counts them all")));
        buckets.retain(|(_, own)| *own > 0);
        Self::Counts { count, sum: histogram.get_sample_sum(), buckets }
    }

    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Is(value) => *value as u64,
            Self::Counts { count, .. } => *count,
        }
    }
}

/// The one way to read a value in both of `prometheus`' models: a type's own method goes before a
/// trait's, so that each of these ends in the one there is.
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

/// Gathers every series, each of which must be told once.
pub(crate) fn gathered(registry: &Registry) -> Gathered {
    let mut all = Gathered::new();
    for family in registry.gather() {
        assert!(!family.name().is_empty() && !family.help().is_empty());
        for metric in family.get_metric() {
            let value = match family.get_field_type() {
                MetricType::HISTOGRAM => Value::of(metric.get_histogram()),
                MetricType::COUNTER => Value::Is(metric.get_counter().get_value()),
                MetricType::GAUGE => Value::Is(metric.get_gauge().get_value()),
                other => panic!("{} is a {other:?}", family.name()),
            };
            let series = Series::of(family.name(), metric.get_label());
            assert_eq!(all.insert(series.clone(), value), None, "{series:?} is told twice");
        }
    }
    all
}

/// How many exchanges the series of this name counted together.
pub(crate) fn total(all: &Gathered, name: &str) -> u64 {
    all.iter().filter(|(series, _)| series.name == name).map(|(_, value)| value.count()).sum()
}
