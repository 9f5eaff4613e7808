//! What no format can tell is left out, so that it does not cost the scrape the rest.

use std::collections::HashSet;

use prometheus::proto::{Bucket, LabelPair, Metric, MetricFamily, MetricType, Quantile};

use super::extras::Told;
use super::points::reserved;

/// Leaves out families without a proper name, and metrics without proper labels or with those of
/// another one. Of labels of one name the first stays: those a registry gives to all come last.
pub(super) fn clean(families: &mut Vec<MetricFamily>, told: &Told) {
    families.retain_mut(|family| {
        if !is_name(family.name(), true) || family.get_field_type() == MetricType::UNTYPED {
            return false;
        }
        let reserved = reserved(family.get_field_type());
        let metrics = family.mut_metric();
        metrics.retain_mut(|metric| has_proper_labels(metric, reserved) && has_bounds_once(metric));
        without_repeated(metrics, told);
        !metrics.is_empty()
    });
}

/// Names as Prometheus has always taken them; only those of metrics may have colons.
fn is_name(name: &str, colons: bool) -> bool {
    let may_be =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
    name.as_bytes().first().is_some_and(|first| !first.is_ascii_digit()) && name.bytes().all(may_be)
}

fn has_proper_labels(metric: &mut Metric, reserved: Option<&str>) -> bool {
    let labels = metric.get_label();
    let is_proper = |label: &LabelPair| {
        is_name(label.name(), false) && label.name() != "__name__" && Some(label.name()) != reserved
    };
    if !labels.iter().all(is_proper) {
        return false;
    }
    // there are few labels: no set is needed
    let repeats = |at: usize, label: &LabelPair| {
        labels.iter().take(at).any(|before| before.name() == label.name())
    };
    if labels.iter().enumerate().any(|(at, label)| repeats(at, label)) {
        let mut names = HashSet::new();
        let mut labels = metric.take_label();
        labels.retain(|label| names.insert(label.name().to_owned()));
        metric.set_label(labels);
    }
    true
}

/// Leaves out what would be a second sample of a series. Several of one series may stand in one
/// scrape only if each says when it was, later than the one before.
fn without_repeated(metrics: &mut Vec<Metric>, told: &Told) {
    let mut keep = vec![true; metrics.len()];
    // a registry sorts by the values of labels: only what has the same ones can be of one series
    let mut run: Vec<&Metric> = Vec::new();
    for (metric, keep) in metrics.iter().zip(&mut keep) {
        let is_of_run = run.last().is_some_and(|last| have_same_values(last, metric));
        if !is_of_run {
            run.clear();
        } else if run.iter().any(|before| before.get_label() == metric.get_label()) {
            let is_later = |last: &Metric| {
                last.get_label() == metric.get_label()
                    && told.timestamp(last).is_some_and(|last| told.timestamp(metric) > Some(last))
            };
            *keep = run.last().is_some_and(|last| is_later(last));
        }
        if *keep {
            run.push(metric);
        }
    }
    if keep.contains(&false) {
        let mut keep = keep.into_iter();
        metrics.retain(|_| keep.next().unwrap_or(true));
    }
}

/// Whether no two buckets or quantiles would be samples of one series.
fn has_bounds_once(metric: &Metric) -> bool {
    let buckets = metric.get_histogram().get_bucket().iter().map(Bucket::upper_bound);
    let quantiles = metric.get_summary().get_quantile().iter().map(Quantile::quantile);
    is_each_once(buckets) && is_each_once(quantiles)
}

fn is_each_once(bounds: impl Iterator<Item = f64> + Clone) -> bool {
    // those of a proper histogram grow
    bounds.clone().is_sorted_by(|below, above| below < above)
        || bounds.clone().enumerate().all(|(at, bound)| {
            let is_same = |other: f64| other == bound || (other.is_nan() && bound.is_nan());
            !bounds.clone().take(at).any(is_same)
        })
}

fn have_same_values(one: &Metric, other: &Metric) -> bool {
    let (one, other) = (one.get_label().iter(), other.get_label().iter());
    one.map(LabelPair::value).eq(other.map(LabelPair::value))
}
