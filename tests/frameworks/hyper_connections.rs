//! Connections of hyper's HTTP/1 and HTTP/2 servers: clients that leave, streams side by side, and
//! connections that are handed over.

use std::convert::Infallible;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, service_fn};
use tower_observability::classify::Outcome;
use tower_observability::classify::Side::Server;
use tower_observability::testing::{Event, Record, Recorder, Script, ScriptBody};

use crate::support::{server_ok as ok, *};

#[tokio::test]
async fn the_client_leaves_before_the_headers() {
    for version in BOTH {
        let recorder = Recorder::new();
        let address = serve(version, server(&recorder).layer(Script::pends())).await;
        let mut connection = Connection::open(version, address).await;
        let asking = tokio::spawn(async move { connection.send(get()).await });
        until(|| recorder.events() == [Event::Begin]).await;
        settle().await;
        assert_eq!(recorder.records(), []);
        // which closes an HTTP/1 connection, and resets an HTTP/2 stream
        asking.abort();
        assert_eq!(recorded(&recorder).await, ok(0).unanswered().ended(Outcome::Cancelled));
    }
}

#[tokio::test]
async fn the_client_leaves_in_the_middle_of_the_body() {
    for version in BOTH {
        let recorder = Recorder::new();
        let script = Script::body(ScriptBody::new().data("he").pending());
        let address = serve(version, server(&recorder).layer(script)).await;
        let mut connection = Connection::open(version, address).await;
        let mut body = connection.send(get()).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
        settle().await;
        assert_eq!(recorder.records(), []);
        drop(body);
        assert_eq!(recorded(&recorder).await, ok(2).ended(Outcome::Aborted));
    }
}

#[tokio::test]
async fn a_reset_stream_leaves_the_others_of_its_connection_alone() {
    let recorder = Recorder::new();
    let script = Script::body(ScriptBody::new().data("he").pending());
    let address = serve(Http::Two, server(&recorder).layer(script)).await;
    let mut connection = Connection::open(Http::Two, address).await;
    let reset = connection.send(get()).await.unwrap();
    let kept = connection.send(get()).await.unwrap();
    drop(reset);
    assert_eq!(recorded(&recorder).await, ok(2).ended(Outcome::Aborted));
    drop(kept);
    until(|| recorder.records().len() == 2).await;
    assert_eq!(recorder.records()[1], ok(2).ended(Outcome::Aborted));
}

#[tokio::test]
async fn requests_of_one_connection_are_exchanges_of_their_own() {
    for version in BOTH {
        let recorder = Recorder::new();
        let script = Script::body(ScriptBody::new().data("hello"));
        let address = serve(version, server(&recorder).layer(script)).await;
        let mut connection = Connection::open(version, address).await;
        for number in 1..=3 {
            assert_eq!(text(connection.send(get()).await.unwrap()).await, "hello");
            until(|| recorder.records().len() == number).await;
        }
        assert_eq!(recorder.records(), [ok(5), ok(5), ok(5)]);
    }
}

/// Hands the connection over and echoes four bytes on it.
async fn upgrading(request: Request<Incoming>) -> Response<ScriptBody> {
    let connect = request.method() == Method::CONNECT;
    tokio::spawn(async move {
        let mut io = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
        let mut bytes = [0; 4];
        io.read_exact(&mut bytes).await.unwrap();
        io.write_all(&bytes).await.unwrap();
        io.shutdown().await.unwrap();
    });
    let mut response = Response::new(ScriptBody::new().claims_end());
    if !connect {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", "echo".parse().unwrap());
    }
    response
}

#[tokio::test]
async fn connections_that_are_handed_over() {
    let mut switch = get();
    switch.headers_mut().insert("connection", "upgrade".parse().unwrap());
    switch.headers_mut().insert("upgrade", "echo".parse().unwrap());
    let mut connect = request(Method::CONNECT);
    *connect.uri_mut() = "localhost:1".parse().unwrap();
    let switched = Record::completed(Server, StatusCode::SWITCHING_PROTOCOLS);
    let connected = Record { method: Method::CONNECT, ..ok(0) };
    for (version, request, expected) in [
        (Http::One, switch, switched),
        (Http::One, connect.clone(), connected.clone()),
        (Http::Two, connect, connected),
    ] {
        let recorder = Recorder::new();
        let upgrading = service_fn(async |request| Ok::<_, Infallible>(upgrading(request).await));
        let address = serve(version, server(&recorder).layer(upgrading)).await;
        let mut connection = Connection::open(version, address).await;
        let response = connection.send(request).await.unwrap();
        assert_eq!(recorded(&recorder).await, Record { upgraded: true, ..expected });
        let mut io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        io.write_all(b"ping").await.unwrap();
        let mut echoed = [0; 4];
        io.read_exact(&mut echoed).await.unwrap();
        assert_eq!(&echoed, b"ping");
        drop(io);
        settle().await;
        recorder.only();
    }
}
