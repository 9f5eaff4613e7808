//! The tasks: one for each component, and one that sees results grow old.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Report;
use super::board::Board;
use super::check::{AnyCheck, Run};

/// How often the age of results is looked at, for what is told without being asked.
const TICK: Duration = Duration::from_secs(1);

/// Runs one check again and again, never twice at once.
pub(super) async fn run(board: Arc<Board>, at: usize, check: Box<dyn AnyCheck>) {
    while let Some(rules) = board.rules.get(at) {
        let began = board.clock.now();
        let report = match timeout(rules.timeout, Run::new(&*check)).await {
            Ok(report) => report,
            Err(_) => Report::fail(format!("timed out after {:?}", rules.timeout)),
        };
        let took = board.clock.now().saturating_duration_since(began);
        if board.record(at, report, took) {
            return;
        }
        sleep(rules.pause(fastrand::f64())).await;
    }
}

/// Tells what grew stale.
pub(super) async fn watch_age(board: Arc<Board>) {
    loop {
        sleep(TICK).await;
        board.tick();
    }
}
