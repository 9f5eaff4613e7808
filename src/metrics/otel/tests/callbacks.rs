//! What the SDK asks for: while exchanges are under way, and once a layer is gone.

use http::Request;
use prometheus::Registry;
use tower::{Layer, Service};

use super::{Point, Sdk, Told, count, gathered, only};
use crate::exchange::tests::poll_once;
use crate::metrics::MetricsLayer;
use crate::testing::Script;

const ACTIVE: &str = "http_server_active_requests";
const MOST: &str = "http_server_active_requests_max";

fn gauges(told: &Told) -> (Point, Point) {
    (only(told, ACTIVE).clone(), only(told, MOST).clone())
}

fn gauge(now: f64, most: f64) -> (Point, Point) {
    (Point::Gauge(now), Point::Gauge(most))
}

#[tokio::test]
async fn each_backend_sees_the_most_since_it_was_read_itself() {
    let (registry, sdk) = (Registry::new(), Sdk::new());
    let layer = MetricsLayer::server().meter_provider(&sdk.provider).register(&registry).unwrap();
    let mut service = layer.layer(Script::pends());
    assert_eq!((gathered(&registry).get(&key()), sdk.told().get(&key())), (None, None));
    let mut answers: Vec<_> = (0..3).map(|_| Box::pin(service.call(Request::new(())))).collect();
    for answer in &mut answers {
        assert!(poll_once(answer).await.is_pending());
    }
    answers.truncate(1);
    for _ in 0..2 {
        // what one reads is no news to the other
        assert_eq!(gauges(&gathered(&registry)), gauge(1.0, 3.0));
        assert_eq!(gauges(&gathered(&registry)), gauge(1.0, 1.0));
        assert_eq!(gauges(&sdk.told()), gauge(1.0, 3.0));
        assert_eq!(gauges(&sdk.told()), gauge(1.0, 1.0));
        answers.extend((0..2).map(|_| Box::pin(service.call(Request::new(())))));
        answers.truncate(1);
    }
    drop(answers);
    assert_eq!(gauges(&sdk.told()), gauge(0.0, 3.0));
    assert_eq!(gauges(&gathered(&registry)), gauge(0.0, 3.0));
}

fn key() -> (String, Vec<(String, String)>) {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    (ACTIVE.to_owned(), vec![label("http_request_method", "GET"), label("url_scheme", "http")])
}

#[test]
fn a_layer_that_is_gone_tells_nothing_more() {
    let sdk = Sdk::new();
    let layer = MetricsLayer::server().meter_provider(&sdk.provider).build().unwrap();
    let mut service = layer.layer(Script::pends());
    let instruments = std::sync::Arc::downgrade(&layer.observer().instruments);
    drop(layer);
    let answer = service.call(Request::new(()));
    assert_eq!(gauges(&sdk.told()), gauge(1.0, 1.0));
    drop(service);
    assert_eq!(only(&sdk.told(), ACTIVE), &Point::Gauge(1.0), "an exchange is still under way");
    drop(answer);
    assert!(instruments.upgrade().is_none());
    let told = sdk.told();
    // what was recorded was; only what is read now is gone
    assert_eq!(count(&told, "http_server_request_duration_seconds"), 1);
    let observed = ["_active_", "_shed_", "_overflow_"];
    let observed = told.keys().filter(|(name, _)| observed.iter().any(|part| name.contains(part)));
    assert_eq!(observed.collect::<Vec<_>>(), Vec::<&(String, _)>::new());
}

#[test]
fn a_provider_that_is_shut_down_costs_the_other_backend_nothing() {
    let (registry, sdk) = (Registry::new(), Sdk::new());
    sdk.provider.shutdown().unwrap();
    let layer = MetricsLayer::server().meter_provider(&sdk.provider).register(&registry).unwrap();
    let mut service = layer.layer(Script::pends());
    drop(service.call(Request::new(())));
    assert_eq!(count(&gathered(&registry), "http_server_request_duration_seconds"), 1);
}
