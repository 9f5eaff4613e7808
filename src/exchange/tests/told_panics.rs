//! A panic is told by every wrapper of the exchange, whatever a layer between makes of it.

use std::panic::AssertUnwindSafe;

use bytes::Buf;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;

use crate::classify::Outcome;
use crate::classify::Side::Server;
use crate::testing::{Record, Recorder, Script};

#[tokio::test]
async fn a_panic_that_a_layer_between_turned_into_an_answer() {
    let (outer, inner) = (Recorder::new(), Recorder::new());
    let service = ServiceBuilder::new()
        .layer(outer.layer(Server))
        .layer(CatchPanicLayer::new())
        .layer(inner.layer(Server))
        .service(Script::panics("boom"));
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let bytes = response.into_body().collect().await.unwrap().to_bytes().len() as u64;
    let expect = |record: Record, clocked: &Record| Record {
        duration: clocked.duration,
        time_to_headers: clocked.time_to_headers,
        ..record.ended(Outcome::Panicked)
    };
    let (told, seen) = (outer.only(), inner.only());
    let record = Record::completed(Server, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(told, expect(Record { response_bytes: bytes, ..record.clone() }, &told));
    assert_eq!(seen, expect(record.unanswered(), &seen));
}

/// Data whose length cannot be asked for.
struct Broken;

impl Buf for Broken {
    fn remaining(&self) -> usize {
        panic!("boom")
    }

    fn chunk(&self) -> &[u8] {
        &[]
    }

    fn advance(&mut self, _: usize) {}
}

#[tokio::test]
async fn a_panic_in_the_data_of_the_body() {
    let recorder = Recorder::new();
    let body = || {
        http_body_util::StreamBody::new(futures_util::stream::iter([Ok::<_, ()>(
            http_body::Frame::data(Broken),
        )]))
    };
    let service = recorder
        .layer(Server)
        .layer(service_fn(async |_: Request<()>| Ok::<_, ()>(Response::new(body()))));
    let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert!(AssertUnwindSafe(body.frame()).catch_unwind().await.is_err());
    assert_eq!(recorder.only().outcome, Outcome::Panicked);
}
