//! Which share a thread has of what is split among threads, so that no two processors write one place.

#[cfg(any(feature = "live", feature = "metrics", feature = "slo"))]
pub(crate) mod cells;

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The most shares there are.
const MOST: usize = 8;

static COUNT: LazyLock<usize> = LazyLock::new(|| {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    threads.next_power_of_two().min(MOST)
});

/// How many shares there are: as many as processors, a power of two, at most 8.
pub(crate) fn count() -> usize {
    *COUNT
}

/// The share of this thread; threads take turns, so that few share one.
#[inline]
pub(crate) fn of_this_thread() -> Shard {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static TURN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    Shard(TURN.with(|turn| match turn.get() {
        usize::MAX => {
            // far below the value that stands for none
            let next = NEXT.fetch_add(1, Ordering::Relaxed) % MOST;
            turn.set(next);
            next
        }
        turn => turn,
    }))
}

/// Two that are not the same where there are several.
#[cfg(all(test, feature = "metrics"))]
pub(crate) fn two() -> [Shard; 2] {
    [Shard(0), Shard(1)]
}

/// The share of a thread.
#[derive(Clone, Copy)]
pub(crate) struct Shard(usize);

impl Shard {
    /// Its place among `count` shares, a power of two.
    #[inline]
    pub(crate) fn among(self, count: usize) -> usize {
        self.0 & (count - 1)
    }
}
