//! The access log as events of the `tracing` crate.

use http::{Request, Response};
use serde_json::{Value, json};
use tower_observability::access_log::{AccessLogLayer, TARGET};
use tower_observability::exchange::{Facts, annotate};
use tower_observability::id::TraceIdentity;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, fmt};

use crate::kit::{Answer, ManualClock, Step, Written, exchange, with_default};

fn ok() -> Answer {
    Answer::Response(Response::new(vec![]))
}

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

#[test]
fn a_whole_event() {
    let written = Written::default();
    let json = fmt::layer().json().without_time().with_span_events(FmtSpan::NONE);
    let subscriber = Registry::default().with(json.with_writer(written.clone()));
    let layer = AccessLogLayer::server().log_start().request_header("x-tag").unwrap();
    with_default(subscriber, || {
        for _ in 0..2 {
            let request = Request::post("/shop.Cart/Add?token=x&a=\u{9b}")
                .header("content-type", "application/grpc")
                .header("content-length", "7")
                .header("user-agent", "grpc-rust/1")
                .header("x-tag", "\"one\"")
                .body(())
                .unwrap();
            exchange(&layer, &ManualClock::new(), request, || {
                let facts = Facts::current().unwrap();
                facts.set_request_id("req-1".parse().unwrap());
                facts.set_trace(TraceIdentity::new(10, 11, false).unwrap());
                annotate("user.id", "ada");
                let trailers = Step::Trailers(&[("grpc-status", "13")]);
                Answer::Response(Response::new(vec![Step::Data("m"), trailers]))
            });
        }
    });
    let text = written.take();
    let events: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let started = json!({
        "level": "INFO",
        "target": TARGET,
        "fields": {
            "message": "exchange started",
            "side": "server",
            "http.request.method": "POST",
            "url.path": "/shop.Cart/Add",
            "url.query": "token=REDACTED&a=\\u{9b}",
            "user_agent.original": "grpc-rust/1",
            "network.protocol.version": "1.1",
            "headers": r#"{"http.request.header.x-tag":["\"one\""]}"#,
        },
    });
    let ended = json!({
        "level": "ERROR",
        "target": TARGET,
        "fields": {
            "message": "exchange ended",
            "side": "server",
            "outcome": "completed",
            "request_id": "req-1",
            "trace_id": "0000000000000000000000000000000a",
            "span_id": "000000000000000b",
            "http.request.method": "POST",
            "url.path": "/shop.Cart/Add",
            "url.query": "token=REDACTED&a=\\u{9b}",
            "http.response.status_code": 200,
            "rpc.method": "shop.Cart/Add",
            "rpc.response.status_code": "INTERNAL",
            "error.type": "INTERNAL",
            "user_agent.original": "grpc-rust/1",
            "network.protocol.version": "1.1",
            "http.request.body.size": 7,
            "http.response.body.size": 1,
            "duration": 0.02,
            "time_to_headers": 0.01,
            "attributes": r#"{"user.id":"ada"}"#,
            "headers": r#"{"http.request.header.x-tag":["\"one\""]}"#,
        },
    });
    // the method is known by the first answer
    let mut again = started.clone();
    again["fields"]["rpc.method"] = "shop.Cart/Add".into();
    assert_eq!(events, [started, ended.clone(), again, ended]);
}

#[test]
fn a_whole_line_of_text() {
    let written = Written::default();
    let text = fmt::layer().without_time().with_ansi(false).with_writer(written.clone());
    with_default(Registry::default().with(text), || {
        let request = Request::get("/a\"?b=c").header("user-agent", "x \"y\"").body(()).unwrap();
        exchange(&AccessLogLayer::server(), &ManualClock::new(), request, ok);
    });
    let expected = "INFO tower_observability::access_log: exchange ended side=\"server\" \
        outcome=\"completed\" http.request.method=\"GET\" url.path=\"/a\\\"\" url.query=\"b=c\" \
        http.response.status_code=200 user_agent.original=\"x \\\"y\\\"\" \
        network.protocol.version=\"1.1\" http.response.body.size=0 duration=0.015 \
        time_to_headers=0.01\n";
    assert_eq!(written.take().trim_start(), expected);
}

#[test]
fn every_level_has_its_events() {
    for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
        let written = Written::default();
        let json = fmt::layer().json().with_writer(written.clone());
        let layer = AccessLogLayer::server().level(move |_, _| level);
        with_default(Registry::default().with(json), || {
            exchange(&layer, &ManualClock::new(), get("/"), ok);
        });
        let event: Value = serde_json::from_str(&written.take()).unwrap();
        assert_eq!(event["level"], level.as_str());
    }
}

#[test]
fn a_filter_decides_by_target_and_level() {
    let written = Written::default();
    let json = fmt::layer().json().with_writer(written.clone());
    let subscriber = Registry::default()
        .with(json.with_filter(Targets::new().with_target(TARGET, Level::ERROR)));
    with_default(subscriber, || {
        let clock = ManualClock::new();
        exchange(&AccessLogLayer::server(), &clock, get("/fine"), ok);
        exchange(&AccessLogLayer::server(), &clock, get("/not"), || Answer::Error);
    });
    let text = written.take();
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("/not"), "{text}");
}

/// Asking a subscriber whether it listens can leave a mark in its per-layer filters.
#[test]
fn no_other_layer_loses_an_event_of_the_handler() {
    let (own, access) = (Written::default(), Written::default());
    let own_layer = fmt::layer().json().with_writer(own.clone());
    let everything_else =
        Targets::new().with_default(LevelFilter::TRACE).with_target(TARGET, LevelFilter::OFF);
    let access_layer = fmt::layer().json().with_writer(access.clone());
    let only = Targets::new().with_target(TARGET, LevelFilter::TRACE).with_default(Level::TRACE);
    let subscriber = Registry::default()
        .with(own_layer.with_filter(everything_else))
        .with(access_layer.with_filter(only));
    with_default(subscriber, || {
        for _ in 0..3 {
            exchange(&AccessLogLayer::server(), &ManualClock::new(), get("/"), || {
                tracing::info!("from the handler");
                ok()
            });
        }
    });
    assert_eq!(own.take().lines().count(), 3);
    assert_eq!(access.take().lines().count(), 6);
}

/// One test's thread without a subscriber does not switch an event off for another test.
#[test]
fn an_event_met_where_nobody_listens_is_heard_where_somebody_does() {
    let event = || tracing::info!("met twice");
    let written = Written::default();
    let json = fmt::layer().json().with_writer(written.clone());
    with_default(Registry::default().with(json), || {
        std::thread::spawn(event).join().unwrap();
        assert_eq!(written.take(), "");
        event();
    });
    assert_eq!(written.take().lines().count(), 1);
}
