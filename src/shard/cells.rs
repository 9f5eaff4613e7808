//! Counts that are split among threads, so that no two processors write the same cache lines.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Shard, count};

/// Two cache lines, as processors fetch them in pairs.
const PER_LINE: usize = 16;

#[derive(Default)]
#[repr(align(128))]
struct Line([AtomicU64; PER_LINE]);

/// A number of counts, each of them the sum of what the threads added.
pub(crate) struct Cells {
    lines: Box<[Line]>,
    /// How many each shard has.
    each: usize,
    shards: usize,
}

/// The counts of one shard.
#[derive(Clone, Copy)]
pub(crate) struct Share<'a> {
    lines: &'a [Line],
    first: usize,
}

impl Cells {
    pub(crate) fn new(cells: usize) -> Self {
        let (each, shards) = (cells.div_ceil(PER_LINE), count());
        Self { lines: (0..each * shards).map(|_| Line::default()).collect(), each, shards }
    }

    #[inline]
    pub(crate) fn of(&self, shard: Shard) -> Share<'_> {
        self.share(shard.among(self.shards))
    }

    /// What all threads added so far.
    pub(crate) fn sum(&self, cell: usize) -> u64 {
        let counts = (0..self.shards).filter_map(|shard| self.share(shard).cell(cell));
        counts.map(|count| count.load(Ordering::Acquire)).fold(0, u64::wrapping_add)
    }

    #[inline]
    fn share(&self, shard: usize) -> Share<'_> {
        Share { lines: &self.lines, first: shard * self.each }
    }
}

impl<'a> Share<'a> {
    /// Adds to a count, and wraps around. Whoever [sums](Cells::sum) it sees what was added elsewhere
    /// before.
    #[inline]
    pub(crate) fn add(self, cell: usize, amount: u64) {
        if let Some(cell) = self.cell(cell) {
            cell.fetch_add(amount, Ordering::Release);
        }
    }

    #[inline]
    fn cell(self, cell: usize) -> Option<&'a AtomicU64> {
        self.lines.get(self.first + cell / PER_LINE)?.0.get(cell % PER_LINE)
    }
}
