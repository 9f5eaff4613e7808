//! Families that OpenMetrics cannot tell as they are keep their series.

use prometheus::proto::{MetricFamily, MetricType};

use super::super::Format;
use super::super::extras::attach;
use super::kit::{counter, extras, family, gauge, histogram, summary, told};
use super::strict;

fn gauge_family(name: &str) -> MetricFamily {
    family(name, MetricType::GAUGE, vec![gauge(&[], 1.0)])
}

fn counter_family(name: &str) -> MetricFamily {
    family(name, MetricType::COUNTER, vec![counter(&[], 2.0)])
}

fn histogram_family(name: &str) -> MetricFamily {
    let mut metric = histogram(&[], &[(0.05, 1), (1.0, 3)], 4, 5.5);
    attach(&mut metric, extras);
    family(name, MetricType::HISTOGRAM, vec![metric])
}

/// The families of the document, each with its type, and the names of all series.
fn read(collect: fn() -> Vec<MetricFamily>) -> (Vec<(String, String)>, Vec<String>) {
    let families = strict::openmetrics(&told(Format::OpenMetrics, collect)).unwrap();
    let names = families.iter().flat_map(|family| &family.samples);
    let mut names: Vec<_> = names.map(|sample| sample.name.clone()).collect();
    names.dedup();
    (families.into_iter().map(|family| (family.name, family.kind)).collect(), names)
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
}

#[test]
fn a_gauge_beside_a_counter_of_its_name_makes_the_counter_unknown() {
    let (families, names) = read(|| vec![gauge_family("jobs"), counter_family("jobs_total")]);
    assert_eq!(families, owned(&[("jobs", "gauge"), ("jobs_total", "unknown")]));
    assert_eq!(names, ["jobs", "jobs_total"]);
}

#[test]
fn a_name_that_a_suffix_could_make_is_taken() {
    let (families, names) =
        read(|| vec![gauge_family("jobs_created"), counter_family("jobs_total")]);
    assert_eq!(families, owned(&[("jobs_created", "gauge"), ("jobs_total", "unknown")]));
    assert_eq!(names, ["jobs_created", "jobs_total"]);
}

#[test]
fn counters_with_and_without_the_suffix_may_stand_side_by_side() {
    let (families, names) = read(|| {
        vec![counter_family("jobs"), counter_family("jobs_total"), counter_family("_total")]
    });
    let expected = [("_total", "unknown"), ("jobs", "unknown"), ("jobs_total", "unknown")];
    assert_eq!(families, owned(&expected));
    assert_eq!(names, ["_total", "jobs", "jobs_total"]);
}

#[test]
fn a_histogram_that_clashes_is_told_sample_name_by_sample_name() {
    let (families, names) = read(|| vec![gauge_family("wait_created"), histogram_family("wait")]);
    let expected = [
        ("wait_bucket", "unknown"),
        ("wait_sum", "unknown"),
        ("wait_count", "unknown"),
        ("wait_created", "gauge"),
    ];
    assert_eq!(families, owned(&expected));
    assert_eq!(names, ["wait_bucket", "wait_sum", "wait_count", "wait_created"]);
}

#[test]
fn of_one_name_for_samples_of_two_families_the_first_is_told() {
    let (families, names) = read(|| vec![gauge_family("wait_count"), histogram_family("wait")]);
    let expected = [("wait_bucket", "unknown"), ("wait_sum", "unknown"), ("wait_count", "unknown")];
    assert_eq!(families, owned(&expected));
    assert_eq!(names, ["wait_bucket", "wait_sum", "wait_count"]);
}

#[test]
fn values_that_a_type_must_not_have_make_it_unknown() {
    let (families, _) = read(|| {
        let bad_buckets = vec![histogram(&[], &[(2.0, 1), (1.0, 3)], 4, 5.5)];
        let bad_count = vec![histogram(&[], &[(2.0, 3), (f64::INFINITY, 3)], 4, 5.5)];
        vec![
            family("a_total", MetricType::COUNTER, vec![counter(&[], f64::NAN)]),
            family("b_total", MetricType::COUNTER, vec![counter(&[], -1.0)]),
            family("c", MetricType::HISTOGRAM, bad_buckets),
            family("d", MetricType::HISTOGRAM, bad_count),
            family("e", MetricType::HISTOGRAM, vec![histogram(&[], &[(1.0, 1)], 1, -2.0)]),
            family("f", MetricType::SUMMARY, vec![summary(&[], &[(1.5, 1.0)], 1.0)]),
            family("g", MetricType::SUMMARY, vec![summary(&[], &[(0.5, f64::NAN)], 0.0)]),
        ]
    });
    assert_eq!(
        families,
        owned(&[
            ("a_total", "unknown"),
            ("b_total", "unknown"),
            ("c_bucket", "unknown"),
            ("c_sum", "unknown"),
            ("c_count", "unknown"),
            ("d_bucket", "unknown"),
            ("d_sum", "unknown"),
            ("d_count", "unknown"),
            ("e_bucket", "unknown"),
            ("e_sum", "unknown"),
            ("e_count", "unknown"),
            ("f", "unknown"),
            ("f_sum", "unknown"),
            ("f_count", "unknown"),
            ("g", "summary"),
        ])
    );
}
