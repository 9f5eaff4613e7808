use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::*;
use crate::clock::{Clock, TimeSource};

/// A time of day that moves on by `step` whenever it is read.
struct Stepping {
    now: Mutex<SystemTime>,
    step: Duration,
    start: Instant,
}

impl TimeSource for Stepping {
    fn now(&self) -> Instant {
        self.start
    }

    fn wall(&self) -> SystemTime {
        let mut now = self.now.lock().unwrap();
        let before = *now;
        *now += self.step;
        before
    }
}

/// The IDs of `count` exchanges whose clock starts at `from` and moves by `step`.
async fn ids(layer: RequestIdLayer, from: SystemTime, step: Duration, count: usize) -> Vec<String> {
    let clock = Clock::new(Stepping { now: Mutex::new(from), step, start: Instant::now() });
    let service = layer.clock(clock).layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        let response = service.clone().oneshot(request(&[])).await.unwrap();
        ids.push(response.headers()["x-request-id"].to_str().unwrap().to_owned());
    }
    ids
}

fn version(id: &str) -> usize {
    let uuid = uuid::Uuid::parse_str(id).unwrap();
    assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
    assert_eq!(uuid.hyphenated().to_string(), id, "in lower case, hyphenated");
    uuid.get_version_num()
}

#[tokio::test]
async fn v7_is_the_default_and_sorts_by_the_exchanges_clock() {
    // the example of RFC 9562, appendix A.6
    let from = UNIX_EPOCH + Duration::from_millis(1_645_557_742_000);
    let step = Duration::from_millis(1);
    let made = ids(RequestIdLayer::server(), from, step, 10_000).await;
    assert!(made[0].starts_with("017f22e2-79b0-7"), "{}", made[0]);
    assert!(made.is_sorted());
    assert!(made.iter().all(|id| version(id) == 7));
}

#[tokio::test]
async fn v7_is_unique_in_one_moment() {
    let layer = RequestIdLayer::server().generator(Generator::uuid_v7());
    let made = ids(layer, SystemTime::now(), Duration::ZERO, 100_000).await;
    assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
    let at = |id: &String| id[..13].to_owned();
    assert!(made.iter().all(|id| at(id) == at(&made[0])));
}

#[tokio::test]
async fn a_clock_before_1970_stays_at_its_beginning() {
    let before = UNIX_EPOCH - Duration::from_secs(1);
    let made = ids(RequestIdLayer::server(), before, Duration::ZERO, 1).await;
    assert!(made[0].starts_with("00000000-0000-7"), "{}", made[0]);
}

#[tokio::test]
async fn v4_on_demand() {
    let layer = RequestIdLayer::server().generator(Generator::uuid_v4());
    let made = ids(layer, SystemTime::now(), Duration::ZERO, 1_000).await;
    assert!(made.iter().all(|id| version(id) == 4));
    assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
}

#[tokio::test]
async fn ones_own_on_demand() {
    let layer = RequestIdLayer::server().generator(Generator::new(|| "mine".parse().unwrap()));
    assert_eq!(ids(layer, SystemTime::now(), Duration::ZERO, 2).await, ["mine"; 2]);
}

#[tokio::test]
async fn a_generator_that_panics_costs_the_id_only() {
    let layer = RequestIdLayer::server().generator(Generator::new(|| panic!("no more IDs")));
    let seen = send(layer, request(&[])).await;
    assert_eq!(seen.id(), None);
    assert_eq!(seen.response.status(), StatusCode::OK);
    assert!(seen.echoed().is_empty());
}

#[test]
fn settings_show_in_debug() {
    let layer = RequestIdLayer::server()
        .incoming(Incoming::when(|_| true))
        .generator(Generator::new(|| "a".parse().unwrap()));
    let debug = format!("{:?}", layer.observer());
    assert!(debug.contains("When(..)") && debug.contains("Custom(..)"), "{debug}");
}
