//! Both backends, on the same script of requests.

use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::Temporality;
use prometheus::Registry;
use proptest::prelude::*;
use tower::{Layer, ServiceExt};

use super::script::{EXCHANGES, SHED, run, sheds};
use super::{Point, Sdk, Told, count, gathered, only};
use crate::classify::Side;
use crate::metrics::{MetricsBuilder, MetricsLayer};
use crate::testing::{ManualClock, Script};

const SIDES: [Side; 2] = [Side::Server, Side::Client];

fn of(side: Side) -> MetricsBuilder {
    sheds(match side {
        Side::Server => MetricsLayer::server(),
        Side::Client => MetricsLayer::client(),
    })
}

/// Whether all that was done is told, of which this many exchanges have the labels of the overflow.
#[track_caller]
fn complete(told: &Told, side: Side, overflow: u64, runs: u64) {
    let (http, rpc) = EXCHANGES;
    let side = side.as_str();
    let duration = |of: &str| count(told, &format!("{of}_duration_seconds"));
    assert_eq!(duration(&format!("http_{side}_request")), http * runs);
    assert_eq!(duration(&format!("rpc_{side}_call")), rpc * runs);
    // that of each exchange, of the one that was refused, and two more
    assert_eq!(duration(&format!("http_{side}_poll_ready")), (http + rpc + 1 + 2) * runs);
    let counter = |of: &str| only(told, &format!("http_{side}_{of}_requests_total")).clone();
    assert_eq!(counter("shed"), Point::Counter((SHED * runs) as f64));
    assert_eq!(counter("overflow"), Point::Counter((overflow * runs) as f64));
    let active = told.iter().filter(|((name, _), _)| name.contains("_active_"));
    let (most, now): (Vec<_>, Vec<_>) = active.partition(|((name, _), _)| name.ends_with("_max"));
    assert!(now.iter().all(|(_, point)| **point == Point::Gauge(0.0)), "{now:?}");
    assert!(most.iter().all(|(_, point)| **point == Point::Gauge(1.0)), "{most:?}");
    assert_eq!(now.len(), most.len());
}

#[test]
fn one_layer_tells_both_the_same() {
    for side in SIDES {
        for by_type in [true, false] {
            let (registry, sdk) = (Registry::new(), Sdk::new());
            let untyped: &(dyn MeterProvider + 'static) = &sdk.provider;
            let builder = match by_type {
                true => of(side).meter_provider(&sdk.provider),
                false => of(side).meter_provider(untyped),
            };
            let layer = builder.register(&registry).unwrap();
            for runs in 1..=2 {
                run(side, layer.observer());
                let told = gathered(&registry);
                complete(&told, side, 0, runs);
                assert_eq!(sdk.told(), told);
            }
        }
    }
}

#[test]
fn two_layers_tell_the_same() {
    for side in SIDES {
        let (registry, sdk) = (Registry::new(), Sdk::new());
        let one = of(side).register(&registry).unwrap();
        let other = of(side).meter_provider(&sdk.provider).build().unwrap();
        run(side, one.observer());
        assert_eq!(
            count(&sdk.told(), &format!("http_{}_request_duration_seconds", side.as_str())),
            0
        );
        run(side, other.observer());
        let told = gathered(&registry);
        complete(&told, side, 0, 1);
        assert_eq!(sdk.told(), told);
    }
}

#[test]
fn they_agree_on_what_is_over_the_cap() {
    for side in SIDES {
        let (registry, sdk) = (Registry::new(), Sdk::new());
        let builder = of(side).max_series(3).max_servers(1).meter_provider(&sdk.provider);
        let layer = builder.register(&registry).unwrap();
        run(side, layer.observer());
        let told = gathered(&registry);
        let Point::Counter(overflow) =
            *only(&told, &format!("http_{}_overflow_requests_total", side.as_str()))
        else {
            panic!("no counter");
        };
        assert!(overflow > 0.0);
        complete(&told, side, overflow as u64, 1);
        assert!(told.keys().any(|(_, labels)| labels.iter().any(|(_, text)| text == "_overflow")));
        assert_eq!(sdk.told(), told);
    }
}

#[test]
fn they_agree_on_constant_labels_and_buckets_of_ones_own() {
    let (registry, sdk) = (Registry::new(), Sdk::new());
    let builder = of(Side::Server)
        .constant_label("app", "shop")
        .constant_label("zone", "z")
        .duration_buckets([Duration::from_millis(250), Duration::from_secs(1)])
        .time_to_first_byte_buckets([Duration::from_millis(125)])
        .request_body_size_buckets([256])
        .response_body_size_buckets([64, 70_000])
        .poll_ready_buckets([Duration::from_nanos(1), Duration::from_millis(125)]);
    let layer = builder.meter_provider(&sdk.provider).register(&registry).unwrap();
    run(Side::Server, layer.observer());
    let told = gathered(&registry);
    complete(&told, Side::Server, 0, 1);
    let app = ("app".to_owned(), "shop".to_owned());
    assert!(told.keys().all(|(_, labels)| labels.contains(&app)), "{:?}", told.keys());
    assert_eq!(sdk.told(), told);
}

#[test]
fn a_prefix_is_prometheus_alone() {
    let (registry, sdk) = (Registry::new(), Sdk::new());
    let builder = of(Side::Server).prefix("shop").meter_provider(&sdk.provider);
    let layer = builder.register(&registry).unwrap();
    run(Side::Server, layer.observer());
    let prefixed = |((name, labels), point)| ((format!("shop_{name}"), labels), point);
    assert_eq!(sdk.told().into_iter().map(prefixed).collect::<Told>(), gathered(&registry));
}

#[test]
fn what_is_exported_as_deltas_adds_up() {
    let (registry, sdk) = (Registry::new(), Sdk::with(Temporality::Delta));
    let builder = of(Side::Server).meter_provider(&sdk.provider);
    let layer = builder.register(&registry).unwrap();
    run(Side::Server, layer.observer());
    let first = sdk.told();
    assert_eq!(first, gathered(&registry));
    assert_eq!(count(&sdk.told(), "http_server_request_duration_seconds"), 0);
    run(Side::Server, layer.observer());
    assert_eq!(sdk.told(), first);
    complete(&gathered(&registry), Side::Server, 0, 2);
}

proptest! {
    #[test]
    fn whatever_it_lasts_both_count_it_in_the_same_bucket(
        lasting in prop::collection::vec(
            prop_oneof![
                any::<u64>(),
                0..20_000_000_000_u64,
                // the bounds, and what is just beside them
                (prop::sample::select(vec![5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 10_000]), -1..=1_i64)
                    .prop_map(|(millis, beside)| (millis * 1_000_000_i64 + beside) as u64),
            ],
            1..8,
        ),
    ) {
        let (registry, sdk) = (Registry::new(), Sdk::new());
        let layer = of(Side::Server).meter_provider(&sdk.provider).register(&registry).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for nanos in &lasting {
            let clock = ManualClock::new();
            let nanos = Duration::from_nanos(*nanos);
            let script = Script::status(http::StatusCode::OK).after(&clock, nanos);
            let service = layer.clone().clock(clock.clock()).layer(script);
            runtime.block_on(service.oneshot(http::Request::new(()))).unwrap();
        }
        let buckets = |told: Told| match only(&told, "http_server_request_duration_seconds") {
            Point::Histogram(buckets, count, _) => (buckets.clone(), *count),
            other => panic!("{other:?}"),
        };
        let (told, gathered) = (buckets(sdk.told()), buckets(gathered(&registry)));
        prop_assert_eq!(gathered.1, lasting.len() as u64);
        prop_assert_eq!(told, gathered);
    }
}
