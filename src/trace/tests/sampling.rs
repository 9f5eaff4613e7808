//! What a sampler is given, and what goes on where it says no.

use std::sync::{Arc, Mutex};

use opentelemetry::trace::{Link, TraceState};
use opentelemetry::{Array, Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use tower::service_fn;

use super::*;
use crate::caller::{PeerAddress, TrustedProxies};
use crate::exchange::Facts;
use crate::id::TraceIdentity;
use crate::route::Route;
use crate::trace::ResendCountLayer;

/// What a sampler was given of one span.
#[derive(Clone, Debug, PartialEq)]
struct Given {
    trace_id: TraceId,
    name: String,
    kind: SpanKind,
    /// Sorted by key.
    attributes: Vec<(String, Value)>,
    links: usize,
}

/// Keeps what it is given, and decides the same each time.
#[derive(Clone, Debug)]
struct Asked(Arc<Mutex<Vec<Given>>>, SamplingDecision);

impl Asked {
    fn deciding(decision: SamplingDecision) -> Self {
        Self(Arc::default(), decision)
    }

    fn given(&self) -> Vec<Given> {
        self.0.lock().unwrap().clone()
    }
}

impl ShouldSample for Asked {
    fn should_sample(
        &self,
        _: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let plain = |one: &KeyValue| (one.key.as_str().to_owned(), one.value.clone());
        let mut attributes: Vec<_> = attributes.iter().map(plain).collect();
        attributes.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (name, kind) = (name.to_owned(), kind.clone());
        let given = Given { trace_id, name, kind, attributes, links: links.len() };
        self.0.lock().unwrap().push(given);
        SamplingResult {
            decision: self.1.clone(),
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

fn bench(sampler: &Asked) -> Bench {
    Bench { spans: SpanRecorder::sampled_by(sampler.clone()), time: ManualClock::new() }
}

fn list(attributes: &[(&str, Value)]) -> Vec<(String, Value)> {
    attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn ok() -> Script {
    Script::status(StatusCode::OK)
}

#[tokio::test]
async fn a_sampler_sees_all_that_is_known_when_a_servers_span_starts() {
    let sampler = Asked::deciding(SamplingDecision::Drop);
    let bench = bench(&sampler);
    let layer = bench
        .server()
        .trusted_proxies(TrustedProxies::new(["10.0.0.0/8"]).unwrap())
        .request_header("x-tag")
        .unwrap()
        .start_attributes(|_| vec![KeyValue::new("app.preview", true)])
        .public_endpoint();
    let request = Request::post("https://shop.example.com:8443/orders?item=7")
        .extension(PeerAddress("10.0.0.1:4000".parse().unwrap()))
        .header("x-forwarded-for", "198.51.100.7")
        .header("user-agent", "curl/8")
        .header("x-tag", "one")
        .header("traceparent", CALLER);
    assert_eq!(sampler.given(), []);
    layer.layer(ok()).oneshot(request.body(()).unwrap()).await.unwrap();
    let expected = Given {
        trace_id: TraceId::from(1_u128),
        name: "POST".into(),
        kind: SpanKind::Server,
        attributes: list(&[
            ("app.preview", true.into()),
            ("client.address", "198.51.100.7".into()),
            ("http.request.header.x-tag", Value::Array(Array::String(vec!["one".into()]))),
            ("http.request.method", "POST".into()),
            ("network.peer.address", "10.0.0.1".into()),
            ("network.peer.port", 4000.into()),
            ("network.protocol.version", "1.1".into()),
            ("server.address", "shop.example.com".into()),
            ("server.port", 8443.into()),
            ("url.path", "/orders".into()),
            ("url.query", "item=7".into()),
            ("url.scheme", "https".into()),
            ("user_agent.original", "curl/8".into()),
        ]),
        links: 1,
    };
    assert_eq!((sampler.given(), bench.spans.spans()), (vec![expected], vec![]));
}

#[tokio::test]
async fn a_sampler_sees_all_that_is_known_when_a_clients_span_starts() {
    let sampler = Asked::deciding(SamplingDecision::RecordAndSample);
    let bench = bench(&sampler);
    let layer = bench.client().request_header("x-tag").unwrap();
    let client = ResendCountLayer::new().layer(layer.layer(ok()));
    let request = Request::delete("http://shop.example.com/items/7?sig=hunter2")
        .extension(Route::from("/items/{id}"))
        .header("x-tag", "one");
    assert_eq!(sampler.given(), []);
    client.oneshot(request.body(()).unwrap()).await.unwrap();
    let attributes = list(&[
        ("http.request.header.x-tag", Value::Array(Array::String(vec!["one".into()]))),
        ("http.request.method", "DELETE".into()),
        ("server.address", "shop.example.com".into()),
        ("server.port", 80.into()),
        ("url.full", "http://shop.example.com/items/7?sig=REDACTED".into()),
    ]);
    let name = "DELETE /items/{id}".into();
    let trace_id = TraceId::from(1_u128);
    let expected = Given { trace_id, name, kind: SpanKind::Client, attributes, links: 0 };
    assert_eq!(sampler.given(), [expected]);
    // what only the end tells stands beside it
    assert_eq!(bench.spans.only().attribute("url.template"), Some(&"/items/{id}".into()));
}

#[tokio::test]
async fn a_sampler_sees_what_a_grpc_call_is() {
    let sampler = Asked::deciding(SamplingDecision::Drop);
    let bench = bench(&sampler);
    let request = || {
        Request::post("http://10.0.0.5:50051/pkg.Svc/Method")
            .header("content-type", "application/grpc")
            .body(())
            .unwrap()
    };
    bench.client().layer(ok()).oneshot(request()).await.unwrap();
    let [client] = &sampler.given()[..] else { panic!("not one span") };
    let expected = Given {
        trace_id: TraceId::from(1_u128),
        name: "pkg.Svc/Method".into(),
        kind: SpanKind::Client,
        attributes: list(&[
            ("rpc.method", "pkg.Svc/Method".into()),
            ("rpc.system.name", "grpc".into()),
            ("server.address", "10.0.0.5".into()),
            ("server.port", 50051.into()),
        ]),
        links: 0,
    };
    assert_eq!(*client, expected);
}

/// The trace that a handler's exchange is under, and the `traceparent` that its client sends.
async fn told(bench: &Bench, caller: &str) -> (Option<TraceIdentity>, String) {
    let client = bench.client().layer(service_fn(async |request: Request<()>| {
        let told = request.headers()["traceparent"].to_str().unwrap().to_owned();
        Ok::<_, std::convert::Infallible>(Response::new(told))
    }));
    let (tell, seen) = std::sync::mpsc::channel();
    let server = bench.server().layer(service_fn(move |_: Request<()>| {
        let trace = Facts::current().unwrap().trace().copied();
        let (client, tell) = (client.clone(), tell.clone());
        async move {
            let request = get("http://shop.example.com/").body(()).unwrap();
            let body = client.oneshot(request).await.unwrap().into_body().collect().await;
            let told = String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap();
            tell.send((trace, told)).unwrap();
            Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
        }
    }));
    let request = get("/").header("traceparent", caller).body(()).unwrap();
    server.oneshot(request).await.unwrap();
    seen.recv().unwrap()
}

#[tokio::test]
async fn the_trace_goes_on_whatever_is_decided_and_the_random_flag_stays() {
    let caller = |flags| CALLER.replace("-01", &["-", flags].concat());
    // what the caller's flags are, what is decided, the flags that are sent, how many spans
    for (flags, decision, sent, recorded) in [
        ("00", SamplingDecision::Drop, "00", 0),
        ("01", SamplingDecision::Drop, "00", 0),
        ("02", SamplingDecision::Drop, "02", 0),
        ("03", SamplingDecision::Drop, "02", 0),
        ("03", SamplingDecision::RecordOnly, "02", 2),
        ("02", SamplingDecision::RecordAndSample, "03", 2),
        ("00", SamplingDecision::RecordAndSample, "01", 2),
    ] {
        let sampled = decision == SamplingDecision::RecordAndSample;
        let bench = bench(&Asked::deciding(decision.clone()));
        let (trace, told) = told(&bench, &caller(flags)).await;
        assert_eq!(trace, TraceIdentity::new(0xaa, 1, sampled), "{flags} {decision:?}");
        let expected = format!("00-000000000000000000000000000000aa-0000000000000002-{sent}");
        assert_eq!(told, expected, "{flags} {decision:?}");
        assert_eq!(bench.spans.spans().len(), recorded, "{flags} {decision:?}");
    }
}

#[tokio::test]
async fn by_default_the_caller_decides() {
    for (flags, recorded) in [("00", 0), ("01", 2)] {
        let bench = Bench::new();
        let (trace, told) = told(&bench, &CALLER.replace("-01", &["-", flags].concat())).await;
        assert_eq!(trace, TraceIdentity::new(0xaa, 1, recorded > 0));
        let expected = format!("00-000000000000000000000000000000aa-0000000000000002-{flags}");
        assert_eq!(told, expected);
        assert_eq!(bench.spans.spans().len(), recorded);
    }
}

#[tokio::test]
async fn after_the_providers_shutdown_the_callers_trace_goes_on() {
    let bench = Bench { spans: SpanRecorder::sampled_by(Sampler::AlwaysOn), ..Bench::new() };
    let (_, before) = told(&bench, CALLER).await;
    assert_eq!(before, "00-000000000000000000000000000000aa-0000000000000002-01");
    bench.spans.provider().shutdown().unwrap();
    let (_, after) = told(&bench, CALLER).await;
    assert_eq!(after, CALLER);
}

#[tokio::test]
async fn a_sampler_that_looks_at_no_attributes_need_not_be_shown_any() {
    let sampler = Asked::deciding(SamplingDecision::RecordAndSample);
    let bench = bench(&sampler);
    let layer = bench
        .server()
        .attributes_after_sampling()
        .start_attributes(|_| vec![KeyValue::new("app.preview", true)]);
    layer.layer(ok()).oneshot(get("/").body(()).unwrap()).await.unwrap();
    let expected = Given {
        trace_id: TraceId::from(1_u128),
        name: "GET".into(),
        kind: SpanKind::Server,
        attributes: Vec::new(),
        links: 0,
    };
    assert_eq!(sampler.given(), [expected]);
    assert_eq!(bench.spans.only(), served(&[("app.preview", true.into())]));
}

#[tokio::test]
async fn what_is_not_sampled_need_not_be_described() {
    let sampler = Asked::deciding(SamplingDecision::Drop);
    let bench = bench(&sampler);
    let described = Arc::new(Mutex::new(0));
    let counts = Arc::clone(&described);
    let layer = bench.client().start_attributes(move |_| {
        *counts.lock().unwrap() += 1;
        Vec::new()
    });
    for (layer, times) in [(layer.clone().attributes_after_sampling(), 0), (layer, 1)] {
        layer.layer(ok()).oneshot(get("http://shop.example/").body(()).unwrap()).await.unwrap();
        assert_eq!((*described.lock().unwrap(), bench.spans.spans()), (times, vec![]));
    }
    assert_eq!(sampler.given().len(), 2);
}
