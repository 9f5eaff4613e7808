//! The books of one exporter: every item that ended is delivered, dropped or still waiting.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use super::delivery::Tally;
use super::health::{Accepted, Health};

/// What became of the items given to one exporter.
#[derive(Debug)]
pub(super) struct Ledger {
    exporter: &'static str,
    health: Health,
    /// The most items that may wait, those of the batch under way included.
    limit: u64,
    ended: AtomicU64,
    waiting: AtomicU64,
    dropped: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
}

impl Ledger {
    pub(super) fn new(exporter: &'static str, health: Health, limit: usize) -> Self {
        Self {
            exporter,
            health,
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            ended: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Whether the exporter gets through.
    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// Whether one more item may wait; it counts as dropped if not.
    pub(super) fn admit(&self) -> bool {
        self.ended.fetch_add(1, Ordering::Relaxed);
        let room = |waiting| (waiting < self.limit).then(|| waiting + 1);
        let admitted = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).is_ok();
        if !admitted {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// A batch of `size` is done with; says so to the SDK.
    pub(super) fn close(&self, size: usize, result: Result<Accepted, String>) -> OTelSdkResult {
        self.settle(size, result.as_ref().map_or(0, |accepted| accepted.count));
        self.health.settled(&result);
        result.map(drop).map_err(OTelSdkError::InternalFailure)
    }

    /// The receiver took `accepted` of a batch of `size`.
    fn settle(&self, size: usize, accepted: usize) {
        let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
        let accepted = accepted.min(size);
        self.exported.fetch_add(count(accepted), Ordering::AcqRel);
        self.failed.fetch_add(count(size - accepted), Ordering::AcqRel);
        self.waiting.fetch_sub(count(size), Ordering::AcqRel);
    }

    /// How many items are neither delivered nor given up.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }

    /// How many items an exporter was given in vain.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Acquire)
    }

    /// Whose books these are.
    #[cfg(feature = "metrics")]
    pub(super) fn exporter(&self) -> &'static str {
        self.exporter
    }

    /// How many items were dropped, or given to an exporter in vain.
    #[cfg(feature = "metrics")]
    pub(super) fn lost_for_good(&self) -> u64 {
        self.failed().saturating_add(self.dropped.load(Ordering::Acquire))
    }

    pub(super) fn tally(&self) -> Tally {
        // read in this order, an item that is settled meanwhile counts as lost, never as a gain
        let exported = self.exported.load(Ordering::Acquire);
        let dropped = self.dropped.load(Ordering::Acquire);
        let ended = self.ended.load(Ordering::Acquire);
        Tally::new(self.exporter, ended, exported, dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_dropped_and_what_is_not_taken_is_lost() {
        let ledger = Ledger::new("otlp", Health::new("otlp", "spans", None), 2);
        assert_eq!([ledger.admit(), ledger.admit(), ledger.admit()], [true, true, false]);
        assert_eq!((ledger.tally(), ledger.waiting()), (Tally::new("otlp", 3, 0, 1), 2));
        ledger.settle(2, 1);
        assert_eq!((ledger.tally(), ledger.waiting()), (Tally::new("otlp", 3, 1, 1), 0));
        assert_eq!((ledger.tally().lost(), ledger.failed()), (2, 1));
        assert!(ledger.admit());
    }
}
