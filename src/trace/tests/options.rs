//! What each setting changes of a span, and what it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Array, Context, KeyValue};
use tower::service_fn;

use super::*;
use crate::caller::{ForwardedBy, PeerAddress, TrustedProxies};
use crate::config::ConfigError;
use crate::exchange::annotate;
use crate::redact::Redaction;
use crate::trace::{TraceResponse, event};

fn ok() -> Script {
    Script::status(StatusCode::OK)
}

/// The headers of the answer to a request.
async fn ask(layer: &TraceLayer, script: Script, request: request::Builder) -> http::HeaderMap {
    let answer = layer.layer(script).oneshot(request.body(()).unwrap()).await.unwrap();
    answer.headers().clone()
}

/// What is recorded of a request that is answered 200 at once.
async fn record(
    configure: impl FnOnce(TraceLayer) -> TraceLayer,
    request: request::Builder,
) -> SpanRecord {
    let bench = Bench::new();
    let layer = configure(bench.server());
    assert_eq!(bench.spans.spans(), []);
    ask(&layer, ok(), request).await;
    bench.spans.only()
}

fn texts(values: &[&str]) -> Value {
    Value::Array(Array::String(values.iter().map(|text| text.to_string().into()).collect()))
}

/// Of a span that is a child of the caller's.
fn called(record: SpanRecord) -> SpanRecord {
    SpanRecord {
        trace_id: TraceId::from(0xaa_u128),
        parent: Some(SpanId::from(0xbb_u64)),
        parent_is_remote: true,
        ..record
    }
}

#[tokio::test]
async fn of_requests_that_the_filter_leaves_out_there_is_no_span() {
    let bench = Bench::new();
    let layer = bench.server().filter(|head| head.uri.path() != "/livez");
    ask(&layer, ok(), get("/livez").header("traceparent", CALLER)).await;
    assert_eq!(bench.spans.spans(), []);
    ask(&layer, ok(), get("/").header("traceparent", CALLER)).await;
    assert_eq!(bench.spans.only(), called(served(&[])));
}

#[tokio::test]
async fn a_filter_that_panics_picks_the_request() {
    let span = record(|layer| layer.filter(|_| panic!("boom")), get("/")).await;
    assert_eq!(span, served(&[]));
}

/// What the handler finds current: the span's trace, and the caller's tenant.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    trace: TraceId,
    span: SpanId,
    tenant: Option<String>,
}

fn current() -> Seen {
    use opentelemetry::baggage::BaggageExt;

    let now = Context::current();
    let span = now.span().span_context().clone();
    let tenant = now.baggage().get("tenant").map(|value| value.as_str().to_owned());
    Seen { trace: span.trace_id(), span: span.span_id(), tenant }
}

/// What a handler sees behind this layer.
async fn seen_behind(layer: &TraceLayer, request: Request<()>) -> Seen {
    let (tell, told) = std::sync::mpsc::channel();
    let service = layer.layer(service_fn(move |_: Request<()>| {
        tell.send(current()).unwrap();
        let answer = Response::new(ScriptBody::new().claims_end());
        std::future::ready(Ok::<_, std::convert::Infallible>(answer))
    }));
    service.oneshot(request).await.unwrap();
    told.recv().unwrap()
}

/// With a tenant in the baggage around.
async fn seen_with_baggage(layer: &TraceLayer, request: Request<()>) -> Seen {
    use opentelemetry::baggage::BaggageExt;
    use opentelemetry::context::FutureExt;

    let around = Context::new().with_baggage([KeyValue::new("tenant", "acme")]);
    seen_behind(layer, request).with_context(around).await
}

fn from_caller(path: &str) -> Request<()> {
    get(path).header("traceparent", CALLER).body(()).unwrap()
}

#[tokio::test]
async fn behind_a_filter_the_callers_trace_and_baggage_go_on() {
    let bench = Bench::new();
    let layer = bench.server().filter(|_| false);
    let seen = seen_with_baggage(&layer, from_caller("/")).await;
    let (trace, span) = (TraceId::from(0xaa_u128), SpanId::from(0xbb_u64));
    assert_eq!(seen, Seen { trace, span, tenant: Some("acme".into()) });
    assert_eq!(bench.spans.spans(), []);
}

#[tokio::test]
async fn a_public_endpoint_starts_a_trace_that_is_linked_to_the_callers_and_drops_baggage() {
    let bench = Bench::new();
    let layer = bench.server().public_endpoint_when(|head| head.uri.path() == "/public");
    let seen = seen_with_baggage(&layer, from_caller("/public")).await;
    let own = (TraceId::from(1_u128), SpanId::from(1_u64));
    assert_eq!(seen, Seen { trace: own.0, span: own.1, tenant: None });
    let public = SpanRecord {
        links: vec![(TraceId::from(0xaa_u128), SpanId::from(0xbb_u64))],
        ..served(&[("url.path", "/public".into())])
    };
    assert_eq!(bench.spans.only(), public);
    let seen = seen_with_baggage(&layer, from_caller("/")).await;
    let trace = TraceId::from(0xaa_u128);
    let span = SpanId::from(2_u64);
    assert_eq!(seen, Seen { trace, span, tenant: Some("acme".into()) });
    let inner = SpanRecord { span_id: span, ..called(served(&[])) };
    assert_eq!(bench.spans.spans(), [public, inner]);
}

#[tokio::test]
async fn a_public_endpoint_without_a_caller_has_no_link() {
    assert_eq!(record(|layer| layer.public_endpoint(), get("/")).await, served(&[]));
}

#[tokio::test]
async fn a_rule_that_panics_makes_the_endpoint_public() {
    let span = record(
        |layer| layer.public_endpoint_when(|_| panic!("boom")),
        get("/").header("traceparent", CALLER),
    );
    let links = vec![(TraceId::from(0xaa_u128), SpanId::from(0xbb_u64))];
    assert_eq!(span.await, SpanRecord { links, ..served(&[]) });
}

#[tokio::test]
async fn what_a_filter_leaves_out_of_a_public_endpoint_hands_nothing_on() {
    let bench = Bench::new();
    let layer = bench.server().public_endpoint().filter(|_| false);
    let seen = seen_with_baggage(&layer, from_caller("/")).await;
    let (trace, span) = (TraceId::INVALID, SpanId::INVALID);
    assert_eq!(seen, Seen { trace, span, tenant: None });
    assert_eq!(bench.spans.spans(), []);
}

#[tokio::test]
async fn of_what_a_filter_leaves_out_the_other_signals_are_told_the_baggage() {
    for (public, expected) in [(false, Some("acme".into())), (true, None)] {
        let bench = Bench::new();
        let layer = bench.server().filter(|_| false).baggage_entry("tenant").unwrap();
        let layer = if public { layer.public_endpoint() } else { layer };
        let (tell, told) = std::sync::mpsc::channel();
        let service = layer.layer(service_fn(move |_: Request<()>| {
            let facts = crate::exchange::Facts::current().unwrap();
            tell.send(facts.with_attributes(|all| all.get("tenant").cloned())).unwrap();
            let answer = Response::new(ScriptBody::new().claims_end());
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        }));
        let request = get("/").header("traceparent", CALLER).header("baggage", "tenant=acme");
        service.oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!((told.recv().unwrap(), bench.spans.spans()), (expected, vec![]));
    }
}

#[tokio::test]
async fn a_span_can_be_named() {
    let named = |layer: TraceLayer| {
        layer.span_name(|head| match head.uri.path() {
            "/" => Some("front page".into()),
            "/boom" => panic!("boom"),
            _ => None,
        })
    };
    let expected = SpanRecord { name: "front page".into(), ..served(&[]) };
    assert_eq!(record(named, get("/")).await, expected);
    for path in ["/boom", "/other"] {
        assert_eq!(record(named, get(path)).await, served(&[("url.path", path.into())]));
    }
}

#[tokio::test]
async fn a_chosen_name_stands_though_the_route_is_known_at_the_end() {
    let bench = Bench::new();
    let service = bench.server().span_name(|_| Some("mine".into())).layer(service_fn(async |_| {
        crate::exchange::Facts::current().unwrap().set_route("/users/{id}");
        Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
    }));
    service.oneshot(get("/users/7").body(()).unwrap()).await.unwrap();
    let route = ("http.route", Value::from("/users/{id}"));
    let expected = served(&[route, ("url.path", "/users/7".into())]);
    assert_eq!(bench.spans.only(), SpanRecord { name: "mine".into(), ..expected });
}

/// Every key that the layer sets itself, and one that is free.
fn greedy() -> Vec<KeyValue> {
    let own = crate::trace::semconv::key::ALL.iter().map(|key| KeyValue::new(*key, "stolen"));
    let headers = ["http.request.header.x-tag", "http.response.header.x-tag"];
    let headers = headers.map(|key| KeyValue::new(key, "stolen"));
    own.chain(headers).chain([KeyValue::new("app.free", true)]).collect()
}

#[tokio::test]
async fn attributes_are_added_but_those_of_the_layer_cannot_be_replaced() {
    let expected = served(&[("app.free", true.into())]);
    assert_eq!(record(|layer| layer.start_attributes(|_| greedy()), get("/")).await, expected);
    assert_eq!(record(|layer| layer.end_attributes(|_| greedy()), get("/")).await, expected);
}

#[tokio::test]
async fn a_handler_cannot_replace_them_either() {
    let bench = Bench::new();
    let service = bench.server().layer(service_fn(async |_| {
        for one in greedy() {
            assert!(annotate(one.key.as_str().to_owned(), "mine"));
        }
        Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
    }));
    service.oneshot(get("/").body(()).unwrap()).await.unwrap();
    assert_eq!(bench.spans.only(), served(&[("app.free", "mine".into())]));
}

#[tokio::test]
async fn a_hook_that_panics_costs_nothing_else() {
    let hooks: [fn(TraceLayer) -> TraceLayer; 2] = [
        |layer| layer.start_attributes(|_| panic!("boom")),
        |layer| layer.end_attributes(|_| panic!("boom")),
    ];
    for hook in hooks {
        let bench = Bench::new();
        let layer = hook(bench.server()).trace_response(TraceResponse::TraceResponse);
        let headers = ask(&layer, ok(), get("/").header("traceparent", CALLER)).await;
        let told = "00-000000000000000000000000000000aa-0000000000000001-01";
        assert_eq!(headers["traceresponse"], told);
        assert_eq!(bench.spans.only(), called(served(&[])));
    }
}

#[tokio::test]
async fn attributes_of_the_end_are_asked_for_once_and_only_of_spans_that_record() {
    for (flag, asked) in [("00", 0), ("01", 1)] {
        let bench = Bench::new();
        let count = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&count);
        let layer = bench.server().end_attributes(move |end| {
            counts.fetch_add(1, Relaxed);
            vec![KeyValue::new("app.bytes", end.response_bytes as i64)]
        });
        let caller = CALLER.replace("-01", &["-", flag].concat());
        assert_eq!(count.load(Relaxed), 0);
        ask(&layer, ok(), get("/").header("traceparent", caller)).await;
        assert_eq!(count.load(Relaxed), asked);
        let expected = called(served(&[("app.bytes", 0.into())]));
        assert_eq!(bench.spans.spans(), vec![expected; asked]);
    }
}

#[tokio::test]
async fn the_response_tells_the_trace_in_either_header_or_in_none() {
    const TOLD: &str = "00-000000000000000000000000000000aa-0000000000000001-01";
    let headers = async |how: Option<TraceResponse>, caller: &str| {
        let bench = Bench::new();
        let layer = match how {
            Some(how) => bench.server().trace_response(how),
            None => bench.server(),
        };
        let script = ok().with_header("server-timing", "db;dur=53");
        let request = get("/").header("traceparent", caller);
        let headers = ask(&layer, script, request).await;
        let shown = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        headers.iter().map(shown).collect::<Vec<_>>()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let timing = pair("server-timing", "db;dur=53");
    assert_eq!(headers(None, CALLER).await, std::slice::from_ref(&timing));
    let told = pair("traceresponse", TOLD);
    let with_it = [timing.clone(), told];
    assert_eq!(headers(Some(TraceResponse::TraceResponse), CALLER).await, with_it);
    let told = pair("server-timing", &format!("traceparent;desc=\"{TOLD}\""));
    let with_it = [timing.clone(), told];
    assert_eq!(headers(Some(TraceResponse::ServerTiming), CALLER).await, with_it);
    // not sampled: told all the same, so that a log can be found by it
    let told = pair("traceresponse", &TOLD.replace("-01", "-00"));
    let unsampled = CALLER.replace("-01", "-00");
    let with_it = [timing, told];
    assert_eq!(headers(Some(TraceResponse::TraceResponse), &unsampled).await, with_it);
}

#[tokio::test]
async fn a_traceresponse_that_the_handler_wrote_is_replaced() {
    let bench = Bench::new();
    let layer = bench.server().trace_response(TraceResponse::TraceResponse);
    let headers = ask(&layer, ok().with_header("traceresponse", "old"), get("/")).await;
    let told: Vec<_> = headers.get_all("traceresponse").iter().collect();
    assert_eq!(told, ["00-00000000000000000000000000000001-0000000000000001-01"]);
}

/// A request that the host at this address made, or handed on.
fn from_peer(peer: &str) -> request::Builder {
    get("/").extension(PeerAddress(peer.parse().unwrap()))
}

fn peered(peer: &str, port: i64, client: &str, scheme: &'static str) -> SpanRecord {
    served(&[
        ("client.address", client.to_owned().into()),
        ("network.peer.address", peer.to_owned().into()),
        ("network.peer.port", port.into()),
        ("url.scheme", scheme.into()),
    ])
}

#[tokio::test]
async fn forwarded_headers_count_only_behind_configured_proxies() {
    let claims = |request: request::Builder| {
        request
            .header("x-forwarded-for", "192.0.2.66, 198.51.100.7")
            .header("x-forwarded-proto", "https")
            .header("forwarded", "for=\"[2001:db8::9]:4711\";proto=HTTPS")
    };
    let proxied =
        |layer: TraceLayer| layer.trusted_proxies(TrustedProxies::new(["10.0.0.0/8"]).unwrap());
    let standard = |layer: TraceLayer| {
        let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
        layer.trusted_proxies(proxies.read(ForwardedBy::Forwarded))
    };
    let proxy = || claims(from_peer("10.0.0.1:4000"));
    let stranger = || claims(from_peer("203.0.113.9:5000"));
    let as_peer = peered("10.0.0.1", 4000, "10.0.0.1", "http");
    assert_eq!(record(|layer| layer, proxy()).await, as_peer);
    let behind = peered("10.0.0.1", 4000, "198.51.100.7", "https");
    assert_eq!(record(proxied, proxy()).await, behind);
    let behind = peered("10.0.0.1", 4000, "2001:db8::9", "https");
    assert_eq!(record(standard, proxy()).await, behind);
    let alone = peered("203.0.113.9", 5000, "203.0.113.9", "http");
    assert_eq!(record(proxied, stranger()).await, alone);
    assert_eq!(record(standard, stranger()).await, alone);
    // nobody vouches for a peer that is not known
    assert_eq!(record(proxied, claims(get("/"))).await, served(&[]));
}

#[tokio::test]
async fn listed_headers_are_recorded_as_arrays_and_redacted() {
    let bench = Bench::new();
    let layer = || -> Result<TraceLayer, ConfigError> {
        let layer = bench.server().request_header("X-Tag")?.request_header("authorization")?;
        layer.request_header("x-absent")?.response_header("x-sum")?.response_header("set-cookie")
    };
    let script = ok()
        .with_header("x-sum", "1")
        .with_header("x-other", "2")
        .with_header("set-cookie", "session=hunter2");
    let request = get("/")
        .header("x-tag", "one")
        .header("x-other", "three")
        .header("x-tag", "two")
        .header("authorization", "Bearer hunter2");
    ask(&layer().unwrap(), script, request).await;
    let expected = served(&[
        ("http.request.header.authorization", texts(&["REDACTED"])),
        ("http.request.header.x-tag", texts(&["one", "two"])),
        ("http.response.header.set-cookie", texts(&["REDACTED"])),
        ("http.response.header.x-sum", texts(&["1"])),
    ]);
    assert_eq!(bench.spans.only(), expected);
}

#[tokio::test]
async fn a_server_is_told_as_it_was_asked_for_else_as_it_was_configured() {
    let named = |layer: TraceLayer| layer.server_address("shop.example.com", 8443).unwrap();
    let at = |host: &'static str, port: Option<i64>| {
        let mut all = vec![("server.address", Value::from(host))];
        all.extend(port.map(|port| ("server.port", port.into())));
        served(&all)
    };
    assert_eq!(record(named, get("/")).await, at("shop.example.com", Some(8443)));
    let asked = |host| get("/").header("host", host);
    for (host, expected) in [
        ("other.example.com:81", at("other.example.com", Some(81))),
        ("other.example.com", at("other.example.com", None)),
        ("[2001:db8::1]:81", at("2001:db8::1", Some(81))),
    ] {
        assert_eq!(record(named, asked(host)).await, expected);
    }
    assert_eq!(record(named, asked("")).await, at("shop.example.com", Some(8443)));
}

#[tokio::test]
async fn what_the_policy_calls_a_secret_is_hidden() {
    let uri = "/p?badge=7&token=hunter2";
    let query =
        |shown: &'static str| served(&[("url.path", "/p".into()), ("url.query", shown.into())]);
    assert_eq!(record(|layer| layer, get(uri)).await, query("badge=7&token=REDACTED"));
    let policy = Redaction::default().key("badge").unwrap();
    let hidden = record(|layer| layer.redaction(policy), get(uri)).await;
    assert_eq!(hidden, query("badge=REDACTED&token=REDACTED"));
}

#[tokio::test]
async fn events_are_added_to_the_current_span_only_where_it_records() {
    assert!(!event("nowhere", []));
    for (flag, recording) in [("00", false), ("01", true)] {
        let bench = Bench::new();
        let time = bench.time.clone();
        let service = bench.server().layer(service_fn(move |_: Request<()>| {
            time.advance(Duration::from_millis(3));
            let added = event("card.declined", [KeyValue::new("attempt", 2)]);
            let answer = Response::new(ScriptBody::new().claims_end());
            assert_eq!(added, recording);
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        }));
        let caller = CALLER.replace("-01", &["-", flag].concat());
        service.oneshot(get("/").header("traceparent", caller).body(()).unwrap()).await.unwrap();
        let names = |span: &SpanRecord| {
            let of = |event: &SpanEvent| (event.name.clone(), event.attributes.clone());
            span.events.iter().map(of).collect::<Vec<_>>()
        };
        let expected = [("card.declined".to_owned(), [("attempt".to_owned(), 2.into())].into())];
        let told: Vec<_> = bench.spans.spans().iter().map(names).collect();
        assert_eq!(told, vec![expected.to_vec(); usize::from(recording)]);
    }
}

#[tokio::test]
async fn an_event_finds_the_span_of_the_exchange_in_a_task_of_its_own() {
    use crate::exchange::InExchangeExt;

    let bench = Bench::new();
    let service = bench.server().layer(service_fn(async |_: Request<()>| {
        let task = async { (event("sent", []), Context::current().has_active_span()) };
        assert_eq!(tokio::spawn(task.in_exchange()).await.unwrap(), (true, true));
        Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
    }));
    service.oneshot(get("/").body(()).unwrap()).await.unwrap();
    let names: Vec<_> = bench.spans.only().events.into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["sent"]);
}
