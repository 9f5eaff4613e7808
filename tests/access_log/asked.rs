//! What was asked of whom: path, host, scheme, and how much of them is kept.

use http::{Request, Response, Version};
use serde_json::{Value, json};
use tower_observability::access_log::{AccessLogLayer, JsonLines, MAX_VALUE, Schema};
use tower_observability::caller::{PeerAddress, TrustedProxies};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, fmt};

use crate::kit::{Answer, ManualClock, Written, exchange, with_default};

fn ok() -> Answer {
    Answer::Response(Response::new(vec![]))
}

/// The line of one exchange.
fn line(layer: AccessLogLayer, schema: Schema, request: Request<()>) -> Value {
    let written = Written::default();
    let layer = layer.json_lines(JsonLines::new(written.clone()).schema(schema));
    exchange(&layer, &ManualClock::new(), request, ok);
    serde_json::from_str(&written.take()).unwrap()
}

/// `url.scheme`, `server.address` and `server.port` of its line.
fn asked(layer: AccessLogLayer, request: Request<()>) -> [Value; 3] {
    let line = line(layer, Schema::OpenTelemetry, request);
    let field = |key: &str| line["attributes"][key].clone();
    [field("url.scheme"), field("server.address"), field("server.port")]
}

fn with_host(host: &str) -> Request<()> {
    Request::get("/in").header("host", host).body(()).unwrap()
}

#[test]
fn a_server_is_named_as_it_was_asked_for() {
    let server = |request| asked(AccessLogLayer::server(), request);
    assert_eq!(
        server(with_host("shop.example.com:8080")),
        [json!(null), json!("shop.example.com"), json!(8080)]
    );
    assert_eq!(
        server(with_host("shop.example.com")),
        [json!(null), json!("shop.example.com"), json!(null)]
    );
    assert_eq!(server(with_host("bob:hunter2@shop")), [json!(null), json!(null), json!(null)]);
    let http2 = Request::get("https://bob:hunter2@[::1]/in").version(Version::HTTP_2);
    let http2 = http2.header("host", "another").body(()).unwrap();
    assert_eq!(server(http2), [json!("https"), json!("::1"), json!(443)]);
    let named = || AccessLogLayer::server().server_address("checkout", 80).unwrap();
    let bare = Request::get("/in").body(()).unwrap();
    assert_eq!(asked(named(), bare), [json!(null), json!("checkout"), json!(80)]);
    assert_eq!(asked(named(), with_host("shop")), [json!(null), json!("shop"), json!(null)]);
}

#[test]
fn the_scheme_is_that_of_a_trusted_proxy() {
    let from = |peer: &str| {
        let mut request = with_host("shop");
        request.headers_mut().insert("x-forwarded-proto", "https".parse().unwrap());
        request.extensions_mut().insert(PeerAddress(peer.parse().unwrap()));
        let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
        asked(AccessLogLayer::server().trusted_proxies(proxies), request)
    };
    assert_eq!(from("10.0.0.1:80"), [json!("https"), json!("shop"), json!(443)]);
    assert_eq!(from("192.0.2.1:80"), [json!(null), json!("shop"), json!(null)]);
}

#[test]
fn a_client_whose_requests_name_no_server_is_told_of_it() {
    let client = || AccessLogLayer::client().server_address("payments", 50_051).unwrap();
    let relative = || Request::post("/shop.Cart/Add").body(()).unwrap();
    assert_eq!(asked(client(), relative()), [json!(null), json!("payments"), json!(50_051)]);
    let absolute = Request::get("http://other/in").body(()).unwrap();
    assert_eq!(asked(client(), absolute), [json!("http"), json!("other"), json!(80)]);
    // a Host header is for the peer, and may name what is behind it
    assert_eq!(asked(AccessLogLayer::client(), with_host("shop")), [const { Value::Null }; 3]);
    let gcp = || Schema::Gcp { project: None };
    let url = |layer, request| line(layer, gcp(), request)["httpRequest"]["requestUrl"].clone();
    assert_eq!(url(client(), relative()), "payments:50051/shop.Cart/Add");
    let v6 = AccessLogLayer::client().server_address("::1", 80).unwrap();
    assert_eq!(url(v6, relative()), "[::1]:80/shop.Cart/Add");
}

#[test]
fn each_schema_names_the_server_its_own_way() {
    let request = || Request::get("https://shop:8443/in").body(()).unwrap();
    let ecs = line(AccessLogLayer::server(), Schema::Ecs, request());
    let told = ["url.scheme", "url.domain", "url.port", "server.address"].map(|key| &ecs[key]);
    assert_eq!(told, [&json!("https"), &json!("shop"), &json!(8443), &json!(null)]);
    let gcp = line(AccessLogLayer::server(), Schema::Gcp { project: None }, request());
    let told = ["url_scheme", "server_address", "server_port"].map(|key| &gcp[key]);
    assert_eq!(told, [&json!("https"), &json!("shop"), &json!(8443)]);
    assert_eq!(gcp["httpRequest"]["requestUrl"], "/in");
}

/// What a caller sends is cut after it was redacted, wherever it is written.
#[test]
fn long_values_are_cut() {
    let request = || {
        let long = "x".repeat(10_000);
        Request::builder()
            .method(&*"M".repeat(3000))
            .uri(format!("/{long}?token={long}&a={long}"))
            .header("host", &long)
            .header("user-agent", format!("token={long}&{long}"))
            .header("x-tag", &long)
            .body(())
            .unwrap()
    };
    let cut =
        |start: &str, fill: &str| format!("{start}{}…", fill.repeat(MAX_VALUE - 3 - start.len()));
    let expected = json!({
        "http.request.method_original": cut("", "M"),
        "url.path": cut("/", "x"),
        "url.query": cut("token=REDACTED&a=", "x"),
        "server.address": cut("", "x"),
        "user_agent.original": cut("token=REDACTED&", "x"),
        "http.request.header.x-tag": [cut("", "x")],
    });
    let layer = || AccessLogLayer::server().request_header("x-tag").unwrap();
    let otel = line(layer(), Schema::OpenTelemetry, request());
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&otel["attributes"][key], value, "{key}");
    }
    let ecs = line(layer(), Schema::Ecs, request());
    assert_eq!(ecs["http.request.method"], expected["http.request.method_original"]);
    assert_eq!(ecs["url.domain"], expected["server.address"]);
    assert_eq!(ecs["http.request.headers"]["x-tag"], expected["http.request.header.x-tag"]);
    let gcp = line(layer(), Schema::Gcp { project: None }, request());
    let url = format!("{}?{}", cut("/", "x"), cut("token=REDACTED&a=", "x"));
    assert_eq!(gcp["httpRequest"]["requestUrl"], url);
    let written = Written::default();
    let json = fmt::layer().json().with_writer(written.clone());
    with_default(Registry::default().with(json), || {
        exchange(&layer(), &ManualClock::new(), request(), ok);
    });
    let event: Value = serde_json::from_str(&written.take()).unwrap();
    for key in [
        "http.request.method_original",
        "url.path",
        "url.query",
        "server.address",
        "user_agent.original",
    ] {
        assert_eq!(event["fields"][key], expected[key], "{key}");
    }
}

/// The caller chooses the name of a gRPC method.
#[test]
fn a_long_grpc_method_is_cut() {
    let request = Request::post(format!("/{}/Add", "x".repeat(3000)));
    let request = request.header("content-type", "application/grpc").body(()).unwrap();
    let line = line(AccessLogLayer::server(), Schema::OpenTelemetry, request);
    let method = line["attributes"]["rpc.method"].as_str().unwrap_or_default();
    assert!(method.len() <= MAX_VALUE, "{method}");
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn inside_of_a_nested_router_the_path_is_whole() {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    let written = Written::default();
    let layer = AccessLogLayer::server()
        .json_lines(JsonLines::new(written.clone()))
        .skip_path("/api/livez")
        .unwrap();
    let users = axum::Router::new()
        .route("/users/{id}", get(async || "ada"))
        .route("/livez", get(async || "fine"))
        .layer(layer);
    let router = axum::Router::new().nest("/api", users);
    for path in ["/api/users/7?a=b", "/api/livez"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    }
    let text = written.take();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: &Value| {
        ["url.path", "url.query", "http.route"].map(|key| line["attributes"][key].clone())
    };
    let expected = ["/api/users/7", "a=b", "/api/users/{id}"].map(Value::from);
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), [expected]);
}
