//! What no format can tell is left out, so that it does not cost the scrape the rest.

use std::collections::HashSet;

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

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
        metrics.retain_mut(|metric| has_proper_labels(metric, reserved));
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
        let values = |metric: &'_ Metric| metric.get_label().len();
        let is_of_run = run.last().is_some_and(|last| {
            values(last) == values(metric)
                && last
                    .get_label()
                    .iter()
                    .zip(metric.get_label())
                    .all(|(a, b)| a.value() == b.value())
        });
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
