//! Health where it is served: under axum, by hyper and by tonic, asked by real clients.
#![cfg(all(feature = "health-grpc", feature = "axum", feature = "testing"))]

mod grpc;
mod many;
mod servers;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tower_observability::health::{Component, Group, Health, HealthBuilder, Report};

/// Runs once in a test.
const SELDOM: Duration = Duration::from_secs(3600);

/// A check that hangs until its time-out, and how often it was run.
fn hung() -> (Component, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let check = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        pending::<()>()
    };
    (Component::new("hung", check).timeout(SELDOM).interval(SELDOM), runs)
}

/// A check that a test switches, looked at every 10 ms.
fn switched(name: &str, groups: &[Group]) -> (Component, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(false));
    let read = Arc::clone(&is_well);
    let check = move || {
        let is_well = read.load(Ordering::Relaxed);
        async move { if is_well { Report::pass() } else { Report::fail("switched off") } }
    };
    let component = Component::new(name, check).interval(Duration::from_millis(10));
    (component.jitter(Duration::ZERO).groups(groups.iter().copied()), is_well)
}

fn builder() -> HealthBuilder {
    Health::builder().version("1").release_id("1.2.3")
}
