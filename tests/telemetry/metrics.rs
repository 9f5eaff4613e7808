//! What a receiver gets of metrics, whole.

use std::collections::BTreeSet;
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_sdk::metrics::Temporality;
use tower_observability::telemetry::{HistogramAggregation, Protocol, Telemetry, TelemetryBuilder};

use crate::collector::{Answer, Collector};
use crate::kit::{
    LONG, described, environment, quiet, resource, sort, text, within, without_runtime,
};

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];

fn meter(telemetry: &Telemetry) -> Meter {
    let scope = InstrumentationScope::builder("shop")
        .with_version("1.2.3")
        .with_schema_url("https://opentelemetry.io/schemas/1.37.0")
        .build();
    telemetry.meter_provider().meter_with_scope(scope)
}

/// Measures with an instrument of each kind.
fn measure(telemetry: &Telemetry) {
    let meter = meter(telemetry);
    let orders = meter.u64_counter("orders").with_unit("{order}").with_description("Orders.");
    let orders = orders.build();
    orders.add(2, &[KeyValue::new("status", "paid")]);
    orders.add(1, &[KeyValue::new("status", "refused")]);
    orders.add(3, &[KeyValue::new("status", "paid")]);
    let carts = meter.i64_up_down_counter("carts").build();
    carts.add(5, &[]);
    carts.add(-2, &[]);
    meter.f64_gauge("load").build().record(0.5, &[]);
    let value = meter.f64_histogram("value").with_boundaries(vec![1.0, 10.0]).build();
    [0.5, 1.0, 64.0].into_iter().for_each(|amount| value.record(amount, &[]));
}

fn int(value: i64, attributes: Vec<common::KeyValue>) -> NumberDataPoint {
    NumberDataPoint { attributes, value: Some(Value::AsInt(value)), ..Default::default() }
}

fn sum(data_points: Vec<NumberDataPoint>, temporality: AggregationTemporality) -> Sum {
    Sum { data_points, aggregation_temporality: temporality.into(), is_monotonic: true }
}

fn metric(name: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), data: Some(data), ..Default::default() }
}

/// What a receiver must get of that, but for the times.
fn expected() -> ExportMetricsServiceRequest {
    let cumulative = AggregationTemporality::Cumulative;
    let orders = sum(
        vec![int(5, vec![text("status", "paid")]), int(1, vec![text("status", "refused")])],
        cumulative,
    );
    let load = NumberDataPoint { value: Some(Value::AsDouble(0.5)), ..Default::default() };
    let value = HistogramDataPoint {
        count: 3,
        sum: Some(65.5),
        bucket_counts: vec![2, 0, 1],
        explicit_bounds: vec![1.0, 10.0],
        min: Some(0.5),
        max: Some(64.0),
        ..Default::default()
    };
    let metrics = vec![
        Metric {
            description: "Orders.".to_owned(),
            unit: "{order}".to_owned(),
            ..metric("orders", Data::Sum(orders))
        },
        metric(
            "carts",
            Data::Sum(Sum { is_monotonic: false, ..sum(vec![int(3, vec![])], cumulative) }),
        ),
        metric("load", Data::Gauge(Gauge { data_points: vec![load] })),
        metric(
            "value",
            Data::Histogram(Histogram {
                data_points: vec![value],
                aggregation_temporality: cumulative.into(),
            }),
        ),
    ];
    let scope = common::InstrumentationScope {
        name: "shop".to_owned(),
        version: "1.2.3".to_owned(),
        ..Default::default()
    };
    let scope_metrics = vec![ScopeMetrics {
        scope: Some(scope),
        metrics,
        schema_url: "https://opentelemetry.io/schemas/1.37.0".to_owned(),
    }];
    let resource = Some(resource());
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..Default::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

/// Takes a point's times out, which must be in order.
fn timeless(start: &mut u64, end: &mut u64) {
    assert!(0 < *start && *start <= *end, "{start} {end}");
    (*start, *end) = (0, 0);
}

/// A request without times, and with what has no order in one.
pub(crate) fn normal(mut request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
    for resource in &mut request.resource_metrics {
        sort(&mut resource.resource);
        let metrics = resource.scope_metrics.iter_mut().flat_map(|scope| &mut scope.metrics);
        for data in metrics.flat_map(|metric| &mut metric.data) {
            let numbers = match data {
                Data::Gauge(gauge) => &mut gauge.data_points,
                Data::Sum(sum) => &mut sum.data_points,
                Data::Histogram(histogram) => {
                    for point in &mut histogram.data_points {
                        timeless(&mut point.start_time_unix_nano, &mut point.time_unix_nano);
                    }
                    continue;
                }
                Data::ExponentialHistogram(histogram) => {
                    for point in &mut histogram.data_points {
                        timeless(&mut point.start_time_unix_nano, &mut point.time_unix_nano);
                    }
                    continue;
                }
                Data::Summary(summary) => panic!("{summary:?}"),
            };
            for point in &mut *numbers {
                timeless(&mut point.start_time_unix_nano, &mut point.time_unix_nano);
            }
            numbers.sort_by_key(|point| format!("{:?}", point.attributes));
        }
    }
    request
}

/// The only metric of each request that came.
fn each(collector: &Collector) -> Vec<Data> {
    let requests = collector.metrics().into_iter().map(|received| normal(received.request));
    requests
        .map(|request| {
            let [resource] = request.resource_metrics.as_slice() else { panic!("{request:?}") };
            let [scope] = resource.scope_metrics.as_slice() else { panic!("{request:?}") };
            let [metric] = scope.metrics.as_slice() else { panic!("{request:?}") };
            metric.data.clone().unwrap()
        })
        .collect()
}

async fn arrive_whole(protocol: Protocol) {
    let collector = Collector::start(protocol, &[Answer::Take]);
    let telemetry = described()
        .otlp_endpoint(collector.url())
        .otlp_protocol(protocol)
        .otlp_header("x-api-key", "s3cret")
        .build()
        .unwrap();
    measure(&telemetry);
    assert_eq!(collector.metrics().len(), 0);
    let delivery = within(telemetry.shutdown(LONG)).await.unwrap();
    let [points] = delivery.metrics() else { panic!("{delivery:?}") };
    assert_eq!((points.exporter(), points.ended(), points.exported()), ("otlp", 5, 5));
    assert_eq!((points.dropped(), delivery.lost_metrics()), (0, 0));
    let text = "otlp exported 0 of 0 spans, otlp exported 5 of 5 data points";
    assert_eq!(delivery.to_string(), text);

    let received = collector.metrics();
    let [received] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(received.headers["x-api-key"], "s3cret");
    assert!(received.headers["user-agent"].to_str().unwrap().starts_with("tower-observability/"));
    assert_eq!(normal(received.request.clone()), expected());
    assert_eq!((collector.traces().len(), collector.logs().len()), (0, 0));
}

#[tokio::test]
async fn metrics_arrive_whole_over_grpc() {
    arrive_whole(Protocol::Grpc).await;
}

#[tokio::test]
async fn metrics_arrive_whole_over_http() {
    arrive_whole(Protocol::HttpProtobuf).await;
}

#[test]
fn they_need_no_runtime() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Take]);
        let telemetry =
            described().otlp_endpoint(collector.url()).otlp_protocol(protocol).build().unwrap();
        measure(&telemetry);
        without_runtime(telemetry.shutdown(LONG)).unwrap();
        assert_eq!(normal(collector.metrics()[0].request.clone()), expected());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_measured_is_sent_when_the_telemetry_is_dropped() {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let telemetry = described().otlp_endpoint(collector.url()).build().unwrap();
    measure(&telemetry);
    drop(telemetry);
    within(collector.requests(1)).await;
    assert_eq!(normal(collector.metrics()[0].request.clone()), expected());
}

#[tokio::test]
async fn they_are_sent_by_themselves_at_an_interval() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Take]);
        let telemetry = quiet()
            .metric_interval(Duration::from_millis(1))
            .otlp_endpoint(collector.url())
            .otlp_protocol(protocol)
            .build()
            .unwrap();
        // nothing is sent where nothing was measured
        within(telemetry.flush(LONG)).await.unwrap();
        assert_eq!(collector.metrics().len(), 0);
        meter(&telemetry).u64_counter("orders").build().add(2, &[]);
        within(collector.requests(3)).await;
        let told = sum(vec![int(2, vec![])], AggregationTemporality::Cumulative);
        assert_eq!(each(&collector)[..3], vec![Data::Sum(told); 3]);
    }
}

/// What each of two flushes tells of a counter that is 3 and then 4 more.
async fn twice(builder: TelemetryBuilder) -> Vec<Data> {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let telemetry = builder.otlp_endpoint(collector.url()).build().unwrap();
    let orders = meter(&telemetry).u64_counter("orders").build();
    for count in [3, 4] {
        orders.add(count, &[]);
        within(telemetry.flush(LONG)).await.unwrap();
    }
    each(&collector)
}

#[tokio::test]
async fn temporality_is_a_setting() {
    let told = |temporality, first, second| {
        [first, second].map(|value| Data::Sum(sum(vec![int(value, vec![])], temporality))).to_vec()
    };
    let cumulative = told(AggregationTemporality::Cumulative, 3, 7);
    let delta = told(AggregationTemporality::Delta, 3, 4);
    for (temporality, name, expected) in [
        (Temporality::Cumulative, "cumulative", &cumulative),
        (Temporality::Delta, "Delta", &delta),
        (Temporality::LowMemory, "lowmemory", &delta),
    ] {
        assert_eq!(twice(quiet().metric_temporality(temporality)).await, *expected);
        let variables = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", name)];
        assert_eq!(twice(quiet().from_env_with(environment(&variables))).await, *expected);
    }
    assert_eq!(twice(quiet()).await, cumulative);
}

#[tokio::test]
async fn histograms_can_be_exponential() {
    let variables = [(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "base2_exponential_bucket_histogram",
    )];
    for builder in [
        quiet().metric_histograms(HistogramAggregation::Base2Exponential),
        quiet().from_env_with(environment(&variables)),
    ] {
        let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
        let telemetry = builder.otlp_endpoint(collector.url()).build().unwrap();
        let value = meter(&telemetry).f64_histogram("value").with_boundaries(vec![10.0]).build();
        [0.0, 1.0, 1.0].into_iter().for_each(|amount| value.record(amount, &[]));
        within(telemetry.shutdown(LONG)).await.unwrap();
        let point = ExponentialHistogramDataPoint {
            count: 3,
            sum: Some(2.0),
            scale: 20,
            zero_count: 1,
            // upper bounds belong to a bucket: 1 is in the one that ends there
            positive: Some(Buckets { offset: -1, bucket_counts: vec![2] }),
            negative: Some(Buckets { offset: 0, bucket_counts: vec![] }),
            min: Some(0.0),
            max: Some(1.0),
            ..Default::default()
        };
        let expected = Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![point],
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
        });
        assert_eq!(each(&collector), [expected]);
    }
}

/// How many data points came of a counter of this scope with 3000 attribute sets, and how many of
/// its additions are in none of them.
async fn points_of(scope: &'static str, builder: TelemetryBuilder) -> (usize, i64) {
    let collector = Collector::start(Protocol::Grpc, &[Answer::Take]);
    let builder = builder.otlp_endpoint(collector.url()).otlp_protocol(Protocol::Grpc);
    let telemetry = builder.build().unwrap();
    let counter = telemetry.meter_provider().meter(scope).u64_counter("sets").build();
    (0..3000).for_each(|number| counter.add(1, &[KeyValue::new("number", number)]));
    within(telemetry.shutdown(LONG)).await.unwrap();
    let mut keys = BTreeSet::new();
    let mut overflowed = 0;
    for data in each(&collector) {
        let Data::Sum(sum) = data else { panic!("{data:?}") };
        // no message is too long for a receiver
        assert!(sum.data_points.len() <= 2000);
        for point in sum.data_points {
            let [attribute] = point.attributes.as_slice() else { panic!("{point:?}") };
            let Some(Value::AsInt(value)) = point.value else { panic!("{point:?}") };
            overflowed += if attribute.key == "otel.metric.overflow" { value } else { 0 };
            assert!(keys.insert(format!("{attribute:?}")), "told twice: {attribute:?}");
        }
    }
    (keys.len(), overflowed)
}

#[tokio::test]
async fn what_this_crate_bounds_by_itself_is_told_in_full() {
    assert_eq!(points_of("tower-observability", quiet()).await, (3000, 0));
    assert_eq!(points_of("shop", quiet()).await, (2001, 1000));
    for scope in ["tower-observability", "shop"] {
        assert_eq!(points_of(scope, quiet().metric_cardinality(10)).await, (11, 2990));
    }
}

#[tokio::test]
async fn metrics_can_be_left_out() {
    for builder in [
        quiet().otlp_metrics(false),
        quiet().from_env_with(environment(&[("OTEL_METRICS_EXPORTER", "none")])),
        quiet().from_env_with(environment(&[("OTEL_METRICS_EXPORTER", "prometheus")])),
    ] {
        let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
        let telemetry = builder.otlp_endpoint(collector.url()).build().unwrap();
        measure(&telemetry);
        crate::kit::end_spans(&telemetry, 1);
        let delivery = within(telemetry.shutdown(LONG)).await.unwrap();
        assert_eq!((collector.spans(), collector.metrics().len()), (1, 0));
        assert_eq!(delivery.metrics(), []);
    }
}

#[tokio::test]
async fn metrics_can_be_sent_alone_to_a_place_of_their_own() {
    for (protocol, name, path) in
        [(Protocol::Grpc, "grpc", ""), (Protocol::HttpProtobuf, "http/protobuf", "/v1/metrics")]
    {
        let collector = Collector::start(protocol, &[Answer::Take]);
        let url = format!("{}{path}", collector.url());
        let variables = [
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", url.as_str()),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", name),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-api-key=s%203"),
        ];
        let telemetry = described().from_env_with(environment(&variables)).build().unwrap();
        assert_eq!(telemetry.warnings(), []);
        measure(&telemetry);
        crate::kit::end_spans(&telemetry, 1);
        within(telemetry.shutdown(LONG)).await.unwrap();
        assert_eq!((collector.spans(), collector.metrics().len()), (0, 1));
        assert_eq!(collector.metrics()[0].headers["x-api-key"], "s 3");
        assert_eq!(normal(collector.metrics()[0].request.clone()), expected());
    }
}
