//! What a receiver gets of a trace, whole.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags,
    TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value::{
    ArrayValue, BoolValue, DoubleValue, IntValue, StringValue,
};
use opentelemetry_proto::tonic::common::v1::{self as common, AnyValue};
use opentelemetry_proto::tonic::trace::v1::span::{self, SpanKind as Kind};
use opentelemetry_proto::tonic::trace::v1::{
    self as proto, ResourceSpans, ScopeSpans, status::StatusCode,
};
use tower_observability::telemetry::{Protocol, Telemetry};

use crate::collector::{Answer, Collector};
use crate::kit::{
    LONG, attribute, described, quiet, resource, sort, text, within, without_runtime,
};

fn at(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// A trace of two spans; the contexts of both.
fn trace(telemetry: &Telemetry) -> [SpanContext; 2] {
    let scope = InstrumentationScope::builder("tower-observability").with_version("1.2.3").build();
    let tracer = telemetry.tracer_provider().tracer_with_scope(scope);
    let state = TraceState::from_key_value([("vendor", "x")]).unwrap();
    let caller =
        SpanContext::new(TraceId::from(7), SpanId::from(8), TraceFlags::SAMPLED, true, state);
    let linked = SpanContext::new(
        TraceId::from(0xabc),
        SpanId::from(0xdef),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let server = tracer
        .span_builder("GET /users/{id}")
        .with_kind(SpanKind::Server)
        .with_start_time(at(1_000_000_001))
        .with_attributes([
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("server.port", 8080),
            KeyValue::new("ratio", 0.5),
            KeyValue::new("hit", true),
            KeyValue::new(
                "http.request.header.accept",
                Value::Array(Array::String(vec!["a".into(), "b".into()])),
            ),
        ])
        .with_links(vec![Link::new(linked, vec![KeyValue::new("why", 3)], 0)])
        .start_with_context(&tracer, &Context::new().with_remote_span_context(caller));
    let server = Context::new().with_span(server);
    let mut client = tracer
        .span_builder("POST")
        .with_kind(SpanKind::Client)
        .with_start_time(at(1_000_000_002))
        .with_events(vec![Event::new(
            "exception",
            at(1_000_000_003),
            vec![KeyValue::new("exception.type", "Refused")],
            0,
        )])
        .start_with_context(&tracer, &server);
    client.set_status(Status::error("refused"));
    client.end_with_timestamp(at(1_000_000_004));
    server.span().end_with_timestamp(at(1_000_000_005));
    [server.span().span_context().clone(), client.span_context().clone()]
}

/// What a receiver must get of that trace.
fn expected([server, client]: [SpanContext; 2]) -> ExportTraceServiceRequest {
    let id = |id: SpanId| id.to_bytes().to_vec();
    let trace_id = TraceId::from(7).to_bytes().to_vec();
    let string = |text: &str| AnyValue { value: Some(StringValue(text.to_owned())) };
    let both = ArrayValue(common::ArrayValue { values: vec![string("a"), string("b")] });
    let server_span = proto::Span {
        trace_id: trace_id.clone(),
        span_id: id(server.span_id()),
        trace_state: "vendor=x".to_owned(),
        parent_span_id: id(SpanId::from(8)),
        // sampled, and the parent is remote
        flags: 0x301,
        name: "GET /users/{id}".to_owned(),
        kind: Kind::Server.into(),
        start_time_unix_nano: 1_000_000_001,
        end_time_unix_nano: 1_000_000_005,
        attributes: vec![
            text("http.request.method", "GET"),
            attribute("http.response.status_code", IntValue(200)),
            attribute("server.port", IntValue(8080)),
            attribute("ratio", DoubleValue(0.5)),
            attribute("hit", BoolValue(true)),
            attribute("http.request.header.accept", both),
        ],
        links: vec![span::Link {
            trace_id: TraceId::from(0xabc).to_bytes().to_vec(),
            span_id: id(SpanId::from(0xdef)),
            trace_state: String::new(),
            attributes: vec![attribute("why", IntValue(3))],
            dropped_attributes_count: 0,
            flags: 0x301,
        }],
        status: Some(proto::Status { message: String::new(), code: StatusCode::Unset.into() }),
        ..Default::default()
    };
    let client_span = proto::Span {
        trace_id,
        span_id: id(client.span_id()),
        trace_state: "vendor=x".to_owned(),
        parent_span_id: id(server.span_id()),
        // sampled, and the parent is not remote
        flags: 0x101,
        name: "POST".to_owned(),
        kind: Kind::Client.into(),
        start_time_unix_nano: 1_000_000_002,
        end_time_unix_nano: 1_000_000_004,
        events: vec![span::Event {
            time_unix_nano: 1_000_000_003,
            name: "exception".to_owned(),
            attributes: vec![text("exception.type", "Refused")],
            dropped_attributes_count: 0,
        }],
        status: Some(proto::Status {
            message: "refused".to_owned(),
            code: StatusCode::Error.into(),
        }),
        ..Default::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![ScopeSpans {
                scope: Some(common::InstrumentationScope {
                    name: "tower-observability".to_owned(),
                    version: "1.2.3".to_owned(),
                    ..Default::default()
                }),
                spans: vec![client_span, server_span],
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

async fn arrives_whole(protocol: Protocol) {
    let collector = Collector::start(protocol, &[Answer::Take]);
    let telemetry = described()
        .otlp_endpoint(collector.url())
        .otlp_protocol(protocol)
        .otlp_header("x-api-key", "s3cret")
        .build()
        .unwrap();
    let contexts = trace(&telemetry);
    let delivery = within(telemetry.shutdown(LONG)).await.unwrap();
    assert_eq!((delivery.spans()[0].ended(), delivery.lost_spans()), (2, 0));

    let received = collector.traces();
    let [received] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(received.headers["x-api-key"], "s3cret");
    assert!(received.headers["user-agent"].to_str().unwrap().starts_with("tower-observability/"));
    let mut request = received.request.clone();
    request.resource_spans.iter_mut().for_each(|spans| sort(&mut spans.resource));
    assert_eq!(request, expected(contexts));
}

#[tokio::test]
async fn a_trace_arrives_whole_over_grpc() {
    arrives_whole(Protocol::Grpc).await;
}

#[tokio::test]
async fn a_trace_arrives_whole_over_http() {
    arrives_whole(Protocol::HttpProtobuf).await;
}

#[test]
fn it_needs_no_runtime() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let collector = Collector::start(protocol, &[Answer::Take]);
        let telemetry =
            quiet().otlp_endpoint(collector.url()).otlp_protocol(protocol).build().unwrap();
        trace(&telemetry);
        // any executor will do
        let delivery = without_runtime(telemetry.shutdown(LONG)).unwrap();
        assert_eq!((delivery.lost_spans(), collector.spans()), (0, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_dropped_inside_a_runtime() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let collector = Collector::start(protocol, &[Answer::Take]);
        let telemetry =
            quiet().otlp_endpoint(collector.url()).otlp_protocol(protocol).build().unwrap();
        trace(&telemetry);
        drop(telemetry);
        within(collector.requests(1)).await;
        assert_eq!(collector.spans(), 2);
    }
}
