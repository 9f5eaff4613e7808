//! How OpenMetrics can tell a family: its rules are stricter than those of a registry.
//!
//! OpenMetrics 1.0.0, section "Metric naming": a family must not be named so that its samples, those
//! of suffixes it does not use included, could be taken for another's. A registry has no such rule: a
//! gauge `jobs` and a counter `jobs_total` may well be in it. Where they clash, the one whose type has
//! suffixes is told apart, each name of its samples as a family of the type `unknown`: that costs it
//! its type, its exemplars and its time of creation, but not one series and no value, and each series
//! has the name it has in the other formats.

use std::collections::HashMap;

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::points;

/// How a family is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// As what it is.
    Whole,
    /// As a family of unknown type for each name of its samples.
    Apart,
}

/// Decides how each of the families is told.
pub(super) fn shapes(families: &[MetricFamily]) -> Vec<Shape> {
    let mut claimed = HashMap::<String, usize>::new();
    for family in families {
        claims(family, |name| *claimed.entry(name).or_default() += 1);
    }
    let shape = |family: &MetricFamily| {
        let kind = family.get_field_type();
        let is_alone = || {
            let mut alone = true;
            claims(family, |name| alone &= claimed.get(&name) == Some(&1));
            alone
        };
        let can_be_whole = match kind {
            // nothing has a suffix, and any value will do
            MetricType::GAUGE => true,
            MetricType::COUNTER => stem(family).is_some() && is_alone(),
            _ => is_alone(),
        };
        match can_be_whole && family.get_metric().iter().all(|metric| is_sound(kind, metric)) {
            true => Shape::Whole,
            false => Shape::Apart,
        }
    };
    families.iter().map(shape).collect()
}

/// The name of a counter's family, which is that of its samples without `_total`. A counter without
/// that suffix has none: given one, its series would be other ones than in the other formats.
pub(super) fn stem(family: &MetricFamily) -> Option<&str> {
    family.name().strip_suffix("_total").filter(|stem| !stem.is_empty())
}

/// Shows every name that is a family's if it is told as a whole.
fn claims(family: &MetricFamily, mut claim: impl FnMut(String)) {
    let (name, suffixes): (_, &[&str]) = match (family.get_field_type(), stem(family)) {
        (MetricType::COUNTER, Some(stem)) => (stem, &["", "_total", "_created"]),
        (MetricType::HISTOGRAM, _) => {
            (family.name(), &["", "_bucket", "_sum", "_count", "_created"])
        }
        (MetricType::SUMMARY, _) => (family.name(), &["", "_sum", "_count", "_created"]),
        _ => (family.name(), &[""]),
    };
    suffixes.iter().for_each(|suffix| claim(format!("{name}{suffix}")));
}

/// Whether a metric has values that its type may have.
fn is_sound(kind: MetricType, metric: &Metric) -> bool {
    match kind {
        MetricType::COUNTER => points::counter(metric) >= 0.0,
        MetricType::SUMMARY => {
            let summary = metric.get_summary();
            summary.sample_sum() >= 0.0
                && summary.get_quantile().iter().all(|quantile| {
                    (0.0..=1.0).contains(&quantile.quantile()) && !(quantile.value() < 0.0)
                })
        }
        MetricType::HISTOGRAM => {
            let histogram = metric.get_histogram();
            let buckets = histogram.get_bucket();
            let grows = buckets.is_sorted_by(|below, above| {
                below.upper_bound() < above.upper_bound()
                    && below.cumulative_count() <= above.cumulative_count()
            });
            let count = histogram.get_sample_count();
            let fits = buckets.last().is_none_or(|last| {
                last.cumulative_count() <= count
                    && (last.upper_bound() != f64::INFINITY || last.cumulative_count() == count)
            });
            let has_bounds = buckets.iter().all(|bucket| !bucket.upper_bound().is_nan());
            // a sum over negative values is not a counter, which is what it has to be here
            grows
                && fits
                && has_bounds
                && histogram.get_sample_sum() >= 0.0
                && buckets.first().is_none_or(|first| first.upper_bound() >= 0.0)
        }
        _ => true,
    }
}
