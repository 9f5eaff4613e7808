//! `ReqwestService` against a real server on the loopback.
#![cfg(feature = "reqwest")]

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Redirect;
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Method, StatusCode, Version};
use http_body_util::BodyExt;
use static_assertions::assert_impl_all;
use tower::{Service, ServiceExt};
use tower_observability::reqwest::{ReqwestService, ResponseFuture};

assert_impl_all!(ReqwestService: Clone, Send, Sync);
assert_impl_all!(ResponseFuture: Send);

/// Starts the server; its base URL.
async fn server() -> String {
    let router = Router::new()
        .route(
            "/echo",
            any(async |request: Request| {
                let (head, body) = request.into_parts();
                let line = format!("{} {:?}", head.method, head.version);
                let named = head.headers.get("x-sent").cloned();
                let mut response = http::Response::new(body);
                response.headers_mut().insert("x-line", line.parse().unwrap());
                response
                    .headers_mut()
                    .extend(named.map(|sent| (http::HeaderName::from_static("x-echo"), sent)));
                response
            }),
        )
        .route(
            "/stream",
            get(async || {
                let pieces =
                    ["one", "two", "three"].map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
                Body::from_stream(futures_util::stream::iter(pieces))
            }),
        )
        .route(
            "/broken",
            get(async || {
                let pieces = [Ok(Bytes::from("half")), Err(std::io::Error::other("cut"))];
                // the headers and the first piece are on their way before the error
                Body::from_stream(futures_util::stream::iter(pieces).then(async |piece| {
                    tokio::task::yield_now().await;
                    piece
                }))
            }),
        )
        .route("/missing", get(async || StatusCode::NOT_FOUND))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(600)).await))
        .route("/moved", get(async || Redirect::temporary("/missing")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn service() -> ReqwestService {
    ReqwestService::new(reqwest::Client::builder().no_proxy().build().unwrap())
}

async fn text(response: http::Response<reqwest::Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn method_headers_and_every_kind_of_body_pass() {
    let url = format!("{}/echo", server().await);
    let call =
        |body: reqwest::Body| http::Request::put(&url).header("x-sent", "kept").body(body).unwrap();
    let stream = http_body_util::Full::new(Bytes::from("hello"));
    for body in ["hello".into(), Bytes::from("hello").into(), reqwest::Body::wrap(stream)] {
        let response = service().oneshot(call(body)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.version(), Version::HTTP_11);
        assert_eq!(response.headers()["x-line"], "PUT HTTP/1.1");
        assert_eq!(response.headers()["x-echo"], "kept");
        assert_eq!(text(response).await, "hello");
    }
    let mut service = service();
    for method in [Method::DELETE, Method::OPTIONS] {
        // what is not a reqwest::Body yet
        let call = http::Request::builder().method(&method).uri(&url).body(String::from("text"));
        let ready = ServiceExt::<http::Request<String>>::ready(&mut service).await.unwrap();
        let response = ready.call(call.unwrap()).await.unwrap();
        assert_eq!(response.headers()["x-line"], format!("{method} HTTP/1.1"));
        assert_eq!(text(response).await, "text");
    }
}

#[tokio::test]
async fn the_version_passes() {
    let url = format!("{}/echo", server().await);
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let call = http::Request::get(url).version(Version::HTTP_2).body("").unwrap();
    let response = ReqwestService::from(client).oneshot(call).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.headers()["x-line"], "GET HTTP/2.0");
}

#[tokio::test]
async fn a_stream_comes_in_whole_and_a_broken_one_as_an_error() {
    let url = server().await;
    let get = |path: &str| http::Request::get(format!("{url}{path}")).body("").unwrap();
    let response = service().oneshot(get("/stream")).await.unwrap();
    assert_eq!(text(response).await, "onetwothree");
    let response = service().oneshot(get("/broken")).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_status_is_not_an_error_and_redirects_are_the_clients() {
    let url = server().await;
    let get = |path: &str| http::Request::get(format!("{url}{path}")).body("").unwrap();
    let response = service().oneshot(get("/missing")).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let response = service().oneshot(get("/moved")).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND, "it was followed");
    let none = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().no_proxy().redirect(none).build().unwrap();
    let response = ReqwestService::new(client).oneshot(get("/moved")).await.unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn a_uri_that_cannot_be_sent_to_is_an_error_of_reqwest() {
    for uri in ["/relative", "*", "example.com:80", "ftp://example.com/", "mailto:a", "http://[::1"]
    {
        let Ok(uri) = uri.parse::<http::Uri>() else { continue };
        let call = http::Request::get(uri.clone()).body("").unwrap();
        let error = service().oneshot(call).await.unwrap_err();
        assert!(error.is_builder() || error.is_request(), "{uri}: {error:?}");
    }
}

#[tokio::test]
async fn what_the_client_refuses_stays_its_error() {
    let url = server().await;
    // a port that nobody listens at: bound, then let go
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let call = http::Request::get(format!("http://{free}/")).body("").unwrap();
    assert!(service().oneshot(call).await.unwrap_err().is_connect());

    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(20));
    let call = http::Request::get(format!("{url}/slow")).body("").unwrap();
    let slow = ReqwestService::new(client.build().unwrap()).oneshot(call).await;
    assert!(slow.unwrap_err().is_timeout());
}

#[tokio::test]
async fn polled_again_after_its_error_a_future_does_not_panic() {
    let mut future = Box::pin(service().call(http::Request::get("/relative").body("").unwrap()));
    assert!(future.as_mut().await.is_err());
    assert!(futures_util::FutureExt::now_or_never(future).is_none());
}

#[cfg(feature = "request-id")]
mod with_request_ids {
    use http::HeaderMap;
    use tower::Layer;
    use tower_observability::request_id::RequestIdLayer;

    use super::*;

    /// A service whose handler answers the ID it has and the one it was sent.
    async fn inner() -> String {
        let handler =
            async |headers: HeaderMap| headers["x-request-id"].to_str().unwrap().to_owned();
        let router = Router::new().route("/", get(handler)).layer(RequestIdLayer::server());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/")
    }

    #[tokio::test]
    async fn one_id_from_the_outside_to_the_last_service() {
        let url = inner().await;
        let http = RequestIdLayer::client().layer(service());
        let outer = Router::new()
            .route(
                "/",
                get(async move || {
                    let call = http::Request::get(url).body(String::new()).unwrap();
                    let response = http.oneshot(call).await.unwrap();
                    let echoed = response.headers()["x-request-id"].to_str().unwrap().to_owned();
                    let body = response.into_body().collect().await.unwrap().to_bytes();
                    format!("{echoed} {}", String::from_utf8_lossy(&body))
                }),
            )
            .layer(RequestIdLayer::server());
        for sent in [Some("order-7"), None] {
            let mut call = http::Request::get("/");
            if let Some(sent) = sent {
                call = call.header("x-request-id", sent);
            }
            let call = call.body(Body::empty()).unwrap();
            let response = outer.clone().oneshot(call).await.unwrap();
            let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            assert!(sent.is_none_or(|sent| sent == id));
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, format!("{id} {id}"));
        }
    }
}
