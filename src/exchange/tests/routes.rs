//! Which route is told, where several are known.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, Version, request, response};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

use super::grpc_request;
use crate::classify::Side::{Client, Server};
use crate::classify::{Outcome, Side};
use crate::exchange::{End, Facts, ObserveLayer, Observer};
use crate::route::{Route, Routes};
use crate::testing::{Recorder, Script, ScriptBody};

fn grpc(code: &'static str) -> Script {
    Script::status(http::StatusCode::OK)
        .with_header("content-type", "application/grpc")
        .with_header("grpc-status", code)
}

async fn told(side: Side, outer: Routes, inner: Routes, script: Script) -> Option<Route> {
    let recorder = Recorder::new();
    let service = ServiceBuilder::new()
        .layer(recorder.layer(side).routes(outer))
        .layer(ObserveLayer::new(side, ()).routes(inner))
        .service(script);
    service.oneshot(grpc_request(None)).await.unwrap();
    recorder.only().route
}

#[tokio::test]
async fn an_inner_list_of_methods_bounds_what_an_outer_wrapper_saw() {
    let listed = |method| Routes::new().grpc_methods([method]).unwrap();
    let none = Routes::new;
    assert_eq!(told(Server, none(), none(), grpc("0")).await, Some("shop.Cart/Add".into()));
    assert_eq!(told(Server, none(), listed("a.B/C"), grpc("0")).await, Some(Route::OTHER));
    assert_eq!(
        told(Server, none(), listed("shop.Cart/Add"), grpc("12")).await,
        Some("shop.Cart/Add".into())
    );
    let extracted = Routes::new().extract(|_| Some("mine".into()));
    assert_eq!(told(Server, none(), extracted, grpc("0")).await, Some("mine".into()));
}

#[tokio::test]
async fn a_method_the_server_does_not_know_is_other() {
    let none = Routes::new;
    assert_eq!(told(Server, none(), none(), grpc("12")).await, Some(Route::OTHER));
    assert_eq!(told(Client, none(), none(), grpc("12")).await, Some("shop.Cart/Add".into()));
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn a_client_does_not_take_the_route_of_the_request_it_forwards() {
    use axum::body::Body;
    use axum::routing::get;
    let (server, client) = (Recorder::new(), Recorder::new());
    let inside = client.layer(Client).layer(service_fn(|_: Request<Body>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    }));
    let forward = get(|request: Request<Body>| async {
        inside.oneshot(request).await.map(|response| response.map(Body::new))
    });
    let app = axum::Router::new().route("/proxy/{*rest}", forward).layer(server.layer(Server));
    app.oneshot(Request::get("/proxy/a").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(server.only().route, Some("/proxy/{*rest}".into()));
    assert_eq!(client.only().route, None);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axums_match_goes_before_a_strangers_grpc_path() {
    use axum::body::Body;
    use axum::routing::post;
    let recorder = Recorder::new();
    let app = axum::Router::new()
        .route("/{service}/{method}", post(async || "plain"))
        .layer(recorder.layer(Server));
    app.oneshot(grpc_request(None).map(|()| Body::empty())).await.unwrap();
    assert_eq!(recorder.only().route, Some("/{service}/{method}".into()));
}

/// Keeps the version that was told, and turns every answer into a 503.
#[derive(Clone, Default)]
struct Turns(Arc<std::sync::Mutex<Vec<Option<Version>>>>);

impl Observer for Turns {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    fn response(&self, (): &mut (), head: &mut response::Parts, _: &Arc<Facts>) {
        head.status = http::StatusCode::SERVICE_UNAVAILABLE;
    }

    fn end(&self, (): (), end: &End<'_>) {
        self.0.lock().unwrap().push(end.version);
    }
}

#[tokio::test]
async fn a_status_that_an_observer_changed_is_the_one_told() {
    let recorder = Recorder::new();
    let service = ObserveLayer::new(Server, (recorder.clone(), Turns::default()))
        .layer(Script::body(ScriptBody::new()));
    let response = service.oneshot(Request::new(())).await.unwrap();
    drop(response);
    assert_eq!(recorder.only().status, Some(http::StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(recorder.only().outcome, Outcome::Aborted);
}

#[tokio::test]
async fn the_version_is_the_requests_on_a_server_and_the_responses_on_a_client() {
    let versions = Turns::default();
    let answers = || {
        service_fn(async |_: Request<()>| {
            let mut response = Response::new(ScriptBody::new().claims_end());
            *response.version_mut() = Version::HTTP_2;
            Ok::<_, Infallible>(response)
        })
    };
    for side in [Server, Client] {
        let layer = ObserveLayer::new(side, versions.clone());
        layer.layer(answers()).oneshot(Request::new(())).await.unwrap();
        let _ = layer.layer(Script::fails("no")).oneshot(Request::new(())).await;
    }
    let seen = versions.0.lock().unwrap().clone();
    assert_eq!(seen, [Some(Version::HTTP_11), Some(Version::HTTP_11), Some(Version::HTTP_2), None]);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axums_match_goes_before_a_strangers_grpc_path_without_an_answer_too() {
    use axum::body::Body;
    use axum::routing::post;
    let recorder = Recorder::new();
    let app = axum::Router::new()
        .route("/{service}/{method}", post(std::future::pending::<()>))
        .layer(recorder.layer(Server));
    let mut call = Box::pin(app.oneshot(grpc_request(None).map(|()| Body::empty())));
    assert!(super::poll_once(&mut call).await.is_pending());
    drop(call);
    assert_eq!(recorder.only().outcome, Outcome::Cancelled);
    assert_eq!(recorder.only().route, Some("/{service}/{method}".into()));
}
