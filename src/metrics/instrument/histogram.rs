//! A histogram of durations or sizes.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use super::bounds::{Bounds, Unit};
use super::cells::Cells;
use super::exemplar::{Exemplar, Sampled, Slot};
use super::native::{Native, NativeBuckets};
use crate::shard::Shard;

/// Counts values by bucket and adds them up, exactly: nanoseconds or bytes as integers.
pub(crate) struct Histogram {
    bounds: Arc<Bounds>,
    /// One for each bucket, and the sum.
    cells: Cells,
    /// Made with the first one that is kept.
    exemplars: OnceLock<Box<[Slot]>>,
    native: Option<NativeBuckets>,
    created: SystemTime,
}

/// A duration as it is recorded.
pub(crate) fn nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs().checked_mul(1_000_000_000);
    let nanos = seconds.and_then(|nanos| nanos.checked_add(u64::from(duration.subsec_nanos())));
    nanos.unwrap_or(u64::MAX)
}

/// What a histogram holds at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    /// How many values each bucket has, not cumulative; the last is the one above all bounds.
    pub(crate) buckets: Vec<u64>,
    /// Nanoseconds or bytes.
    pub(crate) sum: u64,
    /// One place for each bucket, or none at all.
    pub(crate) exemplars: Vec<Option<Exemplar>>,
    pub(crate) native: Option<Native>,
    pub(crate) created: SystemTime,
}

impl Snapshot {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl Histogram {
    pub(crate) fn new(bounds: Arc<Bounds>, created: SystemTime) -> Self {
        let cells = Cells::new(bounds.buckets() + 1);
        let native = bounds.is_native().then(|| NativeBuckets::new(bounds.unit()));
        Self { bounds, cells, exemplars: OnceLock::new(), native, created }
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) fn unit(&self) -> Unit {
        self.bounds.unit()
    }

    /// Records a value: nanoseconds or bytes.
    #[inline]
    pub(crate) fn record(&self, shard: Shard, value: u64) {
        self.count(shard, value);
    }

    /// Records a value, as an example of which the trace may be kept that it was sampled in.
    #[inline]
    pub(crate) fn record_sampled(&self, shard: Shard, value: u64, sampled: Option<&Sampled>) {
        let bucket = self.count(shard, value);
        if let Some(sampled) = sampled {
            self.exemplify(bucket, value, sampled);
        }
    }

    /// Counts a value, and tells its bucket.
    #[inline]
    fn count(&self, shard: Shard, value: u64) -> usize {
        let bucket = self.bounds.bucket(value);
        let cells = self.cells.of(shard);
        cells.add(bucket, 1);
        if value > 0 {
            cells.add(self.bounds.buckets(), value);
        }
        if let Some(native) = &self.native {
            native.record(shard, value);
        }
        bucket
    }

    #[inline(never)]
    fn exemplify(&self, bucket: usize, value: u64, sampled: &Sampled) {
        let slots = self
            .exemplars
            .get_or_init(|| (0..self.bounds.buckets()).map(|_| Slot::default()).collect());
        if let Some(slot) = slots.get(bucket) {
            slot.offer(value, sampled);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let buckets = (0..self.bounds.buckets()).map(|bucket| self.cells.sum(bucket)).collect();
        let exemplars = self.exemplars.get().map(|slots| slots.iter().map(Slot::kept).collect());
        Snapshot {
            buckets,
            sum: self.cells.sum(self.bounds.buckets()),
            exemplars: exemplars.unwrap_or_default(),
            native: self.native.as_ref().map(NativeBuckets::snapshot),
            created: self.created,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::shard;

    #[test]
    fn what_many_threads_record_adds_up() {
        let bounds = Arc::new(Bounds::of_sizes("sizes", [10, 20]).unwrap());
        let histogram = Histogram::new(bounds, SystemTime::UNIX_EPOCH);
        let empty = Snapshot {
            buckets: vec![0, 0, 0],
            sum: 0,
            exemplars: vec![],
            native: None,
            created: SystemTime::UNIX_EPOCH,
        };
        assert_eq!(histogram.snapshot(), empty);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for value in 0..30 {
                        histogram.record(shard::of_this_thread(), value);
                    }
                });
            }
        });
        let full = Snapshot { buckets: vec![176, 160, 144], sum: 16 * 435, ..empty };
        assert_eq!(histogram.snapshot(), full);
        assert_eq!(full.count(), 480);
    }
}
