//! Under axum, and by hyper over HTTP/1 and HTTP/2.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use reqwest::Method;
use tokio::net::TcpListener;
use tower_observability::health::Details;

use super::*;

/// Status, type, length and body.
type Answer = (u16, String, Option<String>, String);

async fn asked(client: &reqwest::Client, method: Method, url: String) -> Answer {
    let response = client.request(method, url).send().await.unwrap();
    let header = |name| {
        let value = response.headers().get(name);
        value.map(|value: &http::HeaderValue| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    let (status, kind) = (response.status().as_u16(), header("content-type").unwrap());
    (status, kind, header("content-length"), response.text().await.unwrap())
}

/// What is asked, and answered, wherever it is served.
async fn same(client: &reqwest::Client, address: &str) {
    let (json, text) = ("application/health+json", "text/plain; charset=utf-8");
    let fails = r#"{"status":"fail","checks":{"db":[{"status":"fail"}]}}"#;
    let details = r#"{"status":"fail","version":"1","releaseId":"1.2.3","checks":{"db":[{"status":"fail","output":"has not run yet"}]}}"#;
    let lines = "[-]db failed: reason withheld\nreadyz check failed\n";
    let excluded = "[+]db excluded: ok\nreadyz check passed\n";
    for (path, status, kind, expected) in [
        ("/livez", 200, json, r#"{"status":"pass","checks":{}}"#),
        ("/readyz", 503, json, fails),
        ("/readyz?verbose", 503, text, lines),
        ("/readyz?verbose&exclude=db", 200, text, excluded),
        ("/internal/health", 503, json, details),
    ] {
        let length = Some(expected.len().to_string());
        let url = format!("http://{address}{path}");
        let got = asked(client, Method::GET, url.clone()).await;
        assert_eq!(got, (status, kind.into(), length.clone(), expected.into()), "{path}");
        let head = asked(client, Method::HEAD, url.clone()).await;
        assert_eq!(head, (status, kind.into(), length, String::new()), "{path}");
        assert_eq!(asked(client, Method::POST, url).await.0, 405);
    }
}

/// Nothing has passed, nor ever will.
fn health() -> Health {
    builder().component(Component::new("db", pending::<()>).timeout(SELDOM)).start().unwrap()
}

#[tokio::test]
async fn under_axum() {
    let health = health();
    let internal = health.service().details(Details::Told);
    let app = Router::new()
        .route_service("/livez", health.service())
        .route_service("/readyz", health.service())
        .nest_service("/internal", internal);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    same(&reqwest::Client::new(), &address).await;
}

#[tokio::test]
async fn by_hyper() {
    let health = health();
    let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let is_internal = request.uri().path().starts_with("/internal/");
        let details = if is_internal { Details::Told } else { Details::Withheld };
        tower::ServiceExt::oneshot(health.service().details(details), request)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let connection = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                connection.serve_connection(TokioIo::new(stream), service).await
            });
        }
    });
    same(&reqwest::Client::new(), &address).await;
    let http2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    same(&http2, &address).await;
}

#[tokio::test]
async fn a_drain_is_seen_at_once_and_the_server_ends_after_it() {
    let (component, is_well) = switched("db", &[Group::Ready]);
    let health = builder().component(component).start().unwrap();
    is_well.store(true, Ordering::Relaxed);
    health.until_healthy(Group::Ready).await;
    let app = Router::new()
        .route_service("/livez", health.service())
        .route_service("/readyz", health.service());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = ended.await;
    });
    let server = tokio::spawn(async move { server.await });
    let client = reqwest::Client::new();
    let get = async |path| {
        let url = format!("http://{address}{path}");
        asked(&client, Method::GET, url).await.0
    };
    assert_eq!((get("/readyz").await, get("/livez").await), (200, 200));
    health.drain();
    assert_eq!((get("/readyz").await, get("/livez").await), (503, 200));
    end.send(()).unwrap();
    drop(client);
    server.await.unwrap().unwrap();
    health.stop();
}
