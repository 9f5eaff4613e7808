//! The Protobuf format, read by an implementation of its own.

use std::collections::BTreeMap;

use prometheus::proto::MetricType;
use prost::Message;

use super::super::extras::{Extras, attach};
use super::super::{Format, encode};
use super::kit::{
    at, counter, exemplar, extras, family, gauge, histogram, registry, summary, time,
};
use crate::metrics::instrument::native::Native;

/// `metrics.proto` of Prometheus' `client_model`, as far as it is used.
#[derive(Clone, PartialEq, Message)]
struct Family {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    help: Option<String>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Value>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Value>,
    #[prost(message, optional, tag = "4")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
    #[prost(int64, optional, tag = "6")]
    timestamp_ms: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    created: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    quantiles: Vec<Quantile>,
}

#[derive(Clone, PartialEq, Message)]
struct Quantile {
    #[prost(double, optional, tag = "1")]
    quantile: Option<f64>,
    #[prost(double, optional, tag = "2")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    buckets: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    spans: Vec<Span>,
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    deltas: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    created: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(double, optional, tag = "2")]
    value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    at: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

fn read(
    collect: impl Fn() -> Vec<prometheus::proto::MetricFamily> + Send + Sync + 'static,
) -> Vec<Family> {
    let bytes = encode(&registry(collect), Format::Protobuf);
    let mut rest = &bytes[..];
    let mut families = Vec::new();
    while !rest.is_empty() {
        families.push(Family::decode_length_delimited(&mut rest).unwrap());
    }
    families
}

fn one(name: &str, kind: i32, metric: Metric) -> Family {
    Family {
        name: Some(name.into()),
        help: Some("Help.".into()),
        kind: Some(kind),
        metrics: vec![metric],
    }
}

fn label(name: &str, value: &str) -> Label {
    Label { name: Some(name.into()), value: Some(value.into()) }
}

#[test]
fn every_type_is_told_with_its_extras() {
    let long = "/".repeat(20_000);
    let route = long.clone();
    let families = read(move || {
        let mut requests = histogram(&[("route", &route)], &[(0.05, 1), (1.0, 3)], 4, 5.145);
        attach(&mut requests, extras);
        let mut orders = counter(&[], 3.0);
        attach(&mut orders, || Extras::created(time(1_500)));
        vec![
            family("orders_total", MetricType::COUNTER, vec![orders]),
            family("queue", MetricType::GAUGE, vec![at(gauge(&[], -1.5), -1_500)]),
            family("request_seconds", MetricType::HISTOGRAM, vec![requests]),
            family("waits", MetricType::SUMMARY, vec![summary(&[], &[(0.5, 2.0)], 21.0)]),
        ]
    });
    let told = |nanos: u64| Exemplar {
        labels: vec![
            label("trace_id", "ab0000000000000000000000000000cd"),
            label("span_id", "00000000000000ef"),
        ],
        value: Some(exemplar(nanos).value as f64 / 1e9),
        at: Some(Time { seconds: 1_767_225_600, nanos: 250_000_000 }),
    };
    let bucket =
        |bound, count, exemplar| Bucket { count: Some(count), bound: Some(bound), exemplar };
    let expected = [
        one(
            "orders_total",
            0,
            Metric {
                counter: Some(Value {
                    value: Some(3.0),
                    created: Some(Time { seconds: 1, nanos: 500_000_000 }),
                }),
                ..Metric::default()
            },
        ),
        one(
            "queue",
            1,
            Metric {
                gauge: Some(Value { value: Some(-1.5), created: None }),
                timestamp_ms: Some(-1_500),
                ..Metric::default()
            },
        ),
        one(
            "request_seconds",
            4,
            Metric {
                labels: vec![label("route", &long)],
                histogram: Some(Histogram {
                    count: Some(4),
                    sum: Some(5.145),
                    buckets: vec![
                        bucket(0.05, 1, None),
                        bucket(1.0, 3, Some(told(70_000_000))),
                        bucket(f64::INFINITY, 4, Some(told(5_000_000_000))),
                    ],
                    created: Some(Time { seconds: 1_767_225_600, nanos: 123_000_000 }),
                    ..Histogram::default()
                }),
                ..Metric::default()
            },
        ),
        one(
            "waits",
            2,
            Metric {
                summary: Some(Summary {
                    count: Some(7),
                    sum: Some(21.0),
                    quantiles: vec![Quantile { quantile: Some(0.5), value: Some(2.0) }],
                }),
                ..Metric::default()
            },
        ),
    ];
    assert_eq!(families, expected);
}

fn of_native(native: Native) -> Histogram {
    let families = read(move || {
        let mut metric = histogram(&[], &[], 9, 1.0);
        attach(&mut metric, || Extras { native: Some(native.clone()), ..extras() });
        vec![family("h", MetricType::HISTOGRAM, vec![metric])]
    });
    families[0].metrics[0].histogram.clone().unwrap()
}

#[test]
fn native_buckets_are_spans_and_differences() {
    let buckets = vec![(-159, 5), (-158, 3), (0, 3), (1, 10), (8, 1)];
    let told = of_native(Native { zero_threshold: 0.5, zero_count: 2, buckets: buckets.clone() });
    assert_eq!((told.schema, told.zero_threshold, told.zero_count), (Some(3), Some(0.5), Some(2)));
    let span = |offset, length| Span { offset: Some(offset), length: Some(length) };
    assert_eq!(told.spans, [span(-159, 2), span(157, 2), span(6, 1)]);
    assert_eq!(told.deltas, [5, -2, 0, 7, -9]);
    // as a reader puts them together
    let (mut index, mut count, mut deltas) = (0, 0, told.deltas.iter());
    let mut read = BTreeMap::new();
    for span in &told.spans {
        index += span.offset.unwrap();
        for _ in 0..span.length.unwrap() {
            count += deltas.next().unwrap();
            read.insert(index, u64::try_from(count).unwrap());
            index += 1;
        }
    }
    assert_eq!(read.into_iter().collect::<Vec<_>>(), buckets);
}

#[test]
fn a_native_histogram_of_nothing_is_one_all_the_same() {
    let told = of_native(Native { zero_threshold: 0.5, zero_count: 0, buckets: vec![] });
    assert_eq!(told.schema, Some(3));
    assert_eq!(told.spans, [Span { offset: Some(0), length: Some(0) }]);
    assert_eq!(told.deltas, [0_i64; 0]);
}
