//! What can be set, and what is refused.

use prometheus::Registry;

use super::*;
use crate::config::ConfigError;
use crate::trace::TraceLayer;

fn refused<T: std::fmt::Debug>(result: Result<T, ConfigError>) -> (&'static str, String) {
    let error = result.unwrap_err();
    (error.field(), error.value().to_owned())
}

#[test]
fn parts_of_the_other_side_are_refused_by_name() {
    let telemetry = Telemetry::builder("shop").build().unwrap();
    let mut server = telemetry.server_parts();
    server.trace = Some(TraceLayer::client());
    assert_eq!(refused(server.fuse()), ("trace", "client".to_owned()));
    let mut client = telemetry.client_parts();
    client.metrics = telemetry.server_parts().metrics;
    assert_eq!(refused(client.fuse()), ("metrics", "server".to_owned()));
    assert!(telemetry.server_parts().fuse().is_ok());
    assert!(telemetry.client_parts().fuse().is_ok());
}

#[test]
fn one_registry_takes_one_telemetry() {
    let registry = Registry::new();
    let build = || Telemetry::builder("shop").registry(registry.clone()).build();
    let first = build().unwrap();
    let (field, value) = refused(build());
    assert_eq!(field, "telemetry.registry");
    assert_eq!(value, "http_server_request_duration_seconds");
    drop(first);
}

#[test]
fn a_registry_that_tells_of_the_process_already_is_fine() {
    use crate::metrics::saturation::ProcessCollector;

    let registry = Registry::new();
    ProcessCollector::builder().register(&registry).unwrap();
    assert!(Telemetry::builder("shop").registry(registry).build().is_ok());
}

#[test]
fn a_notice_of_more_than_a_day_is_refused() {
    let day = Duration::from_secs(24 * 60 * 60);
    assert!(Telemetry::builder("shop").drain_notice(day).build().is_ok());
    let longer = Telemetry::builder("shop").drain_notice(day + Duration::from_secs(1)).build();
    assert_eq!(refused(longer), ("drain_notice", "86401s".to_owned()));
}

#[test]
fn metrics_can_be_set_up_otherwise() {
    let bench = Bench::with(|builder| {
        builder.server_metrics(|metrics| metrics.prefix("shop").max_series(7))
    });
    let mut service = bench.telemetry.server().layer(hello());
    assert_eq!(ask(&mut service, get("/")), Some(StatusCode::OK));
    assert_eq!(bench.count("shop_http_server_request_duration_seconds_count"), 1.0);
}

#[tokio::test(flavor = "current_thread")]
async fn in_a_runtime_there_is_a_health_that_is_ready_until_it_drains() {
    let telemetry = Telemetry::builder("shop").build().unwrap();
    let health = telemetry.health().unwrap();
    assert!(health.status(crate::health::Group::Ready).is_healthy());
    telemetry.drain();
    assert!(!health.status(crate::health::Group::Ready).is_healthy());
    assert!(health.status(crate::health::Group::Live).is_healthy());
}

#[test]
fn outside_of_a_runtime_there_is_none() {
    assert!(Telemetry::builder("shop").build().unwrap().health().is_none());
}
