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
    assert!(telemetry.health().is_none());
    drop(telemetry.admin(crate::admin::Closed));
    let health = telemetry.health().unwrap();
    assert!(health.status(crate::health::Group::Ready).is_healthy());
    telemetry.drain();
    assert!(!health.status(crate::health::Group::Ready).is_healthy());
    assert!(health.status(crate::health::Group::Live).is_healthy());

    let late = Telemetry::builder("shop").build().unwrap();
    late.drain();
    late.set_health(crate::health::Health::builder().start().unwrap()).unwrap();
    assert!(!late.health().unwrap().status(crate::health::Group::Ready).is_healthy());
}

#[test]
fn outside_of_a_runtime_there_is_none() {
    let telemetry = Telemetry::builder("shop").build().unwrap();
    drop(telemetry.admin(crate::admin::Closed));
    assert!(telemetry.health().is_none());
}

#[tokio::test(flavor = "current_thread")]
async fn there_is_one_health_which_is_among_the_metrics() {
    use crate::health::Health;

    let bench = Bench::with(|builder| builder.constant_label("service_name", "shop"));
    let metrics =
        |bench: &Bench| bench.metrics().iter().filter(|of| of.starts_with("health_")).count();
    assert_eq!(metrics(&bench), 0);
    bench.telemetry.set_health(Health::builder().start().unwrap()).unwrap();
    assert!(metrics(&bench) > 0);
    let again = bench.telemetry.set_health(Health::builder().start().unwrap());
    assert_eq!(refused(again), ("health", "another one".to_owned()));
}

#[test]
fn a_label_lets_services_share_a_registry() {
    let registry = Registry::new();
    let build = |name: &'static str| {
        let builder = Telemetry::builder(name).registry(registry.clone());
        builder.constant_label("service_name", name).build().unwrap()
    };
    let (shop, till) = (build("shop"), build("till"));
    let mut services = [&shop, &shop, &till].map(|telemetry| telemetry.server().layer(hello()));
    for service in &mut services {
        assert_eq!(ask(service, get("/")), Some(StatusCode::OK));
    }
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let count = |name: &str| {
        let label = format!("service_name=\"{name}\"");
        let of = |line: &&str| {
            line.starts_with("http_server_request_duration_seconds_count") && line.contains(&label)
        };
        text.lines().find(of).and_then(|line| line.rsplit_once(' ')).map(|(_, count)| count)
    };
    assert_eq!((count("shop"), count("till")), (Some("2"), Some("1")));
}

#[test]
fn a_registry_takes_one_set_of_objectives() {
    let registry = Registry::new();
    let build = |name: &'static str| {
        let builder = Telemetry::builder(name).registry(registry.clone());
        let builder = builder.constant_label("service_name", name);
        builder.objectives(objectives(&ManualClock::new())).build()
    };
    let shop = build("shop").unwrap();
    assert_eq!(refused(build("till")), ("objectives", "slo_events_total".to_owned()));
    drop(shop);
}

#[tokio::test(flavor = "current_thread")]
async fn a_health_whose_metrics_are_refused_is_not_kept() {
    use crate::health::{Health, HealthMetrics};

    let registry = Registry::new();
    let first = Health::builder().start().unwrap();
    HealthMetrics::new(&first).register(&registry).unwrap();
    let telemetry = Telemetry::builder("shop").registry(registry).build().unwrap();
    let (field, _) = refused(telemetry.set_health(Health::builder().start().unwrap()));
    assert_eq!(field, "telemetry.registry");
    assert!(telemetry.health().is_none());
}
