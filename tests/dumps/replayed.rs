//! A client of reqwest sends a body again, after a redirect and after a failure, while it is captured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use http::StatusCode;
use tower::{Layer, ServiceExt};
use tower_observability::debug_dump::{BodyFate, DebugDumpLayer};
use tower_observability::reqwest::ReqwestService;

use crate::armed::*;
use crate::support::*;

#[tokio::test]
async fn bodies_are_sent_again() {
    let _turn = turn().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let unlucky = async move |body: Bytes| match counted.fetch_add(1, Ordering::Relaxed) % 3 {
        2 => body.into_response(),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let router = Router::new()
        .route("/", post(async |body: Bytes| body))
        .route("/moved", post(async || Redirect::temporary("/")))
        .route("/unlucky", post(unlucky));
    let address = serve_axum(router).await;
    let again =
        reqwest::retry::for_host("127.0.0.1").max_retries_per_request(2).classify_fn(|attempt| {
            match attempt.status() {
                Some(StatusCode::SERVICE_UNAVAILABLE) => attempt.retryable(),
                _ => attempt.success(),
            }
        });
    let client = reqwest::Client::builder().no_proxy().retry(again).build().unwrap();
    let control = armed();
    let client = DebugDumpLayer::client(&control).layer(ReqwestService::new(client));
    for (nth, path) in ["/", "/moved", "/unlucky"].into_iter().enumerate() {
        let request = http::Request::post(format!("http://{address}{path}"));
        let request =
            request.header("content-type", "text/plain").body(reqwest::Body::from("once")).unwrap();
        let response = bounded(client.clone().oneshot(request)).await.unwrap();
        assert_eq!((response.status(), text(response.into_body()).await), (OK, "once".into()));

        let capture = captured(&control, nth + 1).await.remove(nth);
        let body = &capture.request.body;
        assert_eq!((&*body.kept, body.total, body.fate), (&b"once"[..], 4, BodyFate::Whole));
        assert_eq!(body.withheld, None);
        assert_eq!(capture.response.as_ref().unwrap().body.total, 4);
    }
    assert_eq!(tries.load(Ordering::Relaxed), 3);
}
