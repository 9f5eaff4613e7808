//! The books of metrics, whose items are data points: one that was not taken is lost, unless what it
//! told is told again by the next export.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use super::delivery::Tally;
use super::health::{Accepted, Health};

/// Why nothing can be told of what was measured last.
const UNCOLLECTED: &str = "the last data points were not collected, as after a callback that \
                           panicked, or during one that hangs";

/// The data points of one export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Points {
    /// What is told once: the change since the export before.
    pub(super) delta: u64,
    /// What the next export tells again, further on.
    pub(super) lasting: u64,
}

impl Points {
    fn total(self) -> u64 {
        self.delta.saturating_add(self.lasting)
    }
}

/// What became of the data points given to one exporter.
#[derive(Debug)]
pub(super) struct PointLedger {
    exporter: &'static str,
    health: Health,
    books: Mutex<Books>,
    /// Told when the exporter is closed.
    closed: Condvar,
}

#[derive(Debug, Default)]
struct Books {
    exported: u64,
    /// For good.
    lost: u64,
    /// What the last export did not get through, and the next one may make up for.
    outstanding: u64,
    under_way: Option<Points>,
    /// Each time that a point was not taken, made up for or not.
    failed: u64,
    closed: bool,
    uncollected: bool,
}

impl PointLedger {
    pub(super) fn new(exporter: &'static str, health: Health) -> Self {
        Self { exporter, health, books: Mutex::default(), closed: Condvar::new() }
    }

    /// Whether the exporter gets through.
    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// An export begins.
    pub(super) fn begin(&self, points: Points) {
        self.books().under_way = Some(points);
    }

    /// An export of `points` is done with; says so to the SDK.
    pub(super) fn settle(&self, points: Points, result: Result<Accepted, String>) -> OTelSdkResult {
        let taken = result.as_ref().map_or(0, |accepted| accepted.count);
        let taken = u64::try_from(taken).unwrap_or(u64::MAX).min(points.total());
        let refused = points.total() - taken;
        // a receiver does not say which ones it refused, so they are those that hurt most
        let lost = refused.min(points.delta);
        let mut books = self.books();
        books.under_way = None;
        books.exported += taken;
        books.lost += lost;
        books.outstanding = refused - lost;
        books.failed += refused;
        drop(books);
        self.health.settled(&result);
        result.map(drop).map_err(OTelSdkError::InternalFailure)
    }

    /// Each time that a data point was not taken, also where a later export made up for it.
    pub(super) fn failed(&self) -> u64 {
        self.books().failed
    }

    /// Whose books these are.
    #[cfg(feature = "metrics")]
    pub(super) fn exporter(&self) -> &'static str {
        self.exporter
    }

    /// How many data points no later export makes up for.
    #[cfg(feature = "metrics")]
    pub(super) fn lost_for_good(&self) -> u64 {
        self.books().lost
    }

    pub(super) fn tally(&self) -> Tally {
        let books = self.books();
        // what is under way tells again what is outstanding
        let waiting = books.under_way.map_or(books.outstanding, Points::total);
        let ended = books.exported + books.lost + waiting;
        Tally::new(self.exporter, ended, books.exported, 0)
    }

    /// The last export is done with.
    pub(super) fn close(&self) {
        self.books().closed = true;
        self.closed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.books().closed
    }

    /// Blocks until the last export is done with.
    pub(super) fn wait_closed(&self) {
        let books = self.closed.wait_while(self.books(), |books| !books.closed);
        drop(books);
    }

    /// What was measured last will not be told.
    pub(super) fn set_uncollected(&self) {
        let before = std::mem::replace(&mut self.books().uncollected, true);
        if !before {
            self.health.settled(&Err(UNCOLLECTED.to_owned()));
        }
    }

    /// Why what was measured last is lost, as nobody knows how many data points it makes.
    pub(super) fn uncollected(&self) -> Option<String> {
        self.books().uncollected.then(|| format!("{}: {UNCOLLECTED}", self.health))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> PointLedger {
        PointLedger::new("otlp", Health::new("otlp", "data points", None))
    }

    fn export(ledger: &PointLedger, delta: u64, lasting: u64, result: Result<Accepted, String>) {
        let points = Points { delta, lasting };
        ledger.begin(points);
        let ok = result.is_ok();
        assert_eq!(ledger.settle(points, result).is_ok(), ok);
    }

    fn down() -> Result<Accepted, String> {
        Err("down".to_owned())
    }

    fn rejected(size: usize, rejected: i64) -> Result<Accepted, String> {
        Ok(Accepted::part(size, rejected, "too old".to_owned()))
    }

    fn tally(ended: u64, exported: u64) -> Tally {
        Tally::new("otlp", ended, exported, 0)
    }

    #[test]
    fn what_the_next_export_tells_again_is_lost_only_until_then() {
        let ledger = ledger();
        assert_eq!(ledger.tally(), tally(0, 0));
        export(&ledger, 0, 3, down());
        assert_eq!((ledger.tally(), ledger.failed()), (tally(3, 0), 3));
        export(&ledger, 0, 4, down());
        assert_eq!((ledger.tally(), ledger.failed()), (tally(4, 0), 7));
        ledger.begin(Points { delta: 0, lasting: 5 });
        assert_eq!(ledger.tally(), tally(5, 0));
        export(&ledger, 0, 5, Ok(Accepted::all(5)));
        assert_eq!((ledger.tally(), ledger.failed()), (tally(5, 5), 7));
    }

    #[test]
    fn what_is_told_once_is_lost_for_good() {
        let ledger = ledger();
        export(&ledger, 3, 0, down());
        export(&ledger, 4, 0, Ok(Accepted::all(4)));
        assert_eq!((ledger.tally(), ledger.tally().lost()), (tally(7, 4), 3));
    }

    #[test]
    fn of_what_is_rejected_the_deltas_come_first() {
        let ledger = ledger();
        export(&ledger, 3, 4, rejected(7, 5));
        assert_eq!((ledger.tally(), ledger.tally().lost()), (tally(7, 2), 5));
        export(&ledger, 3, 4, rejected(7, 0));
        assert_eq!((ledger.tally(), ledger.tally().lost()), (tally(12, 9), 3));
        assert_eq!(ledger.failed(), 5);
    }

    #[test]
    fn what_was_not_collected_is_told_without_a_number() {
        let ledger = ledger();
        assert_eq!(ledger.uncollected(), None);
        ledger.set_uncollected();
        let text = "otlp: the last data points were not collected, as after a callback that \
                    panicked, or during one that hangs";
        assert_eq!((ledger.uncollected().as_deref(), ledger.tally()), (Some(text), tally(0, 0)));
        assert!(!ledger.is_closed());
        ledger.close();
        assert!(ledger.is_closed());
        ledger.wait_closed();
    }
}
