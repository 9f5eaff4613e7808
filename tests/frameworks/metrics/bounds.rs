//! Whatever callers send to an axum application, its series are as many as its routes.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use prometheus::Registry;
use tower::{Service, ServiceExt};
use tower_observability::metrics::MetricsLayer;

use super::dice::Dice;
use super::gathered::{gathered, total};

const DURATION: &str = "http_server_request_duration_seconds";

async fn ask(app: &mut Router, request: Request<Body>) -> StatusCode {
    let ready = ServiceExt::<Request<Body>>::ready(app).await;
    let answer: Result<Response<Body>, Infallible> = ready.unwrap().call(request).await;
    let (head, body) = answer.unwrap().into_parts();
    body.collect().await.unwrap();
    head.status
}

#[test]
fn strangers_make_no_series() {
    const MANY: u64 = 20_000;
    let registry = Registry::new();
    let layer = MetricsLayer::server().register(&registry).unwrap();
    let mut app = Router::new()
        .route("/users/{id}", get(async || "ada"))
        .route("/files/{*path}", any(async || "text"))
        .layer(layer);
    let mut dice = Dice::new(7);
    let asking = async {
        for _ in 0..MANY {
            let method = dice.of(&["GET", "POST", "PUT", ""]).to_owned();
            let method = if method.is_empty() { format!("X{}", dice.word()) } else { method };
            let path = match dice.below(3) {
                0 => format!("/users/{}?{}", dice.word(), dice.word()),
                1 => format!("/files/{}/{}", dice.word(), dice.next()),
                _ => format!("/{}/{}/{}", dice.word(), dice.word(), dice.next()),
            };
            let request = Request::builder().method(&*method).uri(path).header("host", dice.word());
            ask(&mut app, request.body(Body::empty()).unwrap()).await;
        }
    };
    // neither a runtime nor a port is needed
    asking.now_or_never().unwrap();
    let gathered = gathered(&registry);
    let told: BTreeSet<_> = gathered
        .keys()
        .filter(|series| series.name == DURATION)
        .map(|series| {
            let label = |name| series.label(name).unwrap();
            (label("http_route"), label("http_request_method"), label("http_response_status_code"))
        })
        .collect();
    let mut expected = BTreeSet::new();
    for method in ["GET", "POST", "PUT", "_OTHER"] {
        expected.insert(("/files/{*path}", method, "200"));
        expected.insert(("_unmatched", method, "404"));
        expected.insert(("/users/{id}", method, if method == "GET" { "200" } else { "405" }));
    }
    assert_eq!(told, expected);
    assert_eq!(total(&gathered, DURATION), MANY);
}
