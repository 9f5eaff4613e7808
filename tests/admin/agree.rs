//! What the live page, `/slo`, `/metrics` and the probes tell at one instant is the same.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use futures_util::FutureExt;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use prometheus::Registry;
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_observability::admin::{Admin, BearerToken};
use tower_observability::catch_panic::CatchPanicLayer;
use tower_observability::health::Health;
use tower_observability::live::{Board, LiveLayer};
use tower_observability::metrics::{MetricsLayer, MetricsService};
use tower_observability::slo::{Objective, SloLayer, SloTracker, Target};
use tower_observability::testing::ManualClock;

use crate::bench::TOKEN;

struct Service {
    app: Router,
    admin: Admin,
    health: Health,
}

impl Service {
    fn new(clock: &ManualClock) -> Self {
        let registry = Registry::new();
        let board = Board::builder().clock(clock.clock()).build().unwrap();
        let tracker = SloTracker::builder()
            .objective(
                Objective::availability("all", Target::percent("90").unwrap()).build().unwrap(),
            )
            .clock(clock.clock())
            .build()
            .unwrap();
        tracker.register(&registry).unwrap();
        let health = Health::builder().start().unwrap();
        let metrics = MetricsLayer::server().register(&registry).unwrap().clock(clock.clock());
        let ticks = clock.clone();
        let answers = async move |Path(what): Path<String>| {
            ticks.advance(Duration::from_millis(7));
            match what.as_str() {
                "panics" => panic!("as it was asked"),
                "hangs" => std::future::pending().await,
                "fails" => StatusCode::BAD_GATEWAY,
                "declines" => StatusCode::PAYMENT_REQUIRED,
                _ => StatusCode::OK,
            }
        };
        let app = Router::new()
            .route("/orders/{what}", get(answers))
            .layer(CatchPanicLayer::server())
            .layer(LiveLayer::server(&board).clock(clock.clock()))
            .layer(SloLayer::server(&tracker).clock(clock.clock()))
            .layer(metrics);
        let admin = Admin::builder(BearerToken::new(TOKEN).unwrap())
            .metrics(MetricsService::new(&registry))
            .live(board)
            .objectives(tracker)
            .health(&health)
            .build();
        Self { app, admin, health }
    }

    fn order(&self, what: &str) {
        let request = Request::get(format!("/orders/{what}")).body(Body::empty()).unwrap();
        // one that hangs is given up
        let Some(response) = self.app.clone().oneshot(request).now_or_never() else { return };
        drop(response.unwrap().into_body().collect().now_or_never());
    }

    async fn told(&self, path: &str) -> String {
        let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
        let response =
            self.admin.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.told(path).await).unwrap()
    }
}

/// The sum of the samples of a name whose labels have this in them.
fn sum(metrics: &str, name: &str, label: &str) -> f64 {
    let of_name = metrics.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    let values = of_name.filter(|line| line.contains(label)).map(|line| {
        let (_, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap()
    });
    values.sum()
}

#[tokio::test]
async fn the_page_tells_what_metrics_objectives_and_probes_tell() {
    let clock = ManualClock::new();
    let service = Service::new(&clock);
    let orders = [("works", 11), ("declines", 3), ("fails", 4), ("panics", 2), ("hangs", 5)];
    for (what, times) in orders {
        (0..times).for_each(|_| service.order(what));
    }
    service.health.drain();
    let (page, slo) = (service.json("/debug?format=json").await, service.json("/slo").await);
    let (metrics, probe) = (service.told("/metrics").await, service.json("/health").await);

    let family = page["families"].as_array().unwrap();
    let family = family.iter().find(|family| family["name"] == "/orders/{what}").unwrap();
    let told = &family["since_start"];
    assert_eq!(
        (&told["count"], &told["errors"], &told["peer_ended"]),
        (&json!(25), &json!(6), &json!(5))
    );
    let name = "http_server_request_duration_seconds";
    let route = r#"http_route="/orders/{what}""#;
    assert_eq!(sum(&metrics, &format!("{name}_count"), route), 25.0);
    for (error, count) in [("502", 4.0), ("panic", 2.0), ("cancelled", 5.0)] {
        let label = format!(r#"error_type="{error}""#);
        assert_eq!(sum(&metrics, &format!("{name}_count"), &label), count, "{error}");
    }
    let seconds = told["duration_seconds"].as_f64().unwrap();
    let measured = sum(&metrics, &format!("{name}_sum"), route);
    assert!((seconds - measured).abs() < 1e-9, "{seconds} and {measured}");
    assert!((seconds - 25.0 * 0.007).abs() < 1e-9, "each took seven milliseconds");

    assert_eq!(page["objectives"], slo["objectives"]);
    let counted = &slo["objectives"][0]["since_start"];
    assert_eq!(counted, &json!({"good": 14, "bad": 6}));
    assert_eq!(sum(&metrics, "slo_events_total", r#"outcome="good""#), 14.0);
    assert_eq!(sum(&metrics, "slo_events_total", r#"outcome="bad""#), 6.0);

    assert_eq!(page["health"][0]["name"], "drain");
    assert_eq!((&page["health"][0]["status"], &probe["status"]), (&json!("fail"), &json!("fail")));
    assert_eq!(page["active"]["count"], 0);
    assert_eq!(sum(&metrics, "http_server_active_requests", "http_request_method"), 0.0);
}
