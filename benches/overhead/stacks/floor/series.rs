//! Rate, errors and duration, in shards that threads do not share.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

const SHARDS: usize = 8;
/// Upper bounds in nanoseconds, as OpenTelemetry's conventions have them in seconds.
const BOUNDS: [u64; 14] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];
/// Routes that are known, and one for all others; classes of status, 1xx to 5xx.
const ROUTES: usize = 2;
const CLASSES: usize = 5;

#[derive(Default)]
pub(super) struct Series([Shard; SHARDS]);

#[derive(Default)]
#[repr(align(128))]
struct Shard {
    active: AtomicI64,
    histograms: [[Histogram; CLASSES]; ROUTES],
}

#[derive(Default)]
struct Histogram {
    nanos: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len() + 1],
}

impl Series {
    pub(super) fn begin(&self) {
        self.shard().active.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self, route: usize, status: u16, duration: Duration) {
        let shard = self.shard();
        shard.active.fetch_sub(1, Ordering::Relaxed);
        let nanos = duration.as_nanos() as u64;
        let class = usize::from(status / 100).clamp(1, CLASSES) - 1;
        let histogram = &shard.histograms[route.min(ROUTES - 1)][class];
        histogram.nanos.fetch_add(nanos, Ordering::Relaxed);
        let bucket = BOUNDS.iter().position(|bound| nanos <= *bound).unwrap_or(BOUNDS.len());
        histogram.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        let active: i64 = self.0.iter().map(|shard| shard.active.load(Ordering::Relaxed)).sum();
        assert_eq!(active, 0, "nothing is under way");
        let histograms = self.0.iter().flat_map(|shard| shard.histograms.as_flattened());
        histograms.flat_map(|one| &one.buckets).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn shard(&self) -> &Shard {
        thread_local!(static OWN: Cell<usize> = const { Cell::new(usize::MAX) });
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let mut own = OWN.get();
        if own == usize::MAX {
            own = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
            OWN.set(own);
        }
        &self.0[own]
    }
}
