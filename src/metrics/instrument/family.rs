//! Histograms that differ by the values of some labels.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use papaya::Equivalent;

use super::bounded::{Bounded, Room};
use super::bounds::Bounds;
use super::histogram::Histogram;

/// Stands for the value of a label where there are too many.
pub(crate) const OVERFLOW: &str = "_overflow";

/// Histograms by the values of `N` labels; an empty value is a label left out.
pub(crate) struct Family<const N: usize> {
    bounds: Arc<Bounds>,
    /// Which labels stay as they are where there are too many series.
    stays: [bool; N],
    histograms: Bounded<Labels<N>, Histogram>,
    overflows: AtomicU64,
}

impl<const N: usize> Family<N> {
    pub(crate) fn new(bounds: Bounds, most: usize, stays: [bool; N]) -> Self {
        Self {
            bounds: Arc::new(bounds),
            stays,
            histograms: Bounded::new(most),
            overflows: AtomicU64::new(0),
        }
    }

    /// Uses the histogram of these labels, or the one for all that are too many.
    pub(crate) fn with(&self, values: [&str; N], now: SystemTime, using: impl FnOnce(&Histogram)) {
        let make = || Histogram::new(Arc::clone(&self.bounds), now);
        let mut using = Some(using);
        let mut once = |histogram: &Histogram| {
            if let Some(using) = using.take() {
                using(histogram);
            }
        };
        let labels = Values(values);
        if self.histograms.with(&labels, Room::IfAny, make, &mut once).is_some() {
            return;
        }
        self.overflows.fetch_add(1, Ordering::Relaxed);
        let mut values = values;
        for (value, _) in values.iter_mut().zip(self.stays).filter(|(_, stays)| !stays) {
            *value = OVERFLOW;
        }
        self.histograms.with(&Values(values), Room::Always, make, once);
    }

    /// How many values went to those that stand for all others.
    pub(crate) fn overflows(&self) -> u64 {
        self.overflows.load(Ordering::Relaxed)
    }

    pub(crate) fn each(&self, mut show: impl FnMut([&str; N], &Histogram)) {
        self.histograms.each(|labels, histogram| show(labels.values().0, histogram));
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

impl<const N: usize> PartialEq for Labels<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<const N: usize> Eq for Labels<N> {}

impl<const N: usize> Hash for Labels<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // as what is looked up
        self.values().hash(state);
    }
}

impl<const N: usize> From<&Values<'_, N>> for Labels<N> {
    fn from(values: &Values<'_, N>) -> Self {
        Self(values.0.map(Box::from))
    }
}

impl<const N: usize> Equivalent<Labels<N>> for Values<'_, N> {
    fn equivalent(&self, labels: &Labels<N>) -> bool {
        *self == labels.values()
    }
}
