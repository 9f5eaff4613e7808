use prometheus::proto::{MetricFamily, MetricType};
use prometheus::{HistogramOpts, IntCounter, IntGaugeVec, Opts, Registry};

use super::super::extras::{Extras, attach};
use super::super::{Format, encode};
use super::kit::{at, counter, exemplar, extras, family, gauge, histogram, summary, time, told};
use super::strict;

/// A family of each type, one with extras.
fn all() -> Vec<MetricFamily> {
    let mut requests = histogram(&[("route", "/a")], &[(0.05, 1), (1.0, 3)], 4, 5.145);
    attach(&mut requests, extras);
    let mut orders = counter(&[], 3.0);
    attach(&mut orders, || Extras::created(time(1_500)));
    vec![
        family("request_duration_seconds", MetricType::HISTOGRAM, vec![requests]),
        family("orders_total", MetricType::COUNTER, vec![orders]),
        family("plain", MetricType::COUNTER, vec![counter(&[("a", "1")], 0.5)]),
        family("queue_bytes", MetricType::GAUGE, vec![at(gauge(&[], -1.5), 1_500)]),
        family("waits", MetricType::SUMMARY, vec![summary(&[], &[(0.5, 2.0), (1.0, 9.0)], 21.0)]),
    ]
}

#[test]
fn text_has_every_family_and_timestamps_of_users_alone() {
    let expected = r#"# HELP orders_total Help.
# TYPE orders_total counter
orders_total 3
# HELP plain Help.
# TYPE plain counter
plain{a="1"} 0.5
# HELP queue_bytes Help.
# TYPE queue_bytes gauge
queue_bytes -1.5 1500
# HELP request_duration_seconds Help.
# TYPE request_duration_seconds histogram
request_duration_seconds_bucket{route="/a",le="0.05"} 1
request_duration_seconds_bucket{route="/a",le="1.0"} 3
request_duration_seconds_bucket{route="/a",le="+Inf"} 4
request_duration_seconds_sum{route="/a"} 5.145
request_duration_seconds_count{route="/a"} 4
# HELP waits Help.
# TYPE waits summary
waits{quantile="0.5"} 2
waits{quantile="1.0"} 9
waits_sum 21
waits_count 7
"#;
    assert_eq!(told(Format::Text, all), expected);
    strict::text(expected).unwrap();
}

#[test]
fn openmetrics_has_units_exemplars_and_times_of_creation_too() {
    let trace = r#"{trace_id="ab0000000000000000000000000000cd",span_id="00000000000000ef"}"#;
    let expected = format!(
        r#"# TYPE orders counter
# HELP orders Help.
orders_total 3
orders_created 1.5
# TYPE plain unknown
# HELP plain Help.
plain{{a="1"}} 0.5
# TYPE queue_bytes gauge
# UNIT queue_bytes bytes
# HELP queue_bytes Help.
queue_bytes -1.5 1.5
# TYPE request_duration_seconds histogram
# UNIT request_duration_seconds seconds
# HELP request_duration_seconds Help.
request_duration_seconds_bucket{{route="/a",le="0.05"}} 1
request_duration_seconds_bucket{{route="/a",le="1.0"}} 3 # {trace} 0.07 1767225600.25
request_duration_seconds_bucket{{route="/a",le="+Inf"}} 4 # {trace} 5 1767225600.25
request_duration_seconds_sum{{route="/a"}} 5.145
request_duration_seconds_count{{route="/a"}} 4
request_duration_seconds_created{{route="/a"}} 1767225600.123
# TYPE waits summary
# HELP waits Help.
waits{{quantile="0.5"}} 2
waits{{quantile="1.0"}} 9
waits_sum 21
waits_count 7
# EOF
"#
    );
    let document = told(Format::OpenMetrics, all);
    assert_eq!(document, expected);
    let families = strict::openmetrics(&document).unwrap();
    let durations = families.iter().find(|family| family.name == "request_duration_seconds");
    let told = durations.unwrap().samples[2].exemplar.clone().unwrap();
    assert_eq!(told.value, exemplar(5_000_000_000).value as f64 / 1e9);
}

#[test]
fn the_users_own_metrics_come_out_of_the_same_registry() {
    let registry = Registry::new_custom(
        Some("shop".into()),
        Some([("zone".to_owned(), "b".to_owned())].into()),
    )
    .unwrap();
    let orders = IntCounter::new("orders_total", "Orders.").unwrap();
    orders.inc_by(2);
    let stock = IntGaugeVec::new(Opts::new("stock", "In \"stock\"\\\nnow."), &["item"]).unwrap();
    stock.with_label_values(&["a\"b\\c\nd"]).set(9_007_199_254_740_993);
    let values = HistogramOpts::new("value", "Values.").buckets(vec![10.0, 2_500_000.0]);
    let values = prometheus::Histogram::with_opts(values).unwrap();
    values.observe(10.0);
    registry.register(Box::new(orders)).unwrap();
    registry.register(Box::new(stock)).unwrap();
    registry.register(Box::new(values)).unwrap();
    let expected = r#"# HELP shop_orders_total Orders.
# TYPE shop_orders_total counter
shop_orders_total{zone="b"} 2
# HELP shop_stock In "stock"\\\nnow.
# TYPE shop_stock gauge
shop_stock{item="a\"b\\c\nd",zone="b"} 9007199254740992.0
# HELP shop_value Values.
# TYPE shop_value histogram
shop_value_bucket{zone="b",le="10.0"} 1
shop_value_bucket{zone="b",le="2.5e+06"} 1
shop_value_bucket{zone="b",le="+Inf"} 1
shop_value_sum{zone="b"} 10
shop_value_count{zone="b"} 1
"#;
    assert_eq!(String::from_utf8(encode(&registry, Format::Text)).unwrap(), expected);
    let document = String::from_utf8(encode(&registry, Format::OpenMetrics)).unwrap();
    let families = strict::openmetrics(&document).unwrap();
    let stock = families.iter().find(|family| family.name == "shop_stock").unwrap();
    assert_eq!(stock.help, "In \"stock\"\\\nnow.");
    assert_eq!(stock.samples[0].labels["item"], "a\"b\\c\nd");
}

#[test]
fn an_empty_registry_is_an_empty_document() {
    assert_eq!(told(Format::Text, Vec::new), "");
    assert_eq!(told(Format::OpenMetrics, Vec::new), "# EOF\n");
}
