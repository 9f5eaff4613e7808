//! What a program adds to its lines: constant fields, and the text of errors.

use http::{Request, Response};
use serde_json::{Value, json};
use tower_observability::access_log::{AccessLogLayer, JsonLines, Schema};
use tower_observability::exchange::annotate;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, fmt};

use crate::kit::{Answer, ManualClock, Written, exchange, with_default};

fn annotated() -> Answer {
    annotate("user.id", "ada");
    annotate("service.name", "not the service");
    Answer::Response(Response::new(vec![]))
}

fn with_fields(layer: AccessLogLayer) -> AccessLogLayer {
    let layer = layer.field("service.name", "check\nout").unwrap();
    layer.field("shard", 3).unwrap().field("message", "taken").unwrap()
}

fn run(layer: &AccessLogLayer, answer: impl FnOnce() -> Answer) {
    let request = Request::get("/").body(()).unwrap();
    exchange(layer, &ManualClock::new(), request, answer);
}

fn lines(layer: AccessLogLayer, schema: Schema, answer: fn() -> Answer) -> Vec<Value> {
    let written = Written::default();
    let layer = layer.json_lines(JsonLines::new(written.clone()).schema(schema));
    run(&layer, answer);
    written.take().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(layer: AccessLogLayer, answer: fn() -> Answer) -> Vec<Value> {
    let written = Written::default();
    let json = fmt::layer().json().with_writer(written.clone());
    with_default(Registry::default().with(json), || run(&layer, answer));
    let event = |line| serde_json::from_str::<Value>(line).unwrap()["fields"].take();
    written.take().lines().map(event).collect()
}

#[test]
fn constant_fields_are_in_every_line_of_each_schema() {
    let layer = || with_fields(AccessLogLayer::server()).log_start();
    let all = json!({"service.name": "check\nout", "shard": 3, "message": "taken"});
    let otel = lines(layer(), Schema::OpenTelemetry, annotated);
    assert_eq!(otel.iter().map(|line| &line["resource"]).collect::<Vec<_>>(), [&all, &all]);
    assert_eq!(otel[1]["attributes"]["service.name"], "not the service");
    for line in lines(layer(), Schema::Ecs, annotated) {
        let told = ["service.name", "shard"].map(|key| &line[key]);
        assert_eq!(told, [&json!("check\nout"), &json!(3)]);
        assert!(line["message"].as_str().unwrap().starts_with("exchange "), "{line}");
    }
    let labels = json!({"service.name": "check\nout", "shard": "3", "message": "taken"});
    for line in lines(layer(), Schema::Gcp { project: None }, annotated) {
        assert_eq!(line["logging.googleapis.com/labels"], labels);
    }
    let attributes: Vec<_> =
        events(layer(), annotated).into_iter().map(|event| event["attributes"].clone()).collect();
    let started = r#"{"service.name":"check\nout","shard":3,"message":"taken"}"#;
    let ended = started.replace('}', r#","user.id":"ada"}"#);
    assert_eq!(attributes, [started, ended.as_str()]);
}

#[test]
fn the_text_of_an_error_is_logged_where_it_is_asked_for() {
    let error = || Answer::Error;
    let asked = || AccessLogLayer::server().error_text();
    let text = "no\nway";
    assert_eq!(
        lines(asked(), Schema::OpenTelemetry, error)[0]["attributes"]["error.message"],
        text
    );
    assert_eq!(lines(asked(), Schema::Ecs, error)[0]["error.message"], text);
    assert_eq!(lines(asked(), Schema::Gcp { project: None }, error)[0]["error_message"], text);
    assert_eq!(events(asked(), error)[0]["error.message"], r"no\nway");
    let unasked = lines(AccessLogLayer::server(), Schema::OpenTelemetry, error);
    assert_eq!(unasked[0]["attributes"].get("error.message"), None);
    let panicked = &lines(asked(), Schema::Ecs, || Answer::Panic)[0];
    assert_eq!(panicked["error.message"], "on purpose", "as the span tells it");
}
