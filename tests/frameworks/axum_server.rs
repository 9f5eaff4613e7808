//! Each row of "How an exchange ends" that can happen on an axum server. A service that answers
//! `Err` cannot: a router's error is `Infallible`.

use std::future::pending;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get as on_get, post};
use futures_util::stream::{self, StreamExt};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_observability::classify::{Blame, ErrorType, Outcome};
use tower_observability::testing::{Event, Record, Recorder};

use crate::support::*;

const ROUTE: &str = "/{what}";

fn ok(bytes: u64) -> Record {
    Record { route: Some(ROUTE.into()), ..server_ok(bytes) }
}

/// A body of these pieces, which then stays open unless it ends.
fn body(pieces: &'static [Result<&'static str, &'static str>], ends: bool) -> Body {
    let pieces = stream::iter(pieces).map(|piece| piece.map_err(std::io::Error::other));
    if ends {
        Body::from_stream(pieces)
    } else {
        Body::from_stream(pieces.chain(stream::pending()))
    }
}

async fn handler(request: Request<Body>) -> Response {
    let five = [("content-length", "5")];
    match request.uri().path() {
        "/text" => "hello".into_response(),
        "/stream" => body(&[Ok("he"), Ok("llo")], true).into_response(),
        "/trailers" => {
            let sum = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
            let frames = [Frame::data(Bytes::from("hello")), Frame::trailers(sum)];
            let frames = stream::iter(frames.map(Ok::<_, axum::Error>));
            ([("trailer", "x-sum")], Body::new(StreamBody::new(frames))).into_response()
        }
        "/nothing" => StatusCode::NO_CONTENT.into_response(),
        "/unchanged" => StatusCode::NOT_MODIFIED.into_response(),
        "/exact" => (five, body(&[Ok("hello")], false)).into_response(),
        "/short" => (five, body(&[Ok("hell")], true)).into_response(),
        "/long" => (five, body(&[Ok("hello!")], true)).into_response(),
        "/open" => body(&[Ok("he")], false).into_response(),
        "/broken" => body(&[Ok("he"), Err("disk")], true).into_response(),
        "/early" => "no, thanks".into_response(),
        "/panic" => panic!("boom"),
        "/pending" => pending().await,
        "/error" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        other => panic!("nothing to do for {other}"),
    }
}

async fn observed() -> (Recorder, Connection) {
    let recorder = Recorder::new();
    let router = Router::new().route(ROUTE, any(handler)).layer(server(&recorder));
    let connection = Connection::open(Http::One, serve_axum(router).await).await;
    (recorder, connection)
}

/// Asks for `path`, reads the answer as far as it comes, and answers its text and the one record.
async fn ask(method: Method, path: &str) -> (Option<String>, Record) {
    let (recorder, mut connection) = observed().await;
    let mut request = get_at(path);
    *request.method_mut() = method;
    request.headers_mut().insert("te", "trailers".parse().unwrap());
    assert_eq!(recorder.records(), []);
    let read = async { connection.send(request).await?.collect().await };
    let read = bounded(read).await.ok();
    let text = read.map(|body| String::from_utf8(body.to_bytes().to_vec()).unwrap());
    (text, recorded(&recorder).await)
}

#[tokio::test]
async fn bodies_that_end() {
    for path in ["/text", "/stream", "/trailers", "/exact"] {
        assert_eq!(ask(Method::GET, path).await, (Some("hello".into()), ok(5)), "{path}");
    }
}

#[tokio::test]
async fn answers_without_a_body() {
    for (path, status) in
        [("/nothing", StatusCode::NO_CONTENT), ("/unchanged", StatusCode::NOT_MODIFIED)]
    {
        let expected = Record { status: Some(status), ..ok(0) };
        assert_eq!(ask(Method::GET, path).await, (Some(String::new()), expected));
    }
    // axum takes the bodies of HEAD away outside of the layer
    for path in ["/text", "/stream", "/open"] {
        let expected = Record { method: Method::HEAD, ..ok(0) };
        assert_eq!(ask(Method::HEAD, path).await, (Some(String::new()), expected));
    }
}

#[tokio::test]
async fn bodies_of_another_length_than_they_said() {
    for (path, bytes, text) in [("/short", 4, None), ("/long", 6, Some("hello"))] {
        let expected = ok(bytes).ended(Outcome::Failed);
        let expected = expected.blaming(Blame::Ours, ErrorType::CONTENT_LENGTH_MISMATCH);
        assert_eq!(ask(Method::GET, path).await, (text.map(String::from), expected));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    let expected = Record { error: Some("disk".into()), ..ok(2).ended(Outcome::Failed) };
    assert_eq!(ask(Method::GET, "/broken").await, (None, expected));
}

#[tokio::test]
async fn a_handler_that_panics() {
    let expected = ok(0).unanswered().ended(Outcome::Panicked);
    assert_eq!(ask(Method::GET, "/panic").await, (None, expected));
}

#[tokio::test]
async fn a_status_that_is_an_error() {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let expected = Record { status: Some(status), ..ok(0) };
    let expected = expected.blaming(Blame::Ours, ErrorType::Status(status));
    assert_eq!(ask(Method::GET, "/error").await, (Some(String::new()), expected));
}

#[tokio::test]
async fn an_early_answer_while_the_upload_still_runs() {
    let (recorder, mut connection) = observed().await;
    let mut upload = endless_upload();
    *upload.uri_mut() = "http://localhost/early".parse().unwrap();
    assert_eq!(text(bounded(connection.send(upload)).await.unwrap()).await, "no, thanks");
    assert_eq!(recorded(&recorder).await, Record { method: Method::POST, ..ok(10) });
}

#[tokio::test]
async fn the_client_leaves_before_the_headers() {
    let (recorder, mut connection) = observed().await;
    let asking = tokio::spawn(async move { connection.send(get_at("/pending")).await });
    until(|| recorder.events() == [Event::Begin]).await;
    settle().await;
    assert_eq!(recorder.records(), []);
    asking.abort();
    assert_eq!(recorded(&recorder).await, ok(0).unanswered().ended(Outcome::Cancelled));
}

#[tokio::test]
async fn the_client_leaves_in_the_middle_of_the_body() {
    let (recorder, mut connection) = observed().await;
    let mut body = connection.send(get_at("/open")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
    settle().await;
    assert_eq!(recorder.records(), []);
    drop((body, connection));
    assert_eq!(recorded(&recorder).await, ok(2).ended(Outcome::Aborted));
}

#[tokio::test]
async fn a_request_that_is_too_large_is_told_so() {
    let recorder = Recorder::new();
    let read = post(async |bytes: Bytes| bytes.len().to_string());
    let router = Router::new().route(ROUTE, read).layer(DefaultBodyLimit::max(4));
    let address = serve_axum(router.layer(server(&recorder))).await;
    let mut connection = Connection::open(Http::One, address).await;
    let mut upload = request(Method::POST).map(|_| {
        tower_observability::testing::ScriptBody::new().exact(5).data("12345").claims_end()
    });
    *upload.uri_mut() = "http://localhost/upload".parse().unwrap();
    let response = bounded(connection.send(upload)).await.unwrap();
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    assert_eq!(response.status(), status);
    let bytes = text(response).await.len() as u64;
    let expected = Record { method: Method::POST, status: Some(status), ..ok(bytes) };
    assert_eq!(recorded(&recorder).await, Record { request_bytes: Some(5), ..expected });
}

#[tokio::test]
async fn connections_that_are_handed_over() {
    let upgrading = async |request: Request<Body>| {
        let connect = request.method() == Method::CONNECT;
        tokio::spawn(async {
            let mut io = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
            io.write_all(b"ping").await.unwrap();
        });
        let status = if connect { StatusCode::OK } else { StatusCode::SWITCHING_PROTOCOLS };
        (status, [("upgrade", "echo")])
    };
    let mut switch = get_at("/socket");
    switch.headers_mut().insert("connection", "upgrade".parse().unwrap());
    switch.headers_mut().insert("upgrade", "echo".parse().unwrap());
    let mut connect = request(Method::CONNECT);
    *connect.uri_mut() = "localhost:1".parse().unwrap();
    let switched = Record { status: Some(StatusCode::SWITCHING_PROTOCOLS), ..ok(0) };
    let connected = Record { method: Method::CONNECT, route: None, ..ok(0) };
    for (request, expected) in [(switch, switched), (connect, connected)] {
        let recorder = Recorder::new();
        let router = Router::new().route(ROUTE, on_get(upgrading)).fallback(upgrading);
        let address = serve_axum(router.layer(server(&recorder))).await;
        let mut connection = Connection::open(Http::One, address).await;
        let response = bounded(connection.send(request)).await.unwrap();
        assert_eq!(recorded(&recorder).await, Record { upgraded: true, ..expected });
        let mut io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        let mut told = [0; 4];
        io.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"ping");
    }
}
