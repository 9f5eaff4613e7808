//! The room as a whole.

mod alerts;
mod edges;
mod judged;
mod kept;
mod log;
mod restarts;
#[cfg(feature = "metrics")]
mod told;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, Service};

use super::*;
use crate::testing::{ManualClock, Script};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn percent(text: &str) -> Target {
    Target::percent(text).unwrap()
}

/// A tracker and a layer whose clock is set by hand, and what changed so far.
struct Bench {
    clock: ManualClock,
    tracker: SloTracker,
    layer: SloLayer,
    changes: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new(objective: ObjectiveBuilder) -> Self {
        Self::of([objective])
    }

    fn of(objectives: impl IntoIterator<Item = ObjectiveBuilder>) -> Self {
        let clock = ManualClock::new();
        let changes: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&changes);
        let tracker = SloTracker::builder()
            .objectives(objectives.into_iter().map(|objective| objective.build().unwrap()))
            .clock(clock.clock())
            .on_change(move |change| {
                let severity = change.severity;
                let after = change.at.duration_since(std::time::UNIX_EPOCH + ManualClock::START);
                told.lock().unwrap().push(format!(
                    "{:?} {} {}: {} to {}",
                    after.unwrap(),
                    severity.urgency().as_str(),
                    severity.window_text(change.objective.window()),
                    change.from.as_str(),
                    change.to.as_str()
                ));
            })
            .build()
            .unwrap();
        let layer = SloLayer::server(&tracker).clock(clock.clock());
        Self { clock, tracker, layer, changes }
    }

    /// Asks a service, and reads all of its answer, unless it never comes.
    fn ask(&self, script: Script) {
        let mut service = self.layer.layer(script);
        let request = Request::get("/").body(()).unwrap();
        let Some(Ok(response)) = service.call(request).now_or_never() else { return };
        let response: Response<_> = response;
        let mut body = response.into_body();
        while let Some(Some(Ok(_))) = body.frame().now_or_never() {}
    }

    fn ask_all(&self, good: u64, bad: u64) {
        (0..good).for_each(|_| self.ask(Script::status(StatusCode::OK)));
        (0..bad).for_each(|_| self.ask(Script::status(StatusCode::INTERNAL_SERVER_ERROR)));
    }

    fn counted(&self) -> Vec<Tally> {
        self.tracker.tallies().map(|(_, tally)| tally).collect()
    }

    fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.changes.lock().unwrap())
    }
}
