//! What the tests share: a service, those who ask it, and what its operators see.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tower_observability::admin::Closed;
use tower_observability::telemetry::Telemetry;

/// So long that only a test that hangs meets it.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Fails where a test would hang.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.expect("hangs")
}

/// Waits until `ready` says so.
pub(crate) async fn until(mut ready: impl AsyncFnMut() -> bool) {
    within(async {
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// A service, everything of it observed.
pub(crate) fn shop(telemetry: &Telemetry) -> Router {
    Router::new()
        .route("/orders/{id}", get(|| async { "an order" }))
        .route("/hang", get(std::future::pending::<()>))
        .layer(telemetry.server())
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves the shop for as long as the runtime lives.
pub(crate) async fn open(telemetry: &Telemetry) -> SocketAddr {
    let (listener, address) = listen().await;
    let shop = shop(telemetry);
    tokio::spawn(async { axum::serve(listener, shop).await });
    address
}

pub(crate) fn http1() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) fn http2() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap()
}

/// Asks so often over four connections; fails unless each request is answered well.
pub(crate) async fn ask(address: SocketAddr, requests: usize) {
    const CONNECTIONS: usize = 4;
    let mut asking = JoinSet::new();
    for connection in 0..CONNECTIONS {
        asking.spawn(async move {
            let client = http1();
            for id in (connection..requests).step_by(CONNECTIONS) {
                assert_eq!(order(&client, address, id).await.unwrap(), StatusCode::OK);
            }
        });
    }
    within(async {
        while let Some(asked) = asking.join_next().await {
            asked.unwrap();
        }
    })
    .await;
}

/// Asks once, and reads all of the answer.
pub(crate) async fn order(
    client: &reqwest::Client,
    address: SocketAddr,
    id: usize,
) -> reqwest::Result<StatusCode> {
    let response = client.get(format!("http://{address}/orders/{id}")).send().await?;
    let status = response.status();
    assert_eq!(response.text().await?, "an order");
    Ok(status)
}

/// How much was lost of a signal for good, as a scrape tells it.
pub(crate) async fn lost(telemetry: &Telemetry, signal: &str) -> u64 {
    let admin = telemetry.admin(Closed).build().into_router();
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let body = admin.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
    let signal = format!("signal=\"{signal}\"");
    let mut told = text.lines().filter(|line| line.starts_with("telemetry_lost_total{"));
    let line = told.find(|line| line.contains(&signal)).unwrap_or_else(|| panic!("{text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}
