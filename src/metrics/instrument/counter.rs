//! A number that only grows.

use std::time::SystemTime;

use crate::shard::Shard;
use crate::shard::cells::Cells;

/// Counts what happens.
pub(crate) struct Counter {
    cells: Cells,
    created: SystemTime,
}

impl Counter {
    pub(crate) fn new(created: SystemTime) -> Self {
        Self { cells: Cells::new(1), created }
    }

    #[inline]
    pub(crate) fn add(&self, shard: Shard, amount: u64) {
        self.cells.of(shard).add(0, amount);
    }

    pub(crate) fn count(&self) -> u64 {
        self.cells.sum(0)
    }

    pub(crate) fn created(&self) -> SystemTime {
        self.created
    }
}
