//! The traces that a bucket's values can be found by.
#![cfg(feature = "telemetry")]

use opentelemetry_sdk::trace::Sampler;
use tower::{Layer, ServiceBuilder, service_fn};

use super::*;
use crate::exchange::ObserveLayer;
use crate::id::TraceIdentity;
use crate::metrics::instrument::exemplar::Exemplar;
use crate::metrics::instrument::histogram::Histogram;
use crate::testing::{Script, ScriptBody, ScriptError, SpanRecord, SpanRecorder};
use crate::trace::TraceLayer;
use crate::trace::propagation::W3cPropagator;

/// By the name of the histogram and the bucket.
type Kept = Vec<(&'static str, usize, Exemplar)>;

fn kept(layer: &MetricsLayer) -> Kept {
    let mut kept = Vec::new();
    let mut of = |what, histogram: &Histogram| {
        let exemplars = histogram.snapshot().exemplars.into_iter().enumerate();
        kept.extend(exemplars.filter_map(|(bucket, exemplar)| Some((what, bucket, exemplar?))));
    };
    layer.observer().instruments.store.each(|_, series| {
        of("duration", &series.duration);
        of("time to first byte", &series.time_to_first_byte);
        of("request body", &series.request_body_size);
        of("response body", &series.response_body_size);
    });
    kept
}

/// An exchange that was found by this span, at this time after the start of the clock.
fn exemplar(span: &SpanRecord, value: u64, after: Duration) -> Exemplar {
    let trace = u128::from_be_bytes(span.trace_id.to_bytes());
    let own = u64::from_be_bytes(span.span_id.to_bytes());
    Exemplar {
        trace: TraceIdentity::new(trace, own, true).unwrap(),
        value,
        at: std::time::UNIX_EPOCH + ManualClock::START + after,
    }
}

fn traced(spans: &SpanRecorder, side: Side, time: &ManualClock) -> TraceLayer {
    let layer = match side {
        Server => TraceLayer::server(),
        Client => TraceLayer::client(),
    };
    let layer = layer.tracer_provider(spans.provider()).propagator(W3cPropagator::new());
    layer.clock(time.clock())
}

const ORDERS: [&str; 3] = ["fused", "trace outside", "trace inside"];

/// One exchange of 7 ms, 3 ms to its headers, with 5 bytes to each side.
fn exchange(order: &str, side: Side, spans: &SpanRecorder) -> Kept {
    let bench = Bench::new();
    let (time, metrics) = (&bench.time, bench.register(builder(side)));
    let trace = traced(spans, side, time);
    let body = ScriptBody::new().data("hello").pass(time, 4 * MS);
    let script = Script::body(body).after(time, 3 * MS);
    let request = Request::get("http://shop.example/").header("content-length", "5");
    let request = request
        .header("traceparent", "00-000000000000000000000000000000aa-00000000000000bb-01")
        .body(())
        .unwrap();
    assert_eq!(kept(&metrics), []);
    let layers = ServiceBuilder::new();
    match order {
        "fused" => {
            let both = (trace.into_observer(), metrics.clone().into_observer());
            let layer = ObserveLayer::new(side, both).clock(time.clock());
            ask(layer.layer(script), request);
        }
        "trace outside" => ask(layers.layer(trace).layer(metrics.clone()).service(script), request),
        _ => ask(layers.layer(metrics.clone()).layer(trace).service(script), request),
    }
    assert_eq!(
        total(&bench.gathered(), &format!("http_{}_request_duration_seconds", name(side))),
        1
    );
    kept(&metrics)
}

#[test]
fn a_sampled_exchange_is_found_by_its_own_span_in_each_histogram() {
    for side in BOTH {
        for order in ORDERS {
            let spans = SpanRecorder::new();
            let kept = exchange(order, side, &spans);
            let span = spans.only();
            let of = |value| exemplar(&span, value, 7 * MS);
            let expected = [
                ("duration", 1, of(7_000_000)),
                ("time to first byte", 0, of(3_000_000)),
                ("request body", 0, of(5)),
                ("response body", 0, of(5)),
            ];
            assert_eq!(kept, expected, "{order}");
        }
    }
}

#[test]
fn a_servers_exemplar_has_the_trace_of_its_caller_and_a_span_of_its_own() {
    let spans = SpanRecorder::new();
    let (_, _, exemplar) = exchange("fused", Server, &spans)[0];
    assert_eq!(exemplar.trace.trace_id(), 0xaa);
    assert_eq!(exemplar.trace.span_id(), 1);
}

#[test]
fn what_is_not_sampled_is_no_exemplar() {
    for order in ORDERS {
        let spans = SpanRecorder::sampled_by(Sampler::AlwaysOff);
        assert_eq!(exchange(order, Server, &spans), []);
    }
    let bench = Bench::new();
    let layer = bench.register(builder(Server));
    ask(layer.layer(Script::status(http::StatusCode::OK)), Request::get("/").body(()).unwrap());
    assert_eq!(kept(&layer), [], "there was no trace at all");
}

#[test]
fn each_bucket_keeps_one_for_a_second() {
    let (bench, spans) = (Bench::new(), SpanRecorder::new());
    let metrics = bench.register(builder(Server));
    let trace = traced(&spans, Server, &bench.time);
    let ask = |lasting: Duration| {
        let script = Script::status(http::StatusCode::OK).after(&bench.time, lasting);
        let layers = ServiceBuilder::new().layer(trace.clone()).layer(metrics.clone());
        ask(layers.service(script), Request::get("/").body(()).unwrap());
    };
    let durations = || {
        let kept = kept(&metrics).into_iter().filter(|(what, ..)| *what == "duration");
        kept.map(|(_, bucket, exemplar)| (bucket, exemplar)).collect::<Vec<_>>()
    };
    ask(MS);
    ask(2 * MS);
    ask(8 * MS);
    let spans = || spans.spans();
    let first = exemplar(&spans()[0], 1_000_000, MS);
    let third = exemplar(&spans()[2], 8_000_000, 11 * MS);
    assert_eq!(durations(), [(0, first), (1, third)]);
    bench.time.advance(1000 * MS);
    ask(3 * MS);
    let fourth = exemplar(&spans()[3], 3_000_000, 1014 * MS);
    assert_eq!(durations(), [(0, fourth), (1, third)]);
}

#[test]
fn a_call_made_by_a_handler_is_found_by_the_span_of_the_call() {
    let (bench, spans) = (Bench::new(), SpanRecorder::new());
    let (server, client) = (bench.register(builder(Server)), bench.register(builder(Client)));
    let calls = ServiceBuilder::new()
        .layer(traced(&spans, Client, &bench.time))
        .layer(client.clone())
        .service(Script::status(http::StatusCode::OK));
    let handler = service_fn(move |_: Request<()>| {
        ask(calls.clone(), Request::get("http://shop.example/").body(()).unwrap());
        async { Ok::<_, ScriptError>(Response::new(ScriptBody::new().claims_end())) }
    });
    let trace = traced(&spans, Server, &bench.time);
    let service = ServiceBuilder::new().layer(server.clone()).layer(trace).service(handler);
    ask(service, Request::get("/").body(()).unwrap());
    let [call, handled] = <[SpanRecord; 2]>::try_from(spans.spans()).unwrap();
    assert_eq!(call.parent, Some(handled.span_id));
    assert_eq!(kept(&client)[0].2, exemplar(&call, 0, Duration::ZERO));
    assert_eq!(kept(&server)[0].2, exemplar(&handled, 0, Duration::ZERO));
}
