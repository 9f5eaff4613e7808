//! How many of something there are now, and the most there were.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::nanos;
use crate::shard::{self, Shard};

/// A number that goes up and down, with a high-water mark for each of those who read it.
///
/// Threads count each at a place of its own. For the mark a thread looks at what the others count,
/// which costs time where all do so again and again: each does whenever it counts more than it did
/// before, and otherwise at most every [`LOOKS`], where one ends that took longer, too. So the mark is never
/// above what there was; that of a burst among threads which is shorter than that may be below.
#[derive(Default)]
pub(crate) struct Active {
    /// Made with the first that is counted.
    counts: OnceLock<Box<[Count]>>,
    marks: Marks,
}

/// How long a thread that counts no more than before leaves the others alone.
const LOOKS: Duration = Duration::from_micros(100);

#[derive(Default)]
#[repr(align(128))]
struct Count {
    enters: AtomicU64,
    leaves: AtomicU64,
    /// The most by which the one was above the other.
    peak: AtomicI64,
    /// When this thread looked at the others, in nanoseconds of a time that its callers agree on.
    looked: AtomicU64,
}

#[derive(Default)]
#[repr(align(128))]
struct Marks {
    prometheus: AtomicI64,
    opentelemetry: AtomicI64,
}

/// Who reads the most there were, and begins anew with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Prometheus,
    #[cfg_attr(not(feature = "otel-metrics"), allow(dead_code))]
    OpenTelemetry,
}

impl Count {
    /// What this thread entered and did not leave; less than none where others did.
    fn own(&self, enters: u64) -> i64 {
        enters.wrapping_sub(self.leaves.load(Ordering::Relaxed)).cast_signed()
    }

    /// Counts one, and tells whether it may be one more than ever before.
    #[inline]
    fn enter(&self, now: u64) -> bool {
        let enters = self.enters.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        let own = self.own(enters);
        let is_peak = own > self.peak.load(Ordering::Relaxed);
        if is_peak {
            self.peak.store(own, Ordering::Relaxed);
        }
        if is_peak {
            self.looked.store(now, Ordering::Relaxed);
        }
        is_peak || self.is_to_look(now)
    }

    /// Whether this thread left the others alone for long enough; it looks at them then.
    #[inline]
    fn is_to_look(&self, now: u64) -> bool {
        let looked = self.looked.load(Ordering::Relaxed);
        let is_to_look = now.abs_diff(looked) >= LOOKS.as_nanos() as u64;
        if is_to_look {
            self.looked.store(now, Ordering::Relaxed);
        }
        is_to_look
    }
}

impl Active {
    /// Counts one that begins `now`: a time since some moment, the same for all callers.
    #[inline]
    pub(crate) fn enter(&self, shard: Shard, now: Duration) {
        let counts =
            self.counts.get_or_init(|| (0..shard::count()).map(|_| Count::default()).collect());
        let Some(count) = counts.get(shard.among(counts.len())) else { return };
        if count.enter(nanos(now)) {
            self.look(counts);
        }
    }

    /// Counts one that ends, and took so long since it began.
    #[inline]
    pub(crate) fn leave(&self, shard: Shard, took: Duration, began: impl FnOnce() -> Duration) {
        let Some(counts) = self.counts.get() else { return };
        let Some(count) = counts.get(shard.among(counts.len())) else { return };
        // what began meanwhile, and found no peak of its own, is seen before it is too late
        if took >= LOOKS && count.is_to_look(nanos(began().saturating_add(took))) {
            self.look(counts);
        }
        count.leaves.fetch_add(1, Ordering::SeqCst);
    }

    /// Marks how many there are.
    fn look(&self, counts: &[Count]) {
        let now = total(counts);
        for mark in [&self.marks.prometheus, &self.marks.opentelemetry] {
            if now > mark.load(Ordering::Relaxed) {
                mark.fetch_max(now, Ordering::Relaxed);
            }
        }
    }

    /// Whether there ever was one.
    pub(crate) fn is_used(&self) -> bool {
        self.counts.get().is_some()
    }

    pub(crate) fn now(&self) -> i64 {
        self.counts.get().map_or(0, |counts| total(counts))
    }

    /// The most since this reader asked last; begins anew with how many there are.
    pub(crate) fn take_most(&self, reader: Reader) -> i64 {
        let mark = match reader {
            Reader::Prometheus => &self.marks.prometheus,
            Reader::OpenTelemetry => &self.marks.opentelemetry,
        };
        for count in self.counts.get().into_iter().flatten() {
            // what was much before need not be now
            count.peak.store(count.own(count.enters.load(Ordering::Relaxed)), Ordering::Relaxed);
        }
        let now = self.now();
        mark.swap(now, Ordering::Relaxed).max(now)
    }
}

/// How many there are. What leaves meanwhile is not counted, so that it is never too much.
fn total(counts: &[Count]) -> i64 {
    let sum = |count: fn(&Count) -> &AtomicU64| {
        let counts = counts.iter().map(|each| count(each).load(Ordering::SeqCst));
        counts.fold(0, u64::wrapping_add)
    };
    let enters = sum(|count| &count.enters);
    enters.wrapping_sub(sum(|count| &count.leaves)).cast_signed().max(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Enters at a time that does not move.
    fn enter(active: &Active) {
        active.enter(shard::of_this_thread(), Duration::ZERO);
    }

    fn leave(active: &Active) {
        active.leave(shard::of_this_thread(), Duration::ZERO, || Duration::ZERO);
    }

    #[test]
    fn what_begins_unseen_is_seen_when_it_ends_after_a_while() {
        let (active, [one, other]) = (Active::default(), shard::two());
        let micros = Duration::from_micros;
        active.enter(one, micros(1_000));
        active.leave(one, micros(1), || micros(1_000));
        active.enter(other, micros(1_001));
        active.enter(one, micros(1_002));
        if shard::count() > 1 {
            assert_eq!(active.marks.prometheus.load(Ordering::Relaxed), 1, "not seen");
        }
        active.leave(one, micros(200), || micros(1_002));
        active.leave(other, micros(300), || micros(1_001));
        assert_eq!(active.take_most(Reader::Prometheus), 2);
        assert_eq!(active.now(), 0);
    }

    #[test]
    fn the_most_is_that_since_each_reader_asked_last() {
        let active = Active::default();
        let most = |reader| active.take_most(reader);
        assert_eq!((active.is_used(), active.now(), most(Reader::Prometheus)), (false, 0, 0));
        enter(&active);
        enter(&active);
        leave(&active);
        assert_eq!((active.is_used(), active.now()), (true, 1));
        assert_eq!((most(Reader::Prometheus), most(Reader::Prometheus)), (2, 1));
        assert_eq!((most(Reader::OpenTelemetry), most(Reader::OpenTelemetry)), (2, 1));
        leave(&active);
        assert_eq!((most(Reader::Prometheus), most(Reader::Prometheus), active.now()), (1, 0, 0));
        enter(&active);
        leave(&active);
        assert_eq!((most(Reader::Prometheus), most(Reader::Prometheus)), (1, 0));
    }

    #[test]
    fn threads_that_are_in_at_once_are_all_counted() {
        const THREADS: usize = 12;
        let active = Active::default();
        let (inside, checked) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    enter(&active);
                    inside.wait();
                    checked.wait();
                    // another thread's share may be left as well
                    thread::scope(|scope| scope.spawn(|| leave(&active)).join().unwrap());
                });
            }
            inside.wait();
            assert_eq!(active.now(), THREADS as i64);
            checked.wait();
        });
        assert_eq!(active.now(), 0);
        assert_eq!(active.take_most(Reader::Prometheus), THREADS as i64);
    }

    #[test]
    fn the_most_is_never_above_what_there_was() {
        const THREADS: usize = 4;
        let active = Active::default();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for turn in 0..20_000 {
                        active.enter(shard::of_this_thread(), Duration::from_micros(turn * 30));
                        leave(&active);
                    }
                });
            }
        });
        assert_eq!(active.now(), 0);
        assert!((1..=THREADS as i64).contains(&active.take_most(Reader::Prometheus)));
    }
}
