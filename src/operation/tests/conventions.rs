//! Names, kinds and attributes.

use std::io;

use opentelemetry::trace::{Link, SpanKind};

use super::*;
use crate::operation::{Ending, Operation, sealed::Convention};

fn ok() -> Result<(), io::Error> {
    Ok(())
}

fn made<K: Convention>(operation: impl FnOnce(&Operations) -> Operation<K>) -> SpanData {
    let bench = Bench::new();
    operation(&bench.operations).call(ok).unwrap();
    bench.only()
}

#[test]
fn a_query_tells_all_that_is_set() {
    let made = made(|operations| {
        operations
            .db("postgresql")
            .operation("SELECT")
            .collection("product")
            .stored_procedure("prices")
            .namespace("shop|public")
            .summary("SELECT product")
            .query_text("SELECT cents FROM product WHERE id = $1")
            .server_address("db.example.com")
            .server_port(5433)
            .attribute("shop.region", "eu")
            .attribute("shop.size", 3)
            .attribute("shop.share", 0.5)
            .attribute("shop.open", true)
            .attribute("shop.motto", "")
    });
    let attributes = vec![
        text("db.system.name", "postgresql"),
        text("db.operation.name", "SELECT"),
        text("db.collection.name", "product"),
        text("db.stored_procedure.name", "prices"),
        text("db.namespace", "shop|public"),
        text("db.query.summary", "SELECT product"),
        text("db.query.text", "SELECT cents FROM product WHERE id = $1"),
        text("server.address", "db.example.com"),
        number("server.port", 5433),
        text("shop.region", "eu"),
        number("shop.size", 3),
        KeyValue::new("shop.share", 0.5),
        KeyValue::new("shop.open", true),
    ];
    assert_eq!(made, span("SELECT product", SpanKind::Client, attributes));
}

#[test]
fn a_query_is_named_by_the_best_that_is_known() {
    let name = |set: fn(Operation<crate::operation::Db>) -> Operation<crate::operation::Db>| {
        made(|operations| set(operations.db("mysql"))).name.into_owned()
    };
    let names = [
        name(|q| q.operation("SELECT").collection("product").summary("get product by id")),
        name(|q| q.operation("SELECT").collection("product").namespace("shop")),
        name(|q| q.operation("CALL").stored_procedure("prices").namespace("shop")),
        name(|q| q.operation("SELECT").namespace("shop").server_address("db")),
        name(|q| q.operation("PING").server_address("db").server_port(3307)),
        name(|q| q.operation("PING").server_address("::1").server_port(3307)),
        name(|q| q.operation("PING").server_address("::1")),
        name(|q| q.operation("PING").server_port(3307)),
        name(|q| q.collection("product")),
        name(|q| q.operation("").collection("").summary("").namespace("").server_address("")),
    ];
    let expected = [
        "get product by id",
        "SELECT product",
        "CALL prices",
        "SELECT shop",
        "PING db:3307",
        "PING [::1]:3307",
        "PING ::1",
        "PING",
        "product",
        "mysql",
    ];
    assert_eq!(names, expected);
}

#[test]
fn what_is_empty_is_not_told_nor_a_port_without_its_address() {
    let made = made(|operations| {
        operations
            .db("sqlite")
            .operation("")
            .collection("")
            .stored_procedure("")
            .namespace("")
            .summary("")
            .query_text("")
            .server_address("")
            .server_port(1)
            .attribute("", 1)
    });
    assert_eq!(made, span("sqlite", SpanKind::Client, vec![text("db.system.name", "sqlite")]));
}

#[test]
fn two_queries_are_a_batch_and_one_is_not() {
    let batch = |size| {
        made(|operations| operations.db("mysql").operation("INSERT").collection("t").batch(size))
    };
    let told = |operation, size: Option<i64>| {
        let mut told = vec![
            text("db.system.name", "mysql"),
            text("db.operation.name", operation),
            text("db.collection.name", "t"),
        ];
        told.extend(size.map(|size| number("db.operation.batch.size", size)));
        told
    };
    for single in [0, 1] {
        let expected = span("INSERT t", SpanKind::Client, told("INSERT", None));
        assert_eq!(batch(single), expected);
    }
    for (many, size) in [(2, 2), (usize::MAX, i64::MAX)] {
        let attributes = told("BATCH INSERT", Some(size));
        assert_eq!(batch(many), span("BATCH INSERT t", SpanKind::Client, attributes));
    }
    assert_eq!(made(|operations| operations.db("mysql").batch(3)).name, "BATCH");
}

#[test]
fn a_cache_is_a_database_and_may_be_in_memory() {
    let redis = made(|operations| operations.cache("redis", "GET").namespace("0"));
    let attributes = vec![
        text("db.system.name", "redis"),
        text("db.operation.name", "GET"),
        text("db.namespace", "0"),
    ];
    assert_eq!(redis, span("GET 0", SpanKind::Client, attributes));
    let map = made(|operations| operations.cache("memory", "GET").in_memory());
    let attributes = vec![text("db.system.name", "memory"), text("db.operation.name", "GET")];
    assert_eq!(map, span("GET", SpanKind::Internal, attributes));
}

#[test]
fn a_long_text_is_cut() {
    let text = "é".repeat(2048);
    let cut = "é".repeat(1022) + "…";
    let made = made(|operations| {
        operations.db("sqlite").query_text(text.clone()).summary(text.clone()).attribute("k", text)
    });
    let attributes = vec![
        super::text("db.system.name", "sqlite"),
        KeyValue::new("db.query.summary", cut.clone()),
        KeyValue::new("db.query.text", cut.clone()),
        KeyValue::new("k", cut.clone()),
    ];
    let expected = SpanData { name: cut.into(), ..span("", SpanKind::Client, attributes) };
    assert_eq!(made, expected);
}

#[test]
fn messages_have_their_kinds_and_names() {
    let told = |operation| {
        vec![
            text("messaging.system", "kafka"),
            text("messaging.operation.name", operation),
            text("messaging.operation.type", operation),
            text("messaging.destination.name", "orders"),
        ]
    };
    let (kafka, orders) = ("kafka", "orders");
    for (made, name, operation, kind) in [
        (made(|o| o.create(kafka, orders)), "create orders", "create", SpanKind::Producer),
        (made(|o| o.send(kafka, orders)), "send orders", "send", SpanKind::Producer),
        (made(|o| o.receive(kafka, orders)), "receive orders", "receive", SpanKind::Client),
        (made(|o| o.process(kafka, orders)), "process orders", "process", SpanKind::Consumer),
        (made(|o| o.settle(kafka, orders)), "settle orders", "settle", SpanKind::Client),
    ] {
        assert_eq!(made, span(name, kind, told(operation)));
    }
}

#[test]
fn a_message_tells_all_that_is_set() {
    let made = made(|operations| {
        operations
            .process("kafka", "/customers/7")
            .operation("poll")
            .destination_template("/customers/{id}")
            .partition("3")
            .subscription("billing")
            .consumer_group("billers")
            .client_id("biller-1")
            .message_id("m-1")
            .batch(0)
            .temporary()
            .anonymous()
            .server_address("broker")
            .server_port(9092)
            .link(context(7, 8))
            .link(SpanContext::NONE)
    });
    let attributes = vec![
        text("messaging.system", "kafka"),
        text("messaging.operation.name", "poll"),
        text("messaging.operation.type", "process"),
        text("messaging.destination.name", "/customers/7"),
        text("messaging.destination.template", "/customers/{id}"),
        text("messaging.destination.partition.id", "3"),
        text("messaging.destination.subscription.name", "billing"),
        text("messaging.consumer.group.name", "billers"),
        text("messaging.client.id", "biller-1"),
        text("messaging.message.id", "m-1"),
        number("messaging.batch.message_count", 0),
        KeyValue::new("messaging.destination.temporary", true),
        KeyValue::new("messaging.destination.anonymous", true),
        text("server.address", "broker"),
        number("server.port", 9092),
    ];
    let mut expected = span("poll /customers/{id}", SpanKind::Consumer, attributes);
    expected.links.links = vec![Link::with_context(context(7, 8))];
    assert_eq!(made, expected);
}

#[test]
fn a_destination_of_many_names_stays_out_of_the_spans_name() {
    let names = [
        made(|o| o.send("rabbitmq", "amq.gen-1").anonymous()),
        made(|o| o.send("rabbitmq", "reply-1").temporary()),
        made(|o| o.send("rabbitmq", "").server_address("broker")),
        made(|o| o.send("rabbitmq", "").operation("publish")),
    ]
    .map(|made| made.name.into_owned());
    assert_eq!(names, ["send", "send", "send broker", "publish"]);
}

#[test]
fn what_sends_messages_that_were_created_is_a_client() {
    let made = made(|operations| operations.send("kafka", "orders").batch(2).link(context(7, 8)));
    assert_eq!(made.span_kind, SpanKind::Client);
}

#[test]
fn internal_work_has_the_name_it_is_given() {
    let made = made(|operations| operations.internal("price the cart").attribute("items", 2));
    assert_eq!(made, span("price the cart", SpanKind::Internal, vec![number("items", 2)]));
}

#[test]
fn an_ending_adds_what_is_known_only_then() {
    let bench = Bench::new();
    let read = bench.operations.db("postgresql").call_with(
        || 2,
        |rows| Ending::ok().status_code("01000").attribute("db.response.returned_rows", *rows),
    );
    assert_eq!(read, 2);
    let attributes = vec![
        text("db.system.name", "postgresql"),
        text("db.response.status_code", "01000"),
        number("db.response.returned_rows", 2),
    ];
    assert_eq!(bench.only(), span("postgresql", SpanKind::Client, attributes));
}

#[test]
fn a_key_that_is_set_again_is_told_once() {
    let bench = Bench::new();
    let query = bench.operations.db("sqlite").operation("SELECT").attribute("k", 1);
    let query = query.attribute("db.operation.name", "PRAGMA").attribute("k", 2);
    let ending = |_: &()| {
        let ending = Ending::failed("busy").status_code("5").status_code("6");
        ending.attribute("rows", 1).attribute("rows", 2).attribute("error.type", "mine")
    };
    query.call_with(|| (), ending);
    let expected = [
        text("db.system.name", "sqlite"),
        text("db.operation.name", "PRAGMA"),
        number("k", 2),
        text("db.response.status_code", "6"),
        number("rows", 2),
        text("error.type", "busy"),
    ];
    assert_eq!(bench.only().attributes, expected);
}

#[test]
fn what_is_static_is_not_copied() {
    const QUERY: &str = "SELECT 1";
    let made = made(|operations| operations.db("sqlite").summary("ping").query_text(QUERY));
    assert!(matches!(made.name, std::borrow::Cow::Borrowed("ping")));
    let told = made.attributes.iter().find(|told| told.key.as_str() == "db.query.text").unwrap();
    let Value::String(told) = &told.value else { panic!("{told:?}") };
    assert_eq!(told.as_str().as_ptr(), QUERY.as_ptr());
}
