//! What the fused layers tell.

use super::*;

#[test]
fn all_signals_tell_one_exchange_and_name_each_other() {
    let bench = Bench::new();
    let mut service = bench
        .telemetry
        .server()
        .clock(bench.clock.clock())
        .layer(hello().after(&bench.clock, Duration::from_millis(250)));
    assert_eq!(bench.count("http_server_request_duration_seconds_count"), 0.0);
    assert_eq!(ask(&mut service, get("/orders?token=abc")), Some(StatusCode::OK));

    let lines = bench.lines.lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let of = |key: &str| line["attributes"][key].clone();
    assert_eq!(of("http.response.status_code"), 200);
    assert_eq!(of("duration"), 0.25);
    assert_eq!(of("http.response.body.size"), 5);
    assert_eq!(of("url.query"), "token=REDACTED");

    bench.telemetry.tracer_provider().force_flush().unwrap();
    let spans = bench.spans.get_finished_spans().unwrap();
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    let trace_id = span.span_context.trace_id().to_string();
    assert_eq!(line["trace_id"], trace_id.as_str());
    assert_eq!(span.end_time.duration_since(span.start_time).unwrap(), Duration::from_millis(250));

    assert_eq!(bench.count("http_server_request_duration_seconds_count"), 1.0);
    assert_eq!(bench.count("http_server_request_duration_seconds_sum"), 0.25);
    let good = |line: &&String| line.starts_with("slo_events_total") && line.contains("good");
    let metrics = bench.metrics();
    assert!(metrics.iter().find(good).is_some_and(|line| line.ends_with(" 1")), "{metrics:?}");

    let captures = bench.telemetry.dumps().captures();
    let [capture] = captures.as_slice() else { panic!("{captures:?}") };
    assert_eq!(capture.request.uri.path(), "/orders");
    let families = bench.telemetry.live().families();
    assert_eq!(families.len(), 1);
    assert_eq!(bench.telemetry.under_way(), 0);
}

#[test]
fn a_panic_is_answered_and_told_everywhere() {
    let bench = Bench::new();
    let layer = bench.telemetry.server().clock(bench.clock.clock());
    let mut service = layer.layer(Script::panics("no such till"));
    let before = bench.count("http_server_request_duration_seconds_count");
    assert_eq!(ask(&mut service, get("/orders")), Some(StatusCode::INTERNAL_SERVER_ERROR));
    let lines = bench.lines.lines();
    assert_eq!(lines[0]["attributes"]["outcome"], "panicked");
    assert_eq!(lines[0]["attributes"]["http.response.status_code"], 500);
    assert_eq!(bench.count("http_server_request_duration_seconds_count"), before + 1.0);
    let bad = bench.metrics();
    let bad = bad.iter().find(|line| line.starts_with("slo_events_total") && line.contains("bad"));
    assert!(bad.is_some_and(|line| line.ends_with(" 1")), "{bad:?}");
}

#[test]
fn a_client_hands_on_the_identity_of_the_request_it_serves() {
    let bench = Bench::new();
    let sent: Arc<Mutex<Vec<http::HeaderMap>>> = Arc::default();
    let seen = Arc::clone(&sent);
    let remote = tower::service_fn(move |request: Request<()>| {
        seen.lock().unwrap().push(request.headers().clone());
        std::future::ready(Ok::<_, std::io::Error>(http::Response::new(ScriptBody::new())))
    });
    let client = bench.telemetry.client().clock(bench.clock.clock()).layer(remote);
    let handler = tower::service_fn(move |_: Request<()>| {
        let mut client = client.clone();
        async move { client.call(get("http://stock.example.com/lamps")).await }
    });
    let mut service = bench.telemetry.server().clock(bench.clock.clock()).layer(handler);
    assert_eq!(ask(&mut service, get("/orders")), Some(StatusCode::OK));

    let sent = sent.lock().unwrap();
    let [headers] = sent.as_slice() else { panic!("{sent:?}") };
    let lines = bench.lines.lines();
    let [called, answered] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(called["attributes"]["side"], "client");
    assert_eq!(answered["attributes"]["side"], "server");
    let id = answered["attributes"]["request_id"].as_str().unwrap();
    assert_eq!(headers["x-request-id"], id);
    assert_eq!(called["attributes"]["request_id"], id);
    assert_eq!(called["trace_id"], answered["trace_id"]);
    let traceparent = headers["traceparent"].to_str().unwrap();
    assert!(traceparent.contains(called["span_id"].as_str().unwrap()), "{traceparent}");
    assert_eq!(bench.count("http_client_request_duration_seconds_count"), 1.0);
    assert_eq!(bench.count("http_server_request_duration_seconds_count"), 1.0);
}

#[test]
fn a_part_that_is_left_out_tells_nothing_and_the_others_all() {
    let bench = Bench::new();
    let mut parts = bench.telemetry.server_parts();
    (parts.trace, parts.debug_dump, parts.live) = (None, None, None);
    let mut service = parts.fuse().unwrap().clock(bench.clock.clock()).layer(hello());
    assert_eq!(ask(&mut service, get("/orders")), Some(StatusCode::OK));
    let line = bench.lines.lines().pop().unwrap();
    assert_eq!(line.get("trace_id"), None);
    assert!(line["attributes"]["request_id"].is_string());
    assert_eq!(bench.count("http_server_request_duration_seconds_count"), 1.0);
    assert_eq!(bench.telemetry.dumps().captures().len(), 0);
    assert_eq!(bench.telemetry.live().families().len(), 0);
    bench.telemetry.tracer_provider().force_flush().unwrap();
    assert_eq!(bench.spans.get_finished_spans().unwrap().len(), 0);
}

#[test]
fn one_redaction_holds_for_all() {
    let redaction = crate::redact::Redaction::default().key("seat").unwrap();
    let bench = Bench::with(|builder| builder.redaction(redaction));
    let mut service = bench.telemetry.server().clock(bench.clock.clock()).layer(hello());
    assert_eq!(ask(&mut service, get("/orders?seat=12b&day=1")), Some(StatusCode::OK));
    let line = bench.lines.lines().pop().unwrap();
    assert_eq!(line["attributes"]["url.query"], "seat=REDACTED&day=1");
    let captures = bench.telemetry.dumps().captures();
    assert_eq!(captures[0].request.uri.query(), Some("seat=REDACTED&day=1"));
    bench.telemetry.tracer_provider().force_flush().unwrap();
    let span = bench.spans.get_finished_spans().unwrap().pop().unwrap();
    let query = span.attributes.iter().find(|of| of.key.as_str() == "url.query").unwrap();
    assert_eq!(query.value.as_str(), "seat=REDACTED&day=1");
}
