//! Names and attributes: the words of the conventions, and nothing that a caller chose.

use std::convert::Infallible;

use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Method, Version};
use opentelemetry::trace::Link;
use opentelemetry::{Array, Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use proptest::prelude::*;
use tower::service_fn;

use super::*;
use crate::caller::{PeerAddress, TrustedProxies};
use crate::exchange::{Facts, annotate};
use crate::route::Route;

fn ok() -> Script {
    Script::status(StatusCode::OK)
}

/// The span of this request.
async fn span<S, E>(
    bench: &Bench,
    layer: TraceLayer,
    service: S,
    request: Request<()>,
) -> SpanRecord
where
    S: Service<Request<()>, Response = Response<ScriptBody>, Error = E>,
    E: std::fmt::Debug + 'static,
{
    assert_eq!(bench.spans.spans(), []);
    let response = layer.layer(service).oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    bench.spans.only()
}

async fn received(request: Request<()>) -> SpanRecord {
    let bench = Bench::new();
    span(&bench, bench.server(), ok(), request).await
}

async fn asked(request: Request<()>) -> SpanRecord {
    let bench = Bench::new();
    span(&bench, bench.client(), ok(), request).await
}

/// Answers 200 after `handle` has run.
fn handled(
    handle: impl Fn() + Clone,
) -> impl Service<Request<()>, Response = Response<ScriptBody>, Error = Infallible> {
    service_fn(move |_: Request<()>| {
        let handle = handle.clone();
        async move {
            handle();
            Ok(Response::new(ScriptBody::new()))
        }
    })
}

fn strings(values: &[&'static str]) -> Value {
    Value::Array(Array::String(values.iter().map(|value| (*value).into()).collect()))
}

#[tokio::test]
async fn a_route_that_the_handler_told_late() {
    let bench = Bench::new();
    let tells = handled(|| assert!(Facts::current().unwrap().set_route("/users/{id}")));
    let request = get("/users/7").body(()).unwrap();
    let expected = served(&[("url.path", "/users/7".into()), ("http.route", "/users/{id}".into())]);
    let told = span(&bench, bench.server(), tells, request).await;
    assert_eq!(told, expected.named("GET /users/{id}"));
}

#[tokio::test]
async fn a_clients_template_comes_with_its_request() {
    let request = get("http://shop.example/users/7").extension(Route::from("/users/{id}"));
    let expected = sent(&[
        ("url.full", "http://shop.example/users/7".into()),
        ("url.template", "/users/{id}".into()),
    ]);
    assert_eq!(asked(request.body(()).unwrap()).await, expected.named("GET /users/{id}"));
}

#[tokio::test]
async fn a_route_without_a_word_is_none() {
    let bench = Bench::new();
    let tells = handled(|| assert!(Facts::current().unwrap().set_route("")));
    let told = span(&bench, bench.server(), tells, get("/").body(()).unwrap()).await;
    assert_eq!(told, served(&[]));
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn the_route_that_axum_matched() {
    use axum::body::Body;
    use axum::{Router, routing};

    for (path, status, route) in [
        ("/v1/users/7", 200, Some("/v1/users/{id}")),
        ("/v1/users/8?page=2", 200, Some("/v1/users/{id}")),
        ("/v1/nobody", 404, None),
    ] {
        let bench = Bench::new();
        let users = Router::new().route("/users/{id}", routing::get(async || ()));
        // inside of a nested router the request has the rest of the path only
        let router = Router::new().nest("/v1", users.layer(bench.server())).layer(bench.server());
        let request = get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut expected = served(&[
            ("http.response.status_code", status.into()),
            ("url.path", path.to_owned().into()),
        ]);
        if !query.is_empty() {
            expected = expected.and("url.query", query.to_owned());
        }
        if let Some(route) = route {
            expected = expected.named(&format!("GET {route}")).and("http.route", route);
        }
        assert_eq!(bench.spans.only(), expected);
    }
}

#[tokio::test]
async fn methods_that_are_not_known() {
    let long = "X".repeat(3000);
    let cut = "X".repeat(2045) + "…";
    for (method, told) in [("FOOBAR", "FOOBAR"), ("get", "get"), (&*long, &*cut)] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let other = |record: SpanRecord| {
            record
                .named("HTTP")
                .and("http.request.method", "_OTHER")
                .and("http.request.method_original", told.to_owned())
        };
        let request = || Request::builder().method(method.clone());
        let span = received(request().uri("/").body(()).unwrap()).await;
        assert_eq!(span, other(served(&[])));
        let uri = "http://shop.example/";
        assert_eq!(asked(request().uri(uri).body(()).unwrap()).await, other(sent(&[])));
        let routed = request().uri(uri).extension(Route::from("/all"));
        let expected = other(sent(&[("url.template", "/all".into())]));
        assert_eq!(asked(routed.body(()).unwrap()).await, expected.named("HTTP /all"));
    }
}

#[tokio::test]
async fn secrets_in_paths_queries_and_urls() {
    let uri = "/reset;token=hunter2?page=2&Signature=abc&X-Amz-Credential=key&sig=s";
    let expected = served(&[
        ("url.path", "/reset;token=REDACTED".into()),
        ("url.query", "page=2&Signature=REDACTED&X-Amz-Credential=REDACTED&sig=REDACTED".into()),
    ]);
    assert_eq!(received(get(uri).body(()).unwrap()).await, expected);

    let uri = "http://ada:pw@shop.example:8443/p?X-Goog-Signature=abc&page=2";
    let full = "http://REDACTED:REDACTED@shop.example:8443/p?X-Goog-Signature=REDACTED&page=2";
    let expected = sent(&[("url.full", full.into()), ("server.port", 8443.into())]);
    assert_eq!(asked(get(uri).body(()).unwrap()).await, expected);
    // a server that is asked by the same URI
    let expected = served(&[
        ("url.path", "/p".into()),
        ("url.query", "X-Goog-Signature=REDACTED&page=2".into()),
        ("server.address", "shop.example".into()),
        ("server.port", 8443.into()),
    ]);
    assert_eq!(received(get(uri).body(()).unwrap()).await, expected);
}

#[tokio::test]
async fn what_is_too_long_is_cut() {
    let long = "x".repeat(3000);
    let request = get(&format!("/{long}?q={long}")).header(USER_AGENT, &long);
    let cut = |start: &str| format!("{start}{}…", "x".repeat(2045 - start.len()));
    let expected = served(&[
        ("url.path", cut("/").into()),
        ("url.query", cut("q=").into()),
        ("user_agent.original", cut("").into()),
    ]);
    assert_eq!(received(request.body(()).unwrap()).await, expected);
    let url = format!("http://shop.example/{long}");
    let expected = sent(&[("url.full", cut("http://shop.example/").into())]);
    assert_eq!(asked(get(&url).body(()).unwrap()).await, expected);
}

#[tokio::test]
async fn servers_as_they_are_asked_for() {
    let server = |address: &str, port: Option<i64>| {
        let record = served(&[("server.address", address.to_owned().into())]);
        port.map_or(record.clone(), |port| record.and("server.port", port))
    };
    for (host, expected) in [
        ("shop.example", server("shop.example", None)),
        ("shop.example:8080", server("shop.example", Some(8080))),
        ("[2001:db8::1]:8443", server("2001:db8::1", Some(8443))),
        ("[::1]", server("::1", None)),
        // no hosts
        ("", served(&[])),
        (":80", served(&[])),
        ("2001:db8::1", served(&[])),
        ("ada:pw@shop.example", served(&[])),
    ] {
        let request = get("/").header(HOST, host).body(()).unwrap();
        assert_eq!(received(request).await, expected, "{host}");
    }
    // HTTP/2 names the server in `:authority`, which goes before any Host
    for (uri, address, port, scheme) in [
        ("http://shop.example/", "shop.example", 80, "http"),
        ("https://shop.example/", "shop.example", 443, "https"),
        ("https://[2001:db8::1]:8443/", "2001:db8::1", 8443, "https"),
        ("http://[::1]/", "::1", 80, "http"),
    ] {
        let request = get(uri).version(Version::HTTP_2).header(HOST, "other.example");
        let expected = server(address, Some(port))
            .and("url.scheme", scheme)
            .and("network.protocol.version", "2");
        assert_eq!(received(request.body(()).unwrap()).await, expected, "{uri}");
        let expected = sent(&[
            ("url.full", uri.to_owned().into()),
            ("server.address", address.to_owned().into()),
            ("server.port", port.into()),
        ]);
        assert_eq!(asked(get(uri).body(()).unwrap()).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn a_server_that_requests_do_not_name() {
    let bench = Bench::new();
    let layer = bench.client().server_address("db.internal", 5432).unwrap();
    let told = span(&bench, layer, ok(), get("/").body(()).unwrap()).await;
    let expected = sent(&[
        ("url.full", "/".into()),
        ("server.address", "db.internal".into()),
        ("server.port", 5432.into()),
    ]);
    assert_eq!(told, expected);
}

#[tokio::test]
async fn versions_are_told_as_they_are_registered() {
    for (version, told) in [
        (Version::HTTP_10, "1.0"),
        (Version::HTTP_11, "1.1"),
        (Version::HTTP_2, "2"),
        (Version::HTTP_3, "3"),
    ] {
        let request = get("/").version(version).body(()).unwrap();
        assert_eq!(received(request).await, served(&[("network.protocol.version", told.into())]));
        // a client's is that of the answer
        let bench = Bench::new();
        let answers = service_fn(move |_: Request<()>| async move {
            let mut response = Response::new(ScriptBody::new());
            *response.version_mut() = version;
            Ok::<_, Infallible>(response)
        });
        let request = get("http://shop.example/").body(()).unwrap();
        let told_by_client = span(&bench, bench.client(), answers, request).await;
        assert_eq!(told_by_client, sent(&[("network.protocol.version", told.into())]));
    }
}

#[tokio::test]
async fn the_peer_and_the_client_behind_it() {
    let from = |peer: &str| {
        let peer = PeerAddress(peer.parse().unwrap());
        get("/").extension(peer).header("x-forwarded-for", "198.51.100.7")
    };
    let told = |client: &'static str, peer: &'static str| {
        served(&[
            ("client.address", client.into()),
            ("network.peer.address", peer.into()),
            ("network.peer.port", 4711.into()),
        ])
    };
    for (peer, shown) in [
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[::ffff:192.0.2.1]:4711", "192.0.2.1"),
    ] {
        let request = from(peer).header("x-forwarded-proto", "https").body(()).unwrap();
        assert_eq!(received(request).await, told(shown, shown));
    }
    let bench = Bench::new();
    let layer = bench.server().trusted_proxies(TrustedProxies::new(["192.0.2.0/24"]).unwrap());
    let request = from("192.0.2.1:4711").header("x-forwarded-proto", "https").body(()).unwrap();
    let behind = span(&bench, layer, ok(), request).await;
    assert_eq!(behind, told("198.51.100.7", "192.0.2.1").and("url.scheme", "https"));
}

#[tokio::test]
async fn headers_are_told_by_list_only_as_arrays_and_redacted() {
    let request = |uri| {
        get(uri)
            .header("x-tag", "one")
            .header("x-tag", "two")
            .header("authorization", "Bearer hunter2")
            .header("cookie", "id=hunter2")
            .body(())
            .unwrap()
    };
    assert_eq!(received(request("/")).await, served(&[]));
    let added: [(&str, Value); 3] = [
        ("http.request.header.authorization", strings(&["REDACTED"])),
        ("http.request.header.x-tag", strings(&["one", "two"])),
        ("http.response.header.x-kind", strings(&["a"])),
    ];
    let listed = |layer: TraceLayer| {
        let names = ["X-Tag", "authorization", "x-absent"];
        let layer =
            names.into_iter().fold(layer, |layer, name| layer.request_header(name).unwrap());
        layer.response_header("x-kind").unwrap().response_header("x-absent").unwrap()
    };
    let answers = || ok().with_header("x-kind", "a").with_header("set-cookie", "id=hunter2");
    let bench = Bench::new();
    let told = span(&bench, listed(bench.server()), answers(), request("/")).await;
    assert_eq!(told, served(&added));
    let bench = Bench::new();
    let asks = request("http://shop.example/");
    let told = span(&bench, listed(bench.client()), answers(), asks).await;
    assert_eq!(told, sent(&added));
}

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
struct Asked(std::sync::Arc<std::sync::Mutex<Vec<(String, Vec<(String, Value)>)>>>);

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
        ("http.request.header.x-tag", strings(&["one"])),
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

/// Whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.as_str().is_empty(),
        Value::Array(Array::String(texts)) => texts.iter().any(|text| text.as_str().is_empty()),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_asked_nothing_is_empty_told_twice_or_part_of_the_name(
        method in "GET|POST|CONNECT|OPTIONS|[A-Z]{1,8}",
        uri in r"\*|[a-z]{1,3}:[0-9]{1,4}|/[ -~]{0,20}|[a-z]{1,4}://([a-z]:[a-z]?@)?(|[a-z]{1,5}|\[::1\])(:[0-9]{0,5})?(/[ -~]{0,9})?",
        host in prop::collection::vec(any::<u8>(), 0..12),
        agent in prop::collection::vec(any::<u8>(), 0..12),
        grpc in any::<bool>(),
    ) {
        let Ok(request) = Request::builder().method(&*method).uri(&*uri).body(()) else {
            return Ok(());
        };
        let name = if let Ok(Ok(known)) = Method::from_bytes(method.as_bytes()).map(|method| {
            crate::message::method::known_method(&method).ok_or(())
        }) { known } else { "HTTP" };
        for is_server in [true, false] {
            let mut request = request.clone();
            for (header, value) in [(HOST, &host), (USER_AGENT, &agent)] {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    request.headers_mut().insert(header, value);
                }
            }
            if grpc {
                let kind = HeaderValue::from_static("application/grpc");
                request.headers_mut().insert("content-type", kind);
            }
            let bench = Bench::new();
            let layer = if is_server { bench.server() } else { bench.client() };
            use futures_util::FutureExt;
            layer.layer(ok()).oneshot(request).now_or_never().unwrap().unwrap();
            let span = bench.spans.only();
            let keys: Vec<_> = span.attributes.iter().map(|(key, _)| key.as_str()).collect();
            let mut once = keys.clone();
            once.dedup();
            prop_assert_eq!(keys, once);
            prop_assert!(!span.attributes.iter().any(|(_, value)| is_empty(value)), "{:?}", span);
            if is_server || !(grpc && method == "POST") {
                prop_assert_eq!(&span.name, name);
            }
        }
    }
}
