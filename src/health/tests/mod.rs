mod answers;
mod checks;
mod events;
mod judging;
#[cfg(feature = "metrics")]
mod metrics;
mod properties;
mod running;
mod settings;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::board::{About, Board};
use super::{Component, Details, Group, Health, Report, Status};
use crate::clock::{Clock, TimeSource};
use crate::redact::Redaction;
use crate::testing::ManualClock;

/// The time of tokio's clock, which is paused.
struct Paused(tokio::time::Instant);

fn paused() -> Clock {
    Clock::new(Paused(tokio::time::Instant::now()))
}

impl TimeSource for Paused {
    fn now(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + ManualClock::START + self.0.elapsed()
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A check that nobody runs.
fn component(name: &str) -> Component {
    Component::new(name, async || Report::pass())
}

/// A board of components that nobody runs.
fn board(components: impl IntoIterator<Item = Component>, clock: &ManualClock) -> Arc<Board> {
    let rules = components.into_iter().map(|component| component.build().unwrap().0);
    Board::new(About::default(), rules.collect(), clock.clock(), Redaction::default())
}

/// A check that finds what it is told, and counts its runs.
#[derive(Clone)]
struct Told(Arc<Mutex<(Report, u32)>>);

impl Told {
    fn new(report: Report) -> Self {
        Self(Arc::new(Mutex::new((report, 0))))
    }

    fn tell(&self, report: Report) {
        self.0.lock().unwrap().0 = report;
    }

    fn runs(&self) -> u32 {
        self.0.lock().unwrap().1
    }

    fn component(&self, name: &str) -> Component {
        let told = self.clone();
        Component::new(name, move || {
            let mut told = told.0.lock().unwrap();
            told.1 += 1;
            std::future::ready(told.0.clone())
        })
        .jitter(Duration::ZERO)
    }
}

/// What is answered: the status, the type and the text.
fn asked(health: &Health, path: &str, details: Details) -> (u16, String, String) {
    let (head, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    let response = health.service().answer(&head, details);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), kind, text)
}

/// Lets tasks run until nothing is left to do at this moment.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn statuses(health: &Health) -> [Status; 3] {
    Group::ALL.map(|group| health.status(group))
}
