//! Instruments that differ by the values of some labels.

use std::sync::Arc;
use std::time::SystemTime;

use super::bounded::{Bounded, Equivalent, Room};
use super::bounds::Bounds;
use super::counter::Counter;
use super::histogram::Histogram;

/// Stands for the value of a label where there are too many.
pub(crate) const OVERFLOW: &str = "_overflow";

/// Instruments by the values of `N` labels; an empty value is a label left out.
pub(crate) struct Family<const N: usize, V = Histogram> {
    make: Box<dyn Fn(SystemTime) -> V + Send + Sync>,
    /// Which labels stay as they are where there are too many series.
    stays: [bool; N],
    values: Bounded<Labels<N>, V>,
}

impl<const N: usize> Family<N> {
    pub(crate) fn histograms(bounds: Bounds, most: usize, stays: [bool; N]) -> Self {
        let bounds = Arc::new(bounds);
        Self::new(move |created| Histogram::new(Arc::clone(&bounds), created), most, stays)
    }
}

impl<const N: usize> Family<N, Counter> {
    pub(crate) fn counters(most: usize, stays: [bool; N]) -> Self {
        Self::new(Counter::new, most, stays)
    }
}

impl<const N: usize, V: Send + Sync> Family<N, V> {
    fn new(
        make: impl Fn(SystemTime) -> V + Send + Sync + 'static,
        most: usize,
        stays: [bool; N],
    ) -> Self {
        Self { make: Box::new(make), stays, values: Bounded::new(most) }
    }

    /// Uses the instrument of these labels, or the one for all that are too many: `false` then.
    pub(crate) fn with(&self, values: [&str; N], now: SystemTime, using: impl FnOnce(&V)) -> bool {
        let make = || (self.make)(now);
        if let Some(value) = self.values.get_or_make(&Values(values), Room::IfAny, make) {
            using(value);
            return true;
        }
        let mut values = values;
        for (value, _) in values.iter_mut().zip(self.stays).filter(|(_, stays)| !stays) {
            *value = OVERFLOW;
        }
        self.values.get_or_make(&Values(values), Room::Always, make).map(using);
        false
    }

    pub(crate) fn each(&self, mut show: impl FnMut([&str; N], &V)) {
        self.values.each(|labels, value| show(labels.values().0, value));
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Values<'a, const N: usize>([&'a str; N]);

struct Labels<const N: usize>([Box<str>; N]);

impl<const N: usize> Labels<N> {
    fn values(&self) -> Values<'_, N> {
        Values(self.0.each_ref().map(|value| &**value))
    }
}

impl<const N: usize> From<&Values<'_, N>> for Labels<N> {
    fn from(values: &Values<'_, N>) -> Self {
        Self(values.0.map(Box::from))
    }
}

impl<const N: usize> Equivalent<Labels<N>> for Values<'_, N> {
    fn is(&self, labels: &Labels<N>) -> bool {
        *self == labels.values()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::shard;

    fn count(family: &Family<2, Counter>, values: [&str; 2]) -> bool {
        let add = |counter: &Counter| counter.add(shard::of_this_thread(), 1);
        family.with(values, SystemTime::UNIX_EPOCH, add)
    }

    fn counts(family: &Family<2, Counter>) -> BTreeMap<[String; 2], u64> {
        let mut counts = BTreeMap::new();
        family.each(|values, counter| {
            let before = counts.insert(values.map(str::to_owned), counter.count());
            assert_eq!(before, None, "{values:?} twice");
        });
        counts
    }

    #[test]
    fn what_is_too_much_is_counted_as_one_and_some_labels_stay() {
        let family = Family::counters(2, [false, true]);
        assert_eq!(counts(&family), BTreeMap::new());
        assert!(count(&family, ["a", "x"]));
        assert!(count(&family, ["b", ""]));
        assert!(!count(&family, ["c", "x"]));
        assert!(!count(&family, ["d", "x"]));
        assert!(!count(&family, ["a", "y"]));
        assert!(count(&family, ["a", "x"]));
        let expected = [(["_overflow", "x"], 2), (["_overflow", "y"], 1), (["a", "x"], 2)];
        let expected = expected.into_iter().chain([(["b", ""], 1)]);
        let expected = expected.map(|(values, count)| (values.map(str::to_owned), count));
        assert_eq!(counts(&family), expected.collect());
    }

    proptest! {
        /// Whatever the values are made of: none are taken for others, and nothing is lost.
        #[test]
        fn labels_never_merge_and_totals_are_exact(
            told in proptest::collection::vec(("[ab,\"\0]{0,3}", "[ab,\"\0]{0,3}"), 0..80)
        ) {
            let family = Family::counters(usize::MAX, [false, false]);
            let bounded = Family::counters(5, [false, false]);
            let mut expected = BTreeMap::<[String; 2], u64>::new();
            for (one, other) in &told {
                prop_assert!(count(&family, [one, other]));
                count(&bounded, [one, other]);
                *expected.entry([one.clone(), other.clone()]).or_default() += 1;
            }
            prop_assert_eq!(counts(&family), expected);
            prop_assert!(counts(&bounded).len() <= 6);
            prop_assert_eq!(counts(&bounded).values().sum::<u64>(), told.len() as u64);
        }
    }
}
