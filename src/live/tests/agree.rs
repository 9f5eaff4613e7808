//! The page and `/metrics` tell the same of the same exchanges.

use std::collections::BTreeMap;

use prometheus::Registry;

use super::*;
use crate::classify::Side;
use crate::exchange::ObserveLayer;
use crate::metrics::MetricsLayer;
use crate::testing::ScriptBody;

/// Of one route: how many, how many with an `error_type`, the sum in nanoseconds, and the buckets.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    count: u64,
    with_error: u64,
    nanos: u64,
    buckets: Vec<u64>,
}

fn of_metrics(registry: &Registry) -> BTreeMap<String, Told> {
    let mut all = BTreeMap::<_, Told>::new();
    let families = registry.gather();
    let durations =
        families.iter().find(|it| it.name() == "http_server_request_duration_seconds").unwrap();
    for metric in durations.get_metric() {
        let label = |name: &str| {
            let label = metric.get_label().iter().find(|label| label.name() == name);
            label.map(|label| label.value().to_owned())
        };
        let told = all.entry(label("http_route").unwrap_or("_unmatched".into())).or_default();
        let histogram = metric.get_histogram();
        let count = histogram.get_sample_count();
        told.count += count;
        told.with_error += if label("error_type").is_some() { count } else { 0 };
        told.nanos += (histogram.get_sample_sum() * 1e9).round() as u64;
        let bounds: Vec<_> =
            histogram.get_bucket().iter().map(|it| it.cumulative_count()).collect();
        told.buckets.resize(bounds.len() + 1, 0);
        let mut below = 0;
        for (to, cumulative) in told.buckets.iter_mut().zip(bounds.into_iter().chain([count])) {
            *to += cumulative - below;
            below = cumulative;
        }
    }
    all
}

fn of_board(board: &Board) -> BTreeMap<String, Told> {
    let told = board.families().into_iter().map(|family| {
        let Tally { count, errors, peer_ended, duration } = family.since_start.tally;
        let told = Told {
            count,
            with_error: errors + peer_ended,
            nanos: u64::try_from(duration.as_nanos()).unwrap(),
            buckets: family.buckets.iter().map(|bucket| bucket.count).collect(),
        };
        (family.name, told)
    });
    told.collect()
}

#[test]
fn the_board_and_the_metrics_agree() {
    let clock = ManualClock::new();
    let board = Board::builder().clock(clock.clock()).build().unwrap();
    let registry = Registry::new();
    let metrics = MetricsLayer::server().register(&registry).unwrap().into_observer();
    let both = (metrics, LiveLayer::server(&board).into_observer());
    let layer = ObserveLayer::new(Side::Server, both).clock(clock.clock()).routes(by_header());
    let body = || ScriptBody::new().data("a").pass(&clock, 70 * MS).data("b");
    for (takes, route) in [(MS, "/a"), (5 * MS, "/b"), (777 * MS, ""), (20 * SECOND, "/a")] {
        for script in [
            Script::status(StatusCode::OK),
            Script::status(StatusCode::NOT_FOUND),
            Script::status(StatusCode::SERVICE_UNAVAILABLE),
            Script::fails("no"),
            Script::panics("no"),
            Script::pends(),
            Script::body(body()),
            Script::body(body().error("no")),
            Script::body(body().panic("no")),
        ] {
            for frames in [None, Some(1)] {
                let takes = || clock.advance(takes);
                let service = layer.layer(script.clone().after(&clock, 3 * MS));
                // what has no body is over before it can be left
                drive(service, request(route), frames, takes);
            }
        }
    }
    let expected = of_metrics(&registry);
    assert_eq!(expected.values().map(|told| told.count).sum::<u64>(), 4 * 9 * 2);
    assert_eq!(of_board(&board), expected);
}
