//! What others add to a span, and what a sampler is shown of it.

use std::sync::{Arc, Mutex};

use http::header::USER_AGENT;
use opentelemetry::trace::Link;
use opentelemetry::{Array, Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::attributes::{handled, ok, span};
use super::*;
use crate::caller::PeerAddress;
use crate::exchange::annotate;

#[tokio::test]
async fn what_a_handler_annotates_is_told_but_not_in_the_layers_own_words() {
    let bench = Bench::new();
    let tells = handled(|| {
        for own in ["http.route", "error.type", "request_id", "http.request.header.x-tag"] {
            assert!(annotate(own, "forged"));
        }
        assert!(annotate("http.response.status_code", 999));
        assert!(annotate("user.id", "7"));
        assert!(annotate("cart.items", 3));
        assert!(annotate("cart.items", 4));
        assert!(annotate("cart.sum", 1.5));
        assert!(annotate("cart.full", false));
    });
    let request = get("/").body(()).unwrap();
    let expected = served(&[
        ("user.id", "7".into()),
        ("cart.items", 4.into()),
        ("cart.sum", 1.5.into()),
        ("cart.full", false.into()),
    ]);
    assert_eq!(span(&bench, bench.server(), tells, request).await, expected);
}

#[tokio::test]
async fn attributes_of_the_users_stand_beside_the_layers() {
    let bench = Bench::new();
    let layer = bench
        .server()
        .start_attributes(|_| vec![KeyValue::new("app.a", 1), KeyValue::new("url.path", "forged")])
        .end_attributes(|end| {
            let status = end.status.map_or(0, |status| i64::from(status.as_u16()));
            vec![
                KeyValue::new("app.status", status),
                KeyValue::new("http.route", "forged"),
                KeyValue::new("app.told", "late"),
                KeyValue::new("app.status", 7),
            ]
        });
    let tells = handled(|| assert!(annotate("app.told", "first")));
    let expected =
        served(&[("app.a", 1.into()), ("app.status", 200.into()), ("app.told", "first".into())]);
    assert_eq!(span(&bench, layer, tells, get("/").body(()).unwrap()).await, expected);
}

#[cfg(feature = "request-id")]
#[tokio::test]
async fn the_request_id() {
    use crate::classify::Side;
    use crate::exchange::ObserveLayer;
    use crate::request_id::RequestIdLayer;

    for (side, uri, expected) in
        [(Side::Server, "/", served(&[])), (Side::Client, "http://shop.example/", sent(&[]))]
    {
        let bench = Bench::new();
        let (id, trace) = match side {
            Side::Server => (RequestIdLayer::server(), bench.server()),
            Side::Client => (RequestIdLayer::client(), bench.client()),
        };
        let both = (id.into_observer(), trace.into_observer());
        let layer = ObserveLayer::new(side, both).clock(bench.time.clock());
        let request = get(uri).header("x-request-id", "req-1").body(()).unwrap();
        layer.layer(ok()).oneshot(request).await.unwrap();
        assert_eq!(bench.spans.only(), expected.and("request_id", "req-1"));
    }
}

/// Keeps what it is asked about, and samples it.
#[derive(Clone, Debug, Default)]
struct Asked(Arc<Mutex<Vec<Started>>>);

/// The name and the attributes of a span at its start.
type Started = (String, Vec<(String, Value)>);

impl ShouldSample for Asked {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let pair = |one: &KeyValue| (one.key.to_string(), one.value.clone());
        let mut seen: Vec<_> = attributes.iter().map(pair).collect();
        seen.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.0.lock().unwrap().push((name.to_owned(), seen));
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: Vec::new(),
            trace_state: Default::default(),
        }
    }
}

#[tokio::test]
async fn a_sampler_sees_all_that_is_known_at_the_start() {
    let sampler = Asked::default();
    let bench = Bench { spans: SpanRecorder::sampled_by(sampler.clone()), ..Bench::new() };
    let layer = bench.server().request_header("x-tag").unwrap();
    let request = get("http://shop.example/p?q=1")
        .header("x-tag", "one")
        .header(USER_AGENT, "curl")
        .extension(PeerAddress("192.0.2.1:4711".parse().unwrap()));
    let told = span(&bench, layer, ok(), request.body(()).unwrap()).await;
    let seen = sampler.0.lock().unwrap().clone();
    // all but the status, which comes at the end
    let expected = told.clone().without("http.response.status_code");
    assert_eq!(seen, [("GET".to_owned(), expected.attributes)]);
    let expected = served(&[
        ("client.address", "192.0.2.1".into()),
        ("http.request.header.x-tag", Value::Array(Array::String(vec!["one".into()]))),
        ("network.peer.address", "192.0.2.1".into()),
        ("network.peer.port", 4711.into()),
        ("server.address", "shop.example".into()),
        ("server.port", 80.into()),
        ("url.path", "/p".into()),
        ("url.query", "q=1".into()),
        ("user_agent.original", "curl".into()),
    ]);
    assert_eq!(told, expected);
}
