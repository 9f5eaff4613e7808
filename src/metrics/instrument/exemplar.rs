//! An example of what is in a bucket: the trace of one exchange.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

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
pub(crate) type Sampled = (TraceIdentity, SystemTime);

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
    pub(super) fn offer(&self, exemplar: Exemplar) {
        let at = nanos(exemplar.at);
        let free_at = self.free_at.load(Ordering::Relaxed);
        let kept = KEPT.as_nanos() as u64;
        let next = at.saturating_add(kept);
        // a clock that was set back frees it as well
        if at < free_at && next.saturating_add(kept) >= free_at {
            return;
        }
        if let Ok(mut kept) = self.kept.try_lock() {
            self.free_at.store(next, Ordering::Relaxed);
            let (trace, span) = (exemplar.trace.trace_id(), exemplar.trace.span_id());
            *kept = [(trace >> 64) as u64, trace as u64, span, exemplar.value, at];
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

fn nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        slot.offer(exemplar(1, 5_000));
        slot.offer(exemplar(2, 5_999));
        assert_eq!(slot.kept(), Some(exemplar(1, 5_000)));
        slot.offer(exemplar(3, 6_000));
        assert_eq!(slot.kept(), Some(exemplar(3, 6_000)));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_them() {
        let slot = Slot::default();
        slot.offer(exemplar(1, 90_000));
        slot.offer(exemplar(2, 89_500));
        assert_eq!(slot.kept(), Some(exemplar(1, 90_000)), "a little back");
        slot.offer(exemplar(3, 1_000));
        assert_eq!(slot.kept(), Some(exemplar(3, 1_000)));
    }

    #[test]
    fn recording_does_not_wait_for_whoever_reads() {
        let slot = Slot::default();
        let reading = slot.kept.lock().unwrap();
        slot.offer(exemplar(1, 5_000));
        drop(reading);
        assert_eq!(slot.kept(), None, "it was let go");
        slot.offer(exemplar(2, 5_000));
        assert_eq!(slot.kept(), Some(exemplar(2, 5_000)), "and costs the next one nothing");
    }
}
