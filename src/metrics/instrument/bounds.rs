//! The upper bounds of a histogram's buckets.

use std::time::Duration;

use crate::config::ConfigError;

/// What a histogram measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Recorded as nanoseconds.
    Seconds,
    Bytes,
}

impl Unit {
    /// A recorded value in the unit that is told.
    pub(crate) fn tell(self, value: u64) -> f64 {
        match self {
            Self::Seconds => value as f64 / 1e9,
            Self::Bytes => value as f64,
        }
    }
}

/// Upper bounds, inclusive and growing; one more bucket takes what is above them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds {
    unit: Unit,
    values: Box<[u64]>,
    /// By how many bits a value has: the first bucket that it can be in.
    first: Box<[u8; 65]>,
    native: bool,
}

impl Bounds {
    /// The most buckets that can be set.
    pub(crate) const MAX: usize = 64;

    /// What OpenTelemetry's semantic conventions advise for the durations of HTTP requests and RPCs.
    pub(crate) fn seconds() -> Self {
        const MILLIS: [u64; 14] =
            [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];
        Self::new(Unit::Seconds, MILLIS.map(|millis| millis * 1_000_000).into())
    }

    /// Powers of four from 64 B to 64 MiB.
    pub(crate) fn bytes() -> Self {
        Self::new(Unit::Bytes, (0..11).map(|power| 64 << (2 * power)).collect())
    }

    /// From bounds that grow, at most [`MAX`](Self::MAX) of them.
    fn new(unit: Unit, values: Box<[u64]>) -> Self {
        let least = |bits: usize| bits.checked_sub(1).map_or(0, |power| 1 << power);
        let below = |value| values.partition_point(|bound| *bound < value);
        let first = Box::new(std::array::from_fn(|bits| below(least(bits)) as u8));
        Self { unit, values, first, native: false }
    }

    pub(crate) fn of_durations(
        field: &'static str,
        bounds: impl IntoIterator<Item = Duration>,
    ) -> Result<Self, ConfigError> {
        let nanos = |bound: Duration| u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Self::checked(field, Unit::Seconds, bounds.into_iter().map(nanos).collect())
    }

    pub(crate) fn of_sizes(
        field: &'static str,
        bounds: impl IntoIterator<Item = u64>,
    ) -> Result<Self, ConfigError> {
        Self::checked(field, Unit::Bytes, bounds.into_iter().collect())
    }

    fn checked(field: &'static str, unit: Unit, values: Vec<u64>) -> Result<Self, ConfigError> {
        // as they are told: of the largest numbers several are the same there
        let grows = values.is_sorted_by(|below, above| unit.tell(*below) < unit.tell(*above));
        if values.is_empty() || values.len() > Self::MAX || values.first() == Some(&0) || !grows {
            let allowed = "1 to 64 bounds above zero, each greater than the one before";
            let told: Vec<_> =
                values.iter().take(Self::MAX + 1).map(|value| unit.tell(*value)).collect();
            let more = if values.len() > told.len() { ", and more" } else { "" };
            return Err(ConfigError::new(field, format!("{told:?}{more}"), allowed));
        }
        Ok(Self::new(unit, values.into()))
    }

    /// Counts in a native histogram as well.
    #[cfg(feature = "metrics-protobuf")]
    pub(crate) fn with_native(self) -> Self {
        Self { native: true, ..self }
    }

    pub(super) fn is_native(&self) -> bool {
        self.native
    }

    pub(crate) fn unit(&self) -> Unit {
        self.unit
    }

    /// How many buckets there are, with the one above all bounds.
    pub(crate) fn buckets(&self) -> usize {
        self.values.len() + 1
    }

    /// The bounds in the unit that is told.
    pub(crate) fn told(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().map(|value| self.unit.tell(*value))
    }

    /// The bucket of a value.
    #[inline]
    pub(super) fn bucket(&self, value: u64) -> usize {
        let bits = (u64::BITS - value.leading_zeros()) as usize;
        let mut bucket = self.first.get(bits).copied().map_or(0, usize::from);
        while self.values.get(bucket).is_some_and(|bound| *bound < value) {
            bucket += 1;
        }
        bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_is_below_it() {
        let bounds = Bounds::of_sizes("sizes", [10, 20]).unwrap();
        let buckets = [0, 10, 11, 20, 21, u64::MAX].map(|value| bounds.bucket(value));
        assert_eq!(buckets, [0, 0, 1, 1, 2, 2]);
        assert_eq!((bounds.buckets(), bounds.unit()), (3, Unit::Bytes));
    }

    #[test]
    fn the_bucket_is_that_of_the_first_bound_that_is_not_below() {
        let odd = [1, 2, 3, 4, 5, 1000, 1023, 1024, 1025, 1 << 40, u64::MAX];
        let odd = Bounds::of_sizes("sizes", odd).unwrap();
        for bounds in [odd, Bounds::seconds(), Bounds::bytes()] {
            let powers = (0..64).map(|power| 1_u64 << power);
            let near = |value: &u64| [value.saturating_sub(1), *value, value.saturating_add(1)];
            for value in bounds.values.iter().copied().chain(powers).chain([0]) {
                for value in near(&value) {
                    let expected = bounds.values.partition_point(|bound| *bound < value);
                    assert_eq!(bounds.bucket(value), expected, "{value}");
                }
            }
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_conventions_and_powers_of_four() {
        let seconds: Vec<_> = Bounds::seconds().told().collect();
        assert_eq!(
            seconds,
            [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
        );
        let bytes: Vec<_> = Bounds::bytes().told().collect();
        assert_eq!((bytes.len(), bytes[0], bytes[1], bytes[10]), (11, 64.0, 256.0, 67_108_864.0));
    }

    #[test]
    fn bounds_that_cannot_be_used_are_refused_by_name() {
        let same = vec![1 << 53, (1 << 53) + 1];
        for bad in [vec![], vec![0], vec![2, 1], vec![1, 1], same, (1..=65).collect()] {
            let error = Bounds::of_sizes("request_size_buckets", bad).unwrap_err();
            assert_eq!(error.field(), "request_size_buckets");
        }
        let error = Bounds::of_durations("duration_buckets", [Duration::ZERO]).unwrap_err();
        assert_eq!((error.field(), error.value()), ("duration_buckets", "[0.0]"));
    }
}
