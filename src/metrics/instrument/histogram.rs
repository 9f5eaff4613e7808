//! A histogram of durations or sizes.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use super::bounds::{Bounds, Unit};
use super::exemplar::{Exemplar, Sampled, Slot};
use super::native::{Native, NativeBuckets};
use crate::shard::Shard;
use crate::shard::cells::Cells;

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
        // first, so that whoever reads them last finds all that the others have
        if let Some(native) = &self.native {
            native.record(shard, value);
        }
        let bucket = self.bounds.bucket(value);
        let cells = self.cells.of(shard);
        cells.add(bucket, 1);
        if value > 0 {
            cells.add(self.bounds.buckets(), value);
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
        let mut buckets: Vec<_> =
            (0..self.bounds.buckets()).map(|bucket| self.cells.sum(bucket)).collect();
        let sum = self.cells.sum(self.bounds.buckets());
        let native = self.native.as_ref().map(NativeBuckets::snapshot);
        if let Some(native) = &native {
            // a scrape is refused whose two counts differ: what was recorded meanwhile is above all
            // bounds this once
            let meanwhile = native.count().saturating_sub(buckets.iter().sum());
            if let Some(last) = buckets.last_mut() {
                *last += meanwhile;
            }
        }
        let exemplars = self.exemplars.get().map(|slots| slots.iter().map(Slot::kept).collect());
        Snapshot {
            buckets,
            sum,
            exemplars: exemplars.unwrap_or_default(),
            native,
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

    #[cfg(feature = "metrics-protobuf")]
    #[test]
    fn both_kinds_of_buckets_have_the_same_count_while_values_are_recorded() {
        let bounds = Bounds::of_sizes("sizes", [10, 20]).unwrap().with_native();
        let histogram = Histogram::new(Arc::new(bounds), SystemTime::UNIX_EPOCH);
        let record =
            || (0..20_000).for_each(|at| histogram.record(shard::of_this_thread(), at % 30));
        thread::scope(|scope| {
            let recording = [scope.spawn(record), scope.spawn(record)];
            let mut looked = 0;
            while looked == 0 || recording.iter().any(|thread| !thread.is_finished()) {
                let snapshot = histogram.snapshot();
                assert_eq!(snapshot.native.as_ref().unwrap().count(), snapshot.count());
                looked += 1;
            }
        });
        let last = histogram.snapshot();
        assert_eq!((last.count(), last.native.unwrap().count()), (40_000, 40_000));
        assert_eq!(last.buckets.iter().sum::<u64>(), 40_000);
    }
}
