use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;

use super::*;

fn router() -> Router {
    Router::new()
        .route("/needed", get(async |id: RequestId| id.to_string()))
        .route("/wanted", get(async |id: Option<RequestId>| format!("{id:?}")))
}

async fn answer(router: Router, path: &str) -> (StatusCode, String) {
    let call = Request::get(path).header("x-request-id", "a1").body(Body::empty()).unwrap();
    let (head, body) = router.oneshot(call).await.unwrap().into_parts();
    (head.status, String::from_utf8(to_bytes(body, 1000).await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn a_handler_takes_the_id_as_an_argument() {
    let router = router().layer(RequestIdLayer::server());
    let ok = |text: &str| (StatusCode::OK, text.to_owned());
    assert_eq!(answer(router.clone(), "/needed").await, ok("a1"));
    assert_eq!(answer(router, "/wanted").await, ok("Some(RequestId(a1))"));
}

#[tokio::test]
async fn without_the_layer_there_is_none() {
    let (status, text) = answer(router(), "/needed").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text, "there is no request ID: no RequestIdLayer is around the handler");
    assert_eq!(answer(router(), "/wanted").await, (StatusCode::OK, "None".to_owned()));
}
