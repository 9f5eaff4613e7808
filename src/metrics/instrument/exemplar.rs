//! An example of what is in a bucket: the trace of one exchange.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::histogram::nanos;
use crate::id::TraceIdentity;

/// One exchange of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) trace: TraceIdentity,
    /// As recorded: nanoseconds or bytes.
    pub(crate) value: u64,
    pub(crate) at: SystemTime,
}

/// The trace that something was sampled in, and when it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampled {
    trace: TraceIdentity,
    /// Nanoseconds of the Unix epoch.
    at: u64,
}

impl Sampled {
    pub(crate) fn new(trace: TraceIdentity, at: SystemTime) -> Self {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { trace, at: nanos(since) }
    }
}

/// How long an exemplar stays before another one takes its place.
const KEPT: Duration = Duration::from_secs(1);

/// The exemplar of one bucket. Recording never waits for a scrape that reads it.
#[derive(Default)]
pub(super) struct Slot {
    /// Nanoseconds of the Unix epoch from which on another one may be kept.
    free_at: AtomicU64,
    /// Trace (two words), span, value and time: packed, as there is one for each bucket.
    kept: Mutex<[u64; 5]>,
}

impl Slot {
    #[inline]
    pub(super) fn offer(&self, value: u64, sampled: &Sampled) {
        let Sampled { trace, at } = *sampled;
        let free_at = self.free_at.load(Ordering::Relaxed);
        let kept = KEPT.as_nanos() as u64;
        let next = at.saturating_add(kept);
        // a clock that was set back frees it as well
        if at < free_at && next.saturating_add(kept) >= free_at {
            return;
        }
        if let Ok(mut kept) = self.kept.try_lock() {
            self.free_at.store(next, Ordering::Relaxed);
            let (trace, span) = (trace.trace_id(), trace.span_id());
            *kept = [(trace >> 64) as u64, trace as u64, span, value, at];
        }
    }

    pub(super) fn kept(&self) -> Option<Exemplar> {
        let [high, low, span, value, at] =
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let trace = u128::from(high) << 64 | u128::from(low);
        Some(Exemplar {
            trace: TraceIdentity::new(trace, span, true)?,
            value,
            at: SystemTime::UNIX_EPOCH + Duration::from_nanos(at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(slot: &Slot, Exemplar { trace, value, at }: Exemplar) {
        slot.offer(value, &Sampled::new(trace, at));
    }

    fn exemplar(trace: u128, at_millis: u64) -> Exemplar {
        Exemplar {
            trace: TraceIdentity::new(trace, 1, true).unwrap(),
            value: 7,
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(at_millis),
        }
    }

    #[test]
    fn one_is_kept_for_a_second() {
        let slot = Slot::default();
        assert_eq!(slot.kept(), None);
        offer(&slot, exemplar(1, 5_000));
        offer(&slot, exemplar(2, 5_999));
        assert_eq!(slot.kept(), Some(exemplar(1, 5_000)));
        offer(&slot, exemplar(3, 6_000));
        assert_eq!(slot.kept(), Some(exemplar(3, 6_000)));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_them() {
        let slot = Slot::default();
        offer(&slot, exemplar(1, 90_000));
        offer(&slot, exemplar(2, 89_500));
        assert_eq!(slot.kept(), Some(exemplar(1, 90_000)), "a little back");
        offer(&slot, exemplar(3, 1_000));
        assert_eq!(slot.kept(), Some(exemplar(3, 1_000)));
    }

    #[test]
    fn recording_does_not_wait_for_whoever_reads() {
        let slot = Slot::default();
        let reading = slot.kept.lock().unwrap();
        offer(&slot, exemplar(1, 5_000));
        drop(reading);
        assert_eq!(slot.kept(), None, "it was let go");
        offer(&slot, exemplar(2, 5_000));
        assert_eq!(slot.kept(), Some(exemplar(2, 5_000)), "and costs the next one nothing");
    }
}
