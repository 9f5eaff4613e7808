//! Counts of what the bounds cost.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was let go because of a bound, and not because its trace was uneventful.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailDropped {
    /// Traces that were given up to make room for others.
    pub traces_evicted: u64,
    /// Traces that were given up because they waited for too long.
    pub traces_expired: u64,
    /// Spans that ended and were let go: of a trace that was given up or is no longer known, or of
    /// one that held as many as it may.
    pub spans: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    traces_evicted: AtomicU64,
    traces_expired: AtomicU64,
    spans: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> TailDropped {
        TailDropped {
            traces_evicted: self.traces_evicted.load(Ordering::Relaxed),
            traces_expired: self.traces_expired.load(Ordering::Relaxed),
            spans: self.spans.load(Ordering::Relaxed),
        }
    }

    pub(super) fn evicted(&self) {
        self.traces_evicted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn expired(&self) {
        self.traces_expired.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn spans(&self, n: usize) {
        self.spans.fetch_add(n as u64, Ordering::Relaxed);
    }
}
