//! Operations of the global provider, in a handler of axum, over SQLite and across threads.
#![cfg(all(feature = "operation", feature = "axum"))]

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use http_body_util::BodyExt;
use opentelemetry::global;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use rusqlite::{Connection, Error, params};
use tokio::task::spawn_blocking;
use tower::ServiceExt;
use tower_observability::exchange::in_exchange;
use tower_observability::operation::{Ending, Operation};
use tower_observability::trace::TraceLayer;

const QUERY: &str = "SELECT cents FROM product WHERE id = ?1";

fn price(id: &str) -> rusqlite::Result<u32> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE product (id, cents); INSERT INTO product VALUES ('lamp', 25)",
    )?;
    let query = Operation::db("sqlite").operation("SELECT").collection("product").query_text(QUERY);
    query.call(|| connection.query_row(QUERY, params![id], |row| row.get(0)))
}

/// Looks into a cache, then asks the database on a blocking thread, then sends a message.
async fn handler(id: &'static str) -> String {
    let look_up = Operation::cache("redis", "GET").run(async { Ok::<Option<u32>, Error>(None) });
    assert_eq!(look_up.await, Ok(None));
    let asked = spawn_blocking(in_exchange(move || price(id))).await.unwrap();
    let send = Operation::send("kafka", "asked").run_with(async {}, |()| Ending::ok());
    tokio::spawn(send).await.unwrap();
    format!("{asked:?}")
}

async fn ask(id: &'static str) -> String {
    let layer = TraceLayer::server();
    let app = Router::new().route("/price", get(move || handler(id))).layer(layer);
    let request = Request::get("/price").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn told(span: &SpanData) -> (&str, SpanKind, Status) {
    (&span.name, span.span_kind.clone(), span.status.clone())
}

#[tokio::test]
async fn the_global_provider_gets_one_trace_of_a_request_and_all_it_asks_for() {
    // the global operations find a provider that is installed after they were first used
    assert_eq!(ask("lamp").await, "Ok(25)");
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    global::set_tracer_provider(provider);
    assert_eq!(exporter.get_finished_spans().unwrap(), []);

    assert_eq!(ask("sofa").await, "Err(QueryReturnedNoRows)");
    let spans = exporter.get_finished_spans().unwrap();
    let expected = [
        ("GET", SpanKind::Client, Status::Unset),
        ("SELECT product", SpanKind::Client, Status::error("")),
        ("send asked", SpanKind::Producer, Status::Unset),
        ("GET /price", SpanKind::Server, Status::Unset),
    ];
    assert_eq!(spans.iter().map(told).collect::<Vec<_>>(), expected);
    let server = spans[3].span_context.clone();
    assert_eq!(spans[3].parent_span_id, SpanId::INVALID);
    for child in &spans[..3] {
        assert_eq!(child.parent_span_id, server.span_id());
        assert_eq!(child.span_context.trace_id(), server.trace_id());
    }
    assert!(!format!("{spans:?}").contains("sofa"), "an argument is in no span");

    exporter.reset();
    let (kafka, orders, ok) = ("kafka", "orders", || Ok::<_, Infallible>(7));
    let done = [
        Operation::internal("add up").call(ok),
        Operation::create(kafka, orders).call(ok),
        Operation::receive(kafka, orders).call(ok),
        Operation::process(kafka, orders).call(ok),
        Operation::settle(kafka, orders).call(ok),
    ];
    assert_eq!(done, [Ok(7); 5]);
    let spans = exporter.get_finished_spans().unwrap();
    let expected = [
        ("add up", SpanKind::Internal, Status::Unset),
        ("create orders", SpanKind::Producer, Status::Unset),
        ("receive orders", SpanKind::Client, Status::Unset),
        ("process orders", SpanKind::Consumer, Status::Unset),
        ("settle orders", SpanKind::Client, Status::Unset),
    ];
    assert_eq!(spans.iter().map(told).collect::<Vec<_>>(), expected);
}
