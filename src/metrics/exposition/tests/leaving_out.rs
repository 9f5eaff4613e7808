//! What nobody could read is left out, and costs nothing else.

use prometheus::proto::MetricType;
use prometheus::{Opts, Registry};

use super::super::{Format, encode};
use super::kit::{at, counter, family, gauge, histogram, register, told};
use super::strict;

#[test]
fn families_and_metrics_of_improper_names_are_left_out() {
    let families = || {
        vec![
            family("", MetricType::GAUGE, vec![gauge(&[], 1.0)]),
            family("1st", MetricType::GAUGE, vec![gauge(&[], 1.0)]),
            family("two words", MetricType::GAUGE, vec![gauge(&[], 1.0)]),
            family("untyped", MetricType::UNTYPED, vec![gauge(&[], 1.0)]),
            family(
                "rule:sum",
                MetricType::GAUGE,
                vec![
                    gauge(&[("a:b", "1")], 1.0),
                    gauge(&[("", "2")], 2.0),
                    gauge(&[("__name__", "3")], 3.0),
                    gauge(&[("a", "4")], 4.0),
                ],
            ),
            family("h", MetricType::HISTOGRAM, vec![histogram(&[("le", "1")], &[], 1, 1.0)]),
        ]
    };
    let expected = "# HELP rule:sum Help.\n# TYPE rule:sum gauge\nrule:sum{a=\"4\"} 4\n";
    assert_eq!(told(Format::Text, families), expected);
    let families = strict::openmetrics(&told(Format::OpenMetrics, families)).unwrap();
    assert_eq!((families.len(), families[0].samples.len()), (1, 1));
}

#[test]
fn of_two_metrics_of_one_series_the_first_is_told() {
    let families = || {
        let metrics = vec![
            gauge(&[("a", "1")], 1.0),
            gauge(&[("b", "1")], 2.0),
            gauge(&[("a", "1")], 3.0),
            gauge(&[("a", "2")], 4.0),
        ];
        vec![family("g", MetricType::GAUGE, metrics)]
    };
    let expected = "# HELP g Help.\n# TYPE g gauge\ng{a=\"1\"} 1\ng{b=\"1\"} 2\ng{a=\"2\"} 4\n";
    assert_eq!(told(Format::Text, families), expected);
}

#[test]
fn one_series_may_come_again_at_a_later_time() {
    let families = || {
        let metrics = vec![
            at(gauge(&[], 2.0), 2_000),
            at(gauge(&[], 1.0), 1_000),
            at(gauge(&[], 3.0), 2_000),
        ];
        vec![family("g", MetricType::GAUGE, metrics)]
    };
    assert_eq!(
        told(Format::Text, families),
        "# HELP g Help.\n# TYPE g gauge\ng 1 1000\ng 2 2000\n"
    );
    strict::openmetrics(&told(Format::OpenMetrics, families)).unwrap();
}

#[test]
fn a_metrics_own_label_goes_before_the_registrys() {
    let labels = [("zone".to_owned(), "all".to_owned())];
    let registry = Registry::new_custom(None, Some(labels.into())).unwrap();
    let opts = Opts::new("g", "Help.").const_label("zone", "own");
    registry.register(Box::new(prometheus::Gauge::with_opts(opts).unwrap())).unwrap();
    let text = encode(&registry, Format::Text);
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "# HELP g Help.\n# TYPE g gauge\ng{zone=\"own\"} 0\n"
    );
}

#[test]
fn collectors_that_disagree_on_a_type_cost_the_scrape_nothing() {
    let registry = Registry::new();
    register(&registry, "one", || vec![family("x", MetricType::GAUGE, vec![gauge(&[], 1.0)])]);
    register(&registry, "two", || {
        vec![
            family("x", MetricType::COUNTER, vec![counter(&[("a", "1")], 2.0)]),
            family("y", MetricType::GAUGE, vec![gauge(&[], 3.0)]),
        ]
    });
    let text = String::from_utf8(encode(&registry, Format::Text)).unwrap();
    assert!(text.ends_with("# HELP y Help.\n# TYPE y gauge\ny 3\n"), "{text}");
    strict::text(&text).unwrap();
}
