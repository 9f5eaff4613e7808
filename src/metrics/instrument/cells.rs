//! Counts that are split among threads, so that no two processors write the same cache line.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::shard::{self, Shard};

const PER_LINE: usize = 8;

#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU64; PER_LINE]);

/// A number of counts, each of them the sum of what the threads added.
pub(super) struct Cells {
    lines: Box<[Line]>,
    shards: usize,
}

impl Cells {
    pub(super) fn new(cells: usize) -> Self {
        let shards = shard::count();
        let lines = cells.div_ceil(PER_LINE) * shards;
        Self { lines: (0..lines).map(|_| Line::default()).collect(), shards }
    }

    /// Adds to a count, and wraps around.
    #[inline]
    pub(super) fn add(&self, shard: Shard, cell: usize, amount: u64) {
        if let Some(cell) = self.cell(shard.among(self.shards), cell) {
            cell.fetch_add(amount, Ordering::Relaxed);
        }
    }

    /// What all threads added so far.
    pub(super) fn sum(&self, cell: usize) -> u64 {
        let counts = (0..self.shards).filter_map(|shard| self.cell(shard, cell));
        counts.map(|count| count.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    #[inline]
    fn cell(&self, shard: usize, cell: usize) -> Option<&AtomicU64> {
        let lines = self.lines.len() / self.shards;
        self.lines.get(shard * lines + cell / PER_LINE)?.0.get(cell % PER_LINE)
    }
}
