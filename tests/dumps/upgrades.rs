//! Connections that are handed over, while everything is captured.

use std::convert::Infallible;

use axum::Router;
use axum::routing::any;
use http::{Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, service_fn};
use tower_observability::classify::Outcome;
use tower_observability::debug_dump::{BodyFate, DebugDumpLayer};
use tower_observability::testing::ScriptBody;

use crate::armed::*;
use crate::support::*;

/// Hands the connection over and echoes what comes on it.
fn handed_over<B>(mut request: Request<B>) -> Response<ScriptBody> {
    let upgrade: OnUpgrade = request.extensions_mut().remove().unwrap();
    tokio::spawn(async move {
        let (mut read, mut write) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
        // ends in an error where the other end has gone
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    let mut response = Response::new(ScriptBody::new().claims_end());
    if request.method() != Method::CONNECT {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", "echo".parse().unwrap());
        response.headers_mut().insert("connection", "upgrade".parse().unwrap());
    }
    response
}

fn switch() -> Request<ScriptBody> {
    let mut switch = get();
    switch.headers_mut().insert("connection", "upgrade".parse().unwrap());
    switch.headers_mut().insert("upgrade", "echo".parse().unwrap());
    switch
}

fn connect() -> Request<ScriptBody> {
    let mut connect = request(Method::CONNECT);
    *connect.uri_mut() = "localhost:1".parse().unwrap();
    connect
}

#[tokio::test]
async fn they_carry_what_is_sent() {
    let _turn = turn().await;
    let switched = StatusCode::SWITCHING_PROTOCOLS;
    for (on_axum, version, request, status, fate) in [
        (false, Http::One, switch(), switched, BodyFate::Unknown),
        (false, Http::One, connect(), OK, BodyFate::Unknown),
        (false, Http::Two, connect(), OK, BodyFate::Unknown),
        (true, Http::One, switch(), switched, BodyFate::Whole),
        (true, Http::One, connect(), OK, BodyFate::Whole),
    ] {
        let control = armed();
        let layer = DebugDumpLayer::server(&control);
        let address = if on_axum {
            let handler = async |request: axum::extract::Request| {
                handed_over(request).map(axum::body::Body::new)
            };
            serve_axum(Router::new().fallback(any(handler)).layer(layer)).await
        } else {
            let service = service_fn(async |request| Ok::<_, Infallible>(handed_over(request)));
            serve(version, layer.layer(service)).await
        };
        let mut connection = Connection::open(version, address).await;
        let response = bounded(connection.send(request.clone())).await.unwrap();
        assert_eq!(response.status(), status);
        let mut io = TokioIo::new(bounded(hyper::upgrade::on(response)).await.unwrap());
        for _ in 0..3 {
            io.write_all(b"ping").await.unwrap();
            let mut echoed = [0; 4];
            bounded(io.read_exact(&mut echoed)).await.unwrap();
            assert_eq!(&echoed, b"ping");
        }
        drop(io);

        let capture = captured(&control, 1).await.remove(0);
        let answered = capture.response.as_ref().unwrap();
        assert_eq!(
            (capture.outcome, &capture.request.method, answered.status, answered.body.total),
            (Outcome::Completed, request.method(), status, 0)
        );
        assert_eq!(capture.request.body.fate, fate, "{version:?} {}", request.method());
    }
}
