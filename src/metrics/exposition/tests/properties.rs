//! Whatever is collected, what is told can be read, and says what was collected.

use prometheus::proto::{MetricFamily, MetricType};
use proptest::prelude::*;

use super::super::Format;
use super::kit::{at, counter, family, gauge, histogram, summary, told};
use super::strict;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        (-3..100_i32).prop_map(f64::from),
        Just(f64::NAN),
        Just(f64::INFINITY)
    ]
}

/// Names that clash with one another, and some that are none.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["(a|b|a_b)(_total|_created|_count|_sum|_bucket|_seconds|_bytes)?", "[ -~]{0,3}"]
}

fn labels() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("[a-c]|le|quantile|[ -~]{0,2}", any::<String>()), 0..3)
}

#[derive(Clone, Debug)]
struct Told {
    labels: Vec<(String, String)>,
    value: f64,
    buckets: Vec<(f64, u64)>,
    count: u64,
    timestamp: Option<i64>,
}

fn metrics() -> impl Strategy<Value = Vec<Told>> {
    let buckets = prop::collection::vec((number(), 0..9_u64), 0..3);
    let sorted = prop::collection::btree_map(0..50_u8, 0..3_u64, 0..4).prop_map(|buckets| {
        let grows = |below: &mut u64, (bound, count): (u8, u64)| {
            *below += count;
            Some((f64::from(bound), *below))
        };
        buckets.into_iter().scan(0, grows).collect::<Vec<_>>()
    });
    let told =
        (labels(), number(), prop_oneof![sorted, buckets], 9..20_u64, prop::option::of(-9..9_i64));
    let told = told.prop_map(|(labels, value, buckets, count, timestamp)| Told {
        labels,
        value,
        buckets,
        count,
        timestamp,
    });
    prop::collection::vec(told, 1..4)
}

fn built((name, kind, help, metrics): (String, MetricType, String, Vec<Told>)) -> MetricFamily {
    let metric = |told: Told| {
        let labels: Vec<_> = told.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        let quantiles: Vec<_> = told.buckets.iter().map(|(bound, n)| (*bound, *n as f64)).collect();
        let metric = match kind {
            MetricType::COUNTER => counter(&labels, told.value),
            MetricType::SUMMARY => summary(&labels, &quantiles, told.value),
            MetricType::HISTOGRAM => histogram(&labels, &told.buckets, told.count, told.value),
            _ => gauge(&labels, told.value),
        };
        told.timestamp.map_or(metric.clone(), |millis| at(metric, millis))
    };
    let mut family = family(&name, kind, metrics.into_iter().map(metric).collect());
    family.set_help(help);
    family
}

fn families() -> impl Strategy<Value = Vec<MetricFamily>> {
    let kind = prop::sample::select(vec![
        MetricType::COUNTER,
        MetricType::GAUGE,
        MetricType::SUMMARY,
        MetricType::HISTOGRAM,
        MetricType::UNTYPED,
    ]);
    let family = (name(), kind, any::<String>(), metrics()).prop_map(built);
    prop::collection::vec(family, 0..5)
}

proptest! {
    #[test]
    fn both_text_formats_are_always_valid(families in families()) {
        let collected = families.clone();
        let text = told(Format::Text, move || collected.clone());
        prop_assert!(strict::text(&text).is_ok(), "{:?}\n{text}", strict::text(&text));
        let open = told(Format::OpenMetrics, move || families.clone());
        prop_assert!(strict::openmetrics(&open).is_ok(), "{:?}\n{open}", strict::openmetrics(&open));
    }

    #[test]
    fn labels_help_and_values_read_back_as_they_were(
        label: String,
        help: String,
        value: f64,
        count in 0..u64::from(u32::MAX),
    ) {
        for format in [Format::Text, Format::OpenMetrics] {
            let (label, told_help) = (label.clone(), help.clone());
            let document = told(format, {
                let (label, help) = (label.clone(), told_help.clone());
                move || {
                    let mut one = family("g", MetricType::GAUGE, vec![gauge(&[("a", &label)], value)]);
                    one.set_help(help.clone());
                    let histogram = histogram(&[("a", &label)], &[(2.0, count)], count, 1.0);
                    vec![one, family("h", MetricType::HISTOGRAM, vec![histogram])]
                }
            });
            let families = match format {
                Format::Text => strict::text(&document),
                _ => strict::openmetrics(&document),
            };
            let families = families.unwrap();
            prop_assert_eq!(&families[0].help, &told_help);
            prop_assert_eq!(&families[0].samples[0].labels["a"], &label);
            prop_assert_eq!(families[0].samples[0].value.to_bits(), value.to_bits());
            let counts: Vec<_> = families[1].samples.iter().map(|sample| sample.value).collect();
            prop_assert_eq!(counts, [count as f64, count as f64, 1.0, count as f64]);
        }
    }
}
