//! Whole lines of each schema for each way an exchange ends. `UPDATE_GOLDEN=1` writes them anew.

use std::fmt::Write;
use std::time::Duration;

use http::{Request, Response};
use serde_json::{Value, json};
use tower_observability::access_log::{AccessLogLayer, JsonLines, Sampling, Schema};
use tower_observability::caller::PeerAddress;
use tower_observability::exchange::{Facts, annotate};
use tower_observability::id::TraceIdentity;
use tower_observability::route::Routes;

use crate::kit::{Answer, ManualClock, Step, Written, exchange};

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

fn grpc() -> Request<()> {
    let mut request = Request::post("/shop.Cart/Add").version(http::Version::HTTP_2);
    request = request.header("content-type", "application/grpc").header("grpc-timeout", "50m");
    request.body(()).unwrap()
}

fn ok(steps: Vec<Step>) -> Answer {
    Answer::Response(Response::new(steps))
}

fn identified() {
    let facts = Facts::current().unwrap();
    assert!(facts.set_request_id("req-1".parse().unwrap()));
    let trace = TraceIdentity::new(0xabc, 0xdef, true).unwrap();
    assert!(facts.set_trace(trace));
}

/// Runs every scenario and answers its name with its line.
fn lines_of(schema: Schema) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let mut add = |name,
                   set: &dyn Fn(AccessLogLayer) -> AccessLogLayer,
                   run: &dyn Fn(&AccessLogLayer, &ManualClock)| {
        let (clock, written) = (ManualClock::new(), Written::default());
        let lines = JsonLines::new(written.clone()).schema(schema.clone());
        run(&set(AccessLogLayer::server().json_lines(lines)), &clock);
        for line in written.take().lines() {
            all.push((name, line.to_owned()));
        }
    };
    let plain = |layer| layer;
    add("success", &plain, &|layer, clock| {
        let mut request = get("/users/7?page=2&token=hunter2");
        let headers = request.headers_mut();
        headers.insert("content-length", "3".parse().unwrap());
        headers.insert("user-agent", "curl/8.5 \"x\"".parse().unwrap());
        request.extensions_mut().insert(PeerAddress("192.0.2.7:4711".parse().unwrap()));
        exchange(layer, clock, request, || {
            Facts::current().unwrap().set_route("/users/{id}");
            identified();
            ok(vec![Step::Data("hello"), Step::Data(", ada")])
        });
    });
    add("failed", &plain, &|layer, clock| exchange(layer, clock, get("/"), || Answer::Error));
    add("body error", &plain, &|layer, clock| {
        exchange(layer, clock, get("/"), || ok(vec![Step::Data("he"), Step::Error]));
    });
    add("panic", &plain, &|layer, clock| exchange(layer, clock, get("/"), || Answer::Panic));
    add("dropped before the headers", &plain, &|layer, clock| {
        exchange(layer, clock, get("/"), || Answer::Pending);
    });
    add("dropped in the body", &plain, &|layer, clock| {
        exchange(layer, clock, get("/"), || ok(vec![Step::Data("he"), Step::Pending]));
    });
    add("deadline", &|layer| layer.deadline(Duration::from_millis(10)), &|layer, clock| {
        exchange(layer, clock, get("/"), || Answer::Pending);
    });
    let known = Routes::new().grpc_methods(["shop.Cart/Add"]).unwrap();
    add("gRPC error", &move |layer| layer.routes(known.clone()), &|layer, clock| {
        exchange(layer, clock, grpc(), || {
            ok(vec![Step::Data("message"), Step::Trailers(&[("grpc-status", "14")])])
        });
    });
    let threshold = Duration::from_millis(10);
    add("slow", &move |layer| layer.slow(threshold).unwrap(), &|layer, clock| {
        exchange(layer, clock, get("/"), || ok(vec![]));
    });
    let rule = Sampling::new(1, 2).unwrap();
    add("sampled", &move |layer| layer.sampling(rule), &|layer, clock| {
        for _ in 0..4 {
            exchange(layer, clock, get("/"), || ok(vec![]));
        }
    });
    let headers = |layer: AccessLogLayer| {
        let layer = layer.request_header("x-tag")?.request_header("cookie")?;
        layer.response_header("location")
    };
    add("attributes and headers", &move |layer| headers(layer).unwrap(), &|layer, clock| {
        let mut request = get("/");
        request.headers_mut().append("x-tag", "one".parse().unwrap());
        request.headers_mut().append("x-tag", "two".parse().unwrap());
        request.headers_mut().append("cookie", "sid=hunter2".parse().unwrap());
        exchange(layer, clock, request, || {
            annotate("user.id", "ada");
            annotate("cart.items", 3);
            annotate("url.path", "not the path");
            let redirect = Response::builder().status(302);
            let redirect =
                redirect.header("location", "https://a:hunter2@example.com/?sig=hunter2");
            Answer::Response(redirect.body(vec![]).unwrap())
        });
    });
    add("unknown method", &plain, &|layer, clock| {
        let request = Request::builder().method("BREW").uri("*").body(()).unwrap();
        exchange(layer, clock, request, || Answer::Response(Response::new(vec![])));
    });
    add("start", &AccessLogLayer::log_start, &|layer, clock| {
        exchange(layer, clock, get("/slowly"), || ok(vec![]));
    });
    let client = |lines: JsonLines| AccessLogLayer::client().json_lines(lines);
    let (clock, written) = (ManualClock::new(), Written::default());
    let layer = client(JsonLines::new(written.clone()).schema(schema.clone()));
    let uri = "https://bob:hunter2@[2001:db8::1]/in?X-Amz-Signature=hunter2";
    exchange(&layer, &clock, get(uri), || ok(vec![Step::Data("he"), Step::Pending]));
    all.extend(written.take().lines().map(|line| ("client, unread", line.to_owned())));
    exchange(&layer, &clock, get("http://example.com:8080"), || Answer::Pending);
    all.extend(written.take().lines().map(|line| ("client, cancelled", line.to_owned())));
    all
}

fn check(name: &str, schema: Schema) {
    let mut text = String::from("[");
    for (index, (scenario, line)) in lines_of(schema).into_iter().enumerate() {
        let _: Value = serde_json::from_str(&line).unwrap();
        assert!(!line.contains("hunter2"), "{line}");
        let comma = if index > 0 { "," } else { "" };
        write!(text, "{comma}\n[{scenario:?},\n{line}]").unwrap();
    }
    text.push_str("\n]\n");
    let path = format!("{}/tests/golden/access_log_{name}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    let _: Value = serde_json::from_str(&golden).unwrap();
    for (line, expected) in text.lines().zip(golden.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(text, golden);
}

#[test]
fn opentelemetry() {
    check("opentelemetry", Schema::OpenTelemetry);
}

#[test]
fn ecs() {
    check("ecs", Schema::Ecs);
}

#[test]
fn gcp() {
    check("gcp", Schema::Gcp { project: Some("my-project".into()) });
}

#[test]
fn a_whole_line_of_each_schema() {
    let first = |schema| -> Value { serde_json::from_str(&lines_of(schema)[0].1).unwrap() };
    let trace_id = "00000000000000000000000000000abc";
    let expected = json!({
        "timestamp": "2026-01-01T00:00:00.025000000Z",
        "severity_text": "INFO",
        "severity_number": 9,
        "body": "exchange ended",
        "trace_id": trace_id,
        "span_id": "0000000000000def",
        "attributes": {
            "side": "server",
            "request_id": "req-1",
            "http.request.method": "GET",
            "url.path": "/users/7",
            "url.query": "page=2&token=REDACTED",
            "http.route": "/users/{id}",
            "client.address": "192.0.2.7",
            "user_agent.original": "curl/8.5 \"x\"",
            "network.protocol.version": "1.1",
            "outcome": "completed",
            "http.response.status_code": 200,
            "http.request.body.size": 3,
            "http.response.body.size": 10,
            "duration": 0.025,
            "time_to_headers": 0.01,
        },
    });
    assert_eq!(first(Schema::OpenTelemetry), expected);
    let expected = json!({
        "@timestamp": "2026-01-01T00:00:00.025000000Z",
        "log.level": "info",
        "message": "exchange ended",
        "ecs.version": "8.11.0",
        "event.kind": "event",
        "event.category": ["web"],
        "event.type": ["access"],
        "event.outcome": "success",
        "event.duration": 25_000_000,
        "trace.id": trace_id,
        "span.id": "0000000000000def",
        "exchange.side": "server",
        "exchange.outcome": "completed",
        "exchange.time_to_headers": 10_000_000,
        "http.request.id": "req-1",
        "http.request.method": "GET",
        "http.request.body.bytes": 3,
        "http.response.status_code": 200,
        "http.response.body.bytes": 10,
        "http.route": "/users/{id}",
        "http.version": "1.1",
        "url.path": "/users/7",
        "url.query": "page=2&token=REDACTED",
        "client.ip": "192.0.2.7",
        "user_agent.original": "curl/8.5 \"x\"",
    });
    assert_eq!(first(Schema::Ecs), expected);
    let mut expected = json!({
        "time": "2026-01-01T00:00:00.025000000Z",
        "severity": "INFO",
        "message": "exchange ended",
        "logging.googleapis.com/trace": trace_id,
        "logging.googleapis.com/spanId": "0000000000000def",
        "logging.googleapis.com/trace_sampled": true,
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": "/users/7?page=2&token=REDACTED",
            "userAgent": "curl/8.5 \"x\"",
            "remoteIp": "192.0.2.7",
            "protocol": "HTTP/1.1",
            "status": 200,
            "requestSize": "3",
            "responseSize": "10",
            "latency": "0.025000000s",
        },
        "side": "server",
        "request_id": "req-1",
        "route": "/users/{id}",
        "outcome": "completed",
        "time_to_headers": "0.010000000s",
    });
    assert_eq!(first(Schema::Gcp { project: None }), expected);
    expected["logging.googleapis.com/trace"] = json!(format!("projects/p/traces/{trace_id}"));
    assert_eq!(first(Schema::Gcp { project: Some("p".into()) }), expected);
}
