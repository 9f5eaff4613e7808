//! How often and for how long: what the metrics tell of anything must be what others tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::time::Duration;

/// How many there were, and how long they took together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: u64,
    pub nanos: u64,
}

pub type Tallies<K> = BTreeMap<K, Tally>;

impl Tally {
    pub fn add(&mut self, took: Duration) {
        self.count += 1;
        self.nanos += took.as_nanos() as u64;
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} ns", self.count, self.nanos)
    }
}

/// Each row of which the metrics tell something else than `whose` do.
pub fn compare<K: Display + Ord, T: Copy + Default + Display + PartialEq>(
    whose: &str,
    told: &BTreeMap<K, T>,
    metrics: &BTreeMap<K, T>,
) -> Vec<String> {
    let of = |counted: &BTreeMap<K, T>, row| counted.get(row).copied().unwrap_or_default();
    let rows: BTreeSet<_> = told.keys().chain(metrics.keys()).collect();
    rows.into_iter()
        .map(|row| (row, of(told, row), of(metrics, row)))
        .filter(|(_, told, measured)| told != measured)
        .map(|(row, told, measured)| format!("{row}: {whose}: {told}; the metrics: {measured}"))
        .collect()
}
