//! Names of spans: a method and a template, and nothing that a caller chose.

use http::Method;

use super::attributes::{asked, handled, received, span};
use super::*;
use crate::exchange::Facts;
use crate::route::Route;

#[tokio::test]
async fn a_route_that_the_handler_told_late() {
    let bench = Bench::new();
    let tells = handled(|| assert!(Facts::current().unwrap().set_route("/users/{id}")));
    let request = get("/users/7").body(()).unwrap();
    let expected = served(&[("url.path", "/users/7".into()), ("http.route", "/users/{id}".into())]);
    let told = span(&bench, bench.server(), tells, request).await;
    assert_eq!(told, expected.named("GET /users/{id}"));
}

#[tokio::test]
async fn a_route_without_a_word_is_none() {
    let bench = Bench::new();
    let tells = handled(|| assert!(Facts::current().unwrap().set_route("")));
    let told = span(&bench, bench.server(), tells, get("/").body(()).unwrap()).await;
    assert_eq!(told, served(&[]));
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn the_route_that_axum_matched() {
    use axum::body::Body;
    use axum::{Router, routing};

    for (path, status, route) in [
        ("/v1/users/7", 200, Some("/v1/users/{id}")),
        ("/v1/users/8?page=2", 200, Some("/v1/users/{id}")),
        ("/v1/nobody", 404, None),
    ] {
        let bench = Bench::new();
        let users = Router::new().route("/users/{id}", routing::get(async || ()));
        // inside of a nested router the request has the rest of the path only
        let router = Router::new().nest("/v1", users.layer(bench.server())).layer(bench.server());
        let request = get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut expected = served(&[
            ("http.response.status_code", status.into()),
            ("url.path", path.to_owned().into()),
        ]);
        if !query.is_empty() {
            expected = expected.and("url.query", query.to_owned());
        }
        if let Some(route) = route {
            expected = expected.named(&format!("GET {route}")).and("http.route", route);
        }
        assert_eq!(bench.spans.only(), expected);
    }
}

#[tokio::test]
async fn methods_that_are_not_known() {
    let long = "X".repeat(3000);
    let cut = "X".repeat(2045) + "…";
    for (method, told) in [("FOOBAR", "FOOBAR"), ("get", "get"), (&*long, &*cut)] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let other = |record: SpanRecord| {
            record
                .named("HTTP")
                .and("http.request.method", "_OTHER")
                .and("http.request.method_original", told.to_owned())
        };
        let request = || Request::builder().method(method.clone());
        let span = received(request().uri("/").body(()).unwrap()).await;
        assert_eq!(span, other(served(&[])));
        let uri = "http://shop.example/";
        assert_eq!(asked(request().uri(uri).body(()).unwrap()).await, other(sent(&[])));
        let routed = request().uri(uri).extension(Route::from("/all"));
        let expected = other(sent(&[("url.template", "/all".into())]));
        assert_eq!(asked(routed.body(()).unwrap()).await, expected.named("HTTP /all"));
    }
}
