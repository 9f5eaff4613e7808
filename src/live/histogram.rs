//! Durations in buckets.

use std::time::Duration;

/// How many buckets there are: one for each bound, and one for what is above them.
pub const BUCKETS: usize = 15;

/// The upper bounds in milliseconds, as OpenTelemetry's semantic conventions advise for HTTP and RPC.
const MILLIS: [u64; BUCKETS - 1] =
    [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

/// Exchanges in each bucket.
pub(super) type Counts = [u64; BUCKETS];

/// A bucket of a family's durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bucket {
    /// What is in it took no longer; `None` of the last one.
    pub upper: Option<Duration>,
    /// How many took longer than the bucket before, and no longer than this.
    pub count: u64,
}

/// The upper bounds of the buckets, inclusive: 5 ms to 10 s.
pub fn bounds() -> impl ExactSizeIterator<Item = Duration> {
    MILLIS.into_iter().map(Duration::from_millis)
}

pub(super) fn buckets(counts: &Counts) -> Vec<Bucket> {
    let uppers = bounds().map(Some).chain([None]);
    uppers.zip(counts).map(|(upper, &count)| Bucket { upper, count }).collect()
}

/// The bucket that so many nanoseconds are in.
#[inline]
pub(super) fn bucket(nanos: u64) -> usize {
    // most are in the first; the others are found without a branch
    if nanos <= MILLIS[0] * 1_000_000 {
        return 0;
    }
    MILLIS.iter().map(|bound| usize::from(nanos > bound * 1_000_000)).sum()
}

/// What so large a share took no longer than, as far as the buckets tell: as Prometheus'
/// `histogram_quantile`, values are thought to be spread evenly in a bucket, and what is in the last is told
/// as its lower bound. `None` where there are none.
pub(super) fn quantile(share: f64, counts: &Counts) -> Option<Duration> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let rank = share * total as f64;
    let (mut below, mut lower) = (0_u64, 0.0);
    for (&count, upper) in counts.iter().zip(MILLIS) {
        let upper = upper as f64 / 1e3;
        if count > 0 && (below + count) as f64 >= rank {
            let share = ((rank - below as f64) / count as f64).clamp(0.0, 1.0);
            return Some(Duration::from_secs_f64(lower + (upper - lower) * share));
        }
        (below, lower) = (below + count, upper);
    }
    Some(Duration::from_secs_f64(lower))
}
