//! Which lines are written, and at which level.

use std::time::Duration;

use http::{Request, Response};
use serde_json::{Value, json};
use tower_observability::access_log::{AccessLogLayer, JsonLines, Sampling};
use tower_observability::caller::{PeerAddress, TrustedProxies};
use tower_observability::classify::Classify;
use tower_observability::exchange::Facts;
use tower_observability::redact::Redaction;
use tracing::Level;

use crate::kit::{Answer, ManualClock, Step, Written, exchange};

fn server() -> (AccessLogLayer, Written) {
    let written = Written::default();
    (AccessLogLayer::server().json_lines(JsonLines::new(written.clone())), written)
}

pub(crate) fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Response(Response::builder().status(status).body(vec![]).unwrap())
}

pub(crate) fn objects(written: &Written) -> Vec<Value> {
    written.take().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn levels(written: &Written) -> Vec<String> {
    let level = |line: Value| line["severity_text"].as_str().unwrap().to_owned();
    objects(written).into_iter().map(level).collect()
}

#[test]
fn skipped_requests_leave_no_line_whatever_becomes_of_them() {
    let (layer, written) = server();
    let layer = layer.log_start().skip_path("/livez").unwrap().skip_path("/readyz").unwrap();
    let layer = layer.skip_prefix("/static/").unwrap();
    let layer = layer.skip(|head| head.headers.contains_key("x-probe"));
    let layer = layer.skip(|head| head.method == "TRACE");
    let clock = ManualClock::new();
    exchange(&layer, &clock, get("/livez"), || status(200));
    exchange(&layer, &clock, get("/readyz?full=1"), || status(503));
    exchange(&layer, &clock, get("/static/app.js"), || status(404));
    exchange(&layer, &clock, get("/"), || status(200));
    exchange(&layer, &clock, get("/livez/more"), || Answer::Error);
    exchange(&layer, &clock, get("/static"), || status(200));
    exchange(&layer, &clock, Request::trace("/").body(()).unwrap(), || status(200));
    let probe = Request::get("/").header("x-probe", "1").body(()).unwrap();
    exchange(&layer, &clock, probe, || Answer::Panic);
    let paths: Vec<_> = objects(&written)
        .into_iter()
        .map(|line| (line["body"].clone(), line["attributes"]["url.path"].clone()))
        .collect();
    let line = |body: &str, path: &str| (json!(body), json!(path));
    assert_eq!(
        paths,
        [
            line("exchange started", "/"),
            line("exchange ended", "/"),
            line("exchange started", "/livez/more"),
            line("exchange ended", "/livez/more"),
            line("exchange started", "/static"),
            line("exchange ended", "/static"),
        ]
    );
}

#[test]
fn levels_by_the_table_and_by_the_users_rule() {
    let clock = ManualClock::new();
    let run = |layer: AccessLogLayer| {
        for code in [200, 404, 429, 500] {
            exchange(&layer, &clock, get("/"), || status(code));
        }
        exchange(&layer, &clock, get("/"), || Answer::Pending);
    };
    let (layer, written) = server();
    run(layer);
    assert_eq!(levels(&written), ["INFO", "INFO", "INFO", "ERROR", "INFO"]);
    let (layer, written) = server();
    run(layer.classify(Classify::new().peer_ends_are_errors()).level(|end, level| {
        match end.status {
            Some(status) if status == 429 => Level::WARN,
            Some(status) if status == 404 => Level::TRACE,
            Some(status) if status == 200 => Level::DEBUG,
            _ => level,
        }
    }));
    assert_eq!(levels(&written), ["DEBUG", "TRACE", "WARN", "ERROR", "ERROR"]);
}

#[test]
fn slow_raises_a_level_and_never_lowers_one() {
    let clock = ManualClock::new();
    let run = |layer: AccessLogLayer, written: &Written| {
        exchange(&layer, &clock, get("/"), || status(200));
        exchange(&layer, &clock, get("/"), || status(500));
        let body = vec![Step::Data("a"), Step::Data("b")];
        exchange(&layer, &clock, get("/"), || Answer::Response(Response::new(body)));
        let told =
            |line: Value| (line["severity_text"].clone(), line["attributes"].get("slow").cloned());
        objects(written).into_iter().map(told).collect::<Vec<_>>()
    };
    let slow = |level: &str| (json!(level), Some(json!(true)));
    let fine = |level: &str| (json!(level), None);
    let (layer, written) = server();
    let layer = layer.slow(Duration::from_millis(25)).unwrap();
    let told = run(layer, &written);
    assert_eq!(told, [fine("INFO"), fine("ERROR"), slow("WARN")], "15 ms, 15 ms, 25 ms");
    let (layer, written) = server();
    let layer = layer.slow(Duration::from_millis(11)).unwrap().slow_level(Level::DEBUG);
    assert_eq!(run(layer, &written), [slow("INFO"), slow("ERROR"), slow("INFO")]);
}

#[test]
fn sampling_is_by_method_route_and_status_and_exact() {
    let (layer, written) = server();
    let layer = layer.sampling(Sampling::new(2, 5).unwrap());
    let layer = layer.slow(Duration::from_millis(20)).unwrap();
    let clock = ManualClock::new();
    let routed = |route: &'static str, code| {
        move || {
            Facts::current().unwrap().set_route(route);
            status(code)
        }
    };
    // 60 exchanges of 15 ms within 0.9 s, on ever new paths
    for n in 0..60 {
        exchange(&layer, &clock, get(&format!("/{n}")), routed("/{n}", 200));
    }
    let rates = |written: &Written| -> Vec<_> {
        let number = |line: &Value, key: &str| line["attributes"][key].as_u64().unwrap_or(0);
        objects(written)
            .iter()
            .map(|line| (number(line, "sampling.rate"), number(line, "sampling.dropped")))
            .collect()
    };
    let mut expected = vec![(0, 0), (0, 0)];
    expected.extend([(5, 4); 11]); // the 7th, the 12th … the 57th
    assert_eq!(rates(&written), expected);
    // the 58th to the 60th were dropped; other keys have limits of their own
    exchange(&layer, &clock, get("/"), routed("/{n}", 404));
    exchange(&layer, &clock, get("/"), routed("/other", 200));
    assert_eq!(rates(&written), [(0, 0), (0, 0)]);
    for _ in 0..10 {
        exchange(&layer, &clock, get("/"), || Answer::Error);
    }
    assert_eq!(rates(&written), [(0, 0); 10], "errors are always kept");
    clock.advance(Duration::from_secs(1));
    exchange(&layer, &clock, get("/"), routed("/{n}", 200));
    assert_eq!(rates(&written), [(0, 3)], "a new second, and what the last one dropped");
    let slow = || {
        Facts::current().unwrap().set_route("/{n}");
        Answer::Response(Response::new(vec![Step::Data("a"), Step::Data("b")]))
    };
    for _ in 0..9 {
        exchange(&layer, &clock, get("/"), slow);
    }
    assert_eq!(rates(&written), [(0, 0); 9], "slow ones are always kept");
}

#[test]
fn the_client_is_found_behind_trusted_proxies_only() {
    let clock = ManualClock::new();
    let address = |layer: AccessLogLayer, written: &Written| {
        let mut request = get("/");
        request.headers_mut().insert("x-forwarded-for", "198.51.100.7".parse().unwrap());
        request.extensions_mut().insert(PeerAddress("[::ffff:10.0.0.1]:80".parse().unwrap()));
        exchange(&layer, &clock, request, || status(200));
        objects(written)[0]["attributes"]["client.address"].clone()
    };
    let (layer, written) = server();
    assert_eq!(address(layer, &written), "10.0.0.1");
    let (layer, written) = server();
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    assert_eq!(address(layer.trusted_proxies(proxies), &written), "198.51.100.7");
}

#[test]
fn the_users_policy_redacts_path_query_and_agent() {
    let (layer, written) = server();
    let layer = layer.redaction(Redaction::default().key("pin").unwrap());
    let request = Request::get("/a;pin=1234/b?x=1&pin=1234&y=2")
        .header("user-agent", "bot (+https://me:1234@example.com/?pin=1234)")
        .body(())
        .unwrap();
    exchange(&layer, &ManualClock::new(), request, || status(200));
    let line = written.take();
    assert!(!line.contains("1234"), "{line}");
    let line: Value = serde_json::from_str(&line).unwrap();
    let attributes = &line["attributes"];
    assert_eq!(attributes["url.path"], "/a;pin=REDACTED");
    assert_eq!(attributes["url.query"], "x=1&pin=REDACTED&y=2");
    let agent = "bot (+https://REDACTED:REDACTED@example.com/?pin=REDACTED";
    assert_eq!(attributes["user_agent.original"], agent);
}

#[test]
fn a_client_inside_a_request_has_its_ids() {
    let (layer, written) = server();
    let client_written = Written::default();
    let client = AccessLogLayer::client().json_lines(JsonLines::new(client_written.clone()));
    let clock = ManualClock::new();
    exchange(&layer, &clock, get("/in"), || {
        Facts::current().unwrap().set_request_id("req-9".parse().unwrap());
        exchange(&client, &clock, get("http://db/out"), || status(200));
        status(200)
    });
    let id = |written: &Written| objects(written)[0]["attributes"]["request_id"].clone();
    assert_eq!((id(&written), id(&client_written)), (json!("req-9"), json!("req-9")));
}
