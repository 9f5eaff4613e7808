//! Buckets that grow by a factor: Prometheus' native histograms.

use std::sync::LazyLock;

use super::bounds::Unit;
use crate::shard::Shard;
use crate::shard::cells::Cells;

/// Counts values in buckets each of which ends 2^(1/8) times as high as the one before, so that a
/// quantile is at most 9 % off.
///
/// Durations up to 2^-20 s (about 1 µs) and sizes of 0 B are in the zero bucket. What is above 2^12 s
/// (about 68 min) or 2^32 B (4 GiB) is counted in the last bucket. An instrument takes some 2 KiB for each
/// share ([`shard::count`](crate::shard::count)).
pub(crate) struct NativeBuckets {
    scale: &'static Scale,
    /// The zero bucket, and those of the scale.
    cells: Cells,
}

/// What native buckets hold at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Native {
    /// In the unit that is told.
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    /// The buckets that have something, by their index, growing: the bucket `i` ends at 2^(i/8).
    pub(crate) buckets: Vec<(i32, u64)>,
}

impl Native {
    /// How fine the buckets are: 2^3 of them for each power of two.
    pub(crate) const SCHEMA: i32 = 3;

    pub(crate) fn count(&self) -> u64 {
        self.zero_count + self.buckets.iter().map(|(_, count)| count).sum::<u64>()
    }
}

/// How many powers of two a scale has.
const POWERS: i32 = 32;
const PER_POWER: i32 = 1 << Native::SCHEMA;

/// The upper bounds of the buckets of a unit.
struct Scale {
    /// The power of two that the first bucket begins above.
    first: i32,
    zero_threshold: f64,
    /// Up to which recorded value a value is in the zero bucket.
    zero: u64,
    /// As values are recorded: the highest that is in the bucket.
    bounds: Vec<u64>,
}

impl Scale {
    fn of(unit: Unit) -> &'static Self {
        static SECONDS: LazyLock<Scale> = LazyLock::new(|| Scale::new(Unit::Seconds, -20));
        static BYTES: LazyLock<Scale> = LazyLock::new(|| Scale::new(Unit::Bytes, 0));
        match unit {
            Unit::Seconds => &SECONDS,
            Unit::Bytes => &BYTES,
        }
    }

    fn new(unit: Unit, power: i32) -> Self {
        let recorded = match unit {
            Unit::Seconds => 1e9,
            Unit::Bytes => 1.0,
        };
        let last = |index: i32| {
            // exact at the powers of two
            let (power, part) = (index.div_euclid(PER_POWER), index.rem_euclid(PER_POWER));
            let end = f64::from(power).exp2() * (f64::from(part) / f64::from(PER_POWER)).exp2();
            (end * recorded) as u64
        };
        let first = power * PER_POWER;
        let (zero_threshold, zero) = match unit {
            Unit::Seconds => (f64::from(power).exp2(), last(first)),
            // as low as Prometheus' own: nothing but zero is under it
            Unit::Bytes => ((-128_f64).exp2(), 0),
        };
        // a size of one byte is at the end of the bucket 0
        let first = if zero == 0 { first - 1 } else { first };
        let bounds = (first + 1..=(power + POWERS) * PER_POWER).map(last).collect();
        Self { first, zero_threshold, zero, bounds }
    }

    #[inline]
    fn cell(&self, value: u64) -> usize {
        if value <= self.zero {
            return 0;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        bucket.min(self.bounds.len() - 1) + 1
    }
}

impl NativeBuckets {
    pub(crate) fn new(unit: Unit) -> Self {
        let scale = Scale::of(unit);
        Self { scale, cells: Cells::new(scale.bounds.len() + 1) }
    }

    /// Counts a value: nanoseconds or bytes.
    #[inline]
    pub(crate) fn record(&self, shard: Shard, value: u64) {
        self.cells.of(shard).add(self.scale.cell(value), 1);
    }

    pub(crate) fn snapshot(&self) -> Native {
        let counts = (1..=self.scale.bounds.len()).map(|cell| self.cells.sum(cell));
        let indexed = (self.scale.first + 1..).zip(counts);
        Native {
            zero_threshold: self.scale.zero_threshold,
            zero_count: self.cells.sum(0),
            buckets: indexed.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard;

    fn recorded(unit: Unit, values: &[u64]) -> Native {
        let buckets = NativeBuckets::new(unit);
        for value in values {
            buckets.record(shard::of_this_thread(), *value);
        }
        buckets.snapshot()
    }

    #[test]
    fn durations_are_in_the_buckets_of_their_seconds() {
        let second = 1_000_000_000;
        let values = [0, 953, 954, second, second + 1, 2 * second, 4096 * second, u64::MAX];
        let native = recorded(Unit::Seconds, &values);
        let expected = Native {
            zero_threshold: 0.000_000_953_674_316_406_25,
            zero_count: 2,
            buckets: vec![(-159, 1), (0, 1), (1, 1), (8, 1), (96, 2)],
        };
        assert_eq!(native, expected);
    }

    #[test]
    fn only_a_size_of_nothing_is_zero() {
        let native = recorded(Unit::Bytes, &[0, 1, 2, 3, 1024, 1 << 32, u64::MAX]);
        let expected = Native {
            zero_threshold: (-128_f64).exp2(),
            zero_count: 1,
            buckets: vec![(0, 1), (8, 1), (13, 1), (80, 1), (256, 2)],
        };
        assert_eq!(native, expected);
    }

    #[test]
    fn a_bucket_begins_where_the_one_before_it_ends() {
        for (unit, recorded) in [(Unit::Seconds, 1e9), (Unit::Bytes, 1.0)] {
            let scale = Scale::of(unit);
            for (at, bound) in scale.bounds.iter().enumerate() {
                let index = scale.first + 1 + at as i32;
                let end = (f64::from(index) / 8.0).exp2() * recorded;
                assert!(
                    (*bound as f64 - end).abs() <= 1.0 + end * 1e-12,
                    "{index}: {bound}, {end}"
                );
                assert!(scale.cell(*bound) <= at + 1);
                assert!(scale.cell(bound + 1) > at + 1 || at + 1 == scale.bounds.len());
            }
        }
    }
}
