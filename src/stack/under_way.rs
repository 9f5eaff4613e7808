//! How many exchanges are under way, so that a shutdown can wait for them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::shard;
use crate::shard::cells::Cells;

const BEGUN: usize = 0;
const ENDED: usize = 1;

/// How often a shutdown looks whether all has ended.
const LOOK: Duration = Duration::from_millis(2);

/// What a program still does for those who called it. Clones are the same.
#[derive(Clone)]
pub(crate) struct UnderWay(Arc<Counts>);

struct Counts {
    exchanges: Cells,
    servers: AtomicUsize,
    /// Whether the program's server ended by itself.
    ended_by_itself: AtomicBool,
}

/// A server that runs, until this is dropped.
pub(super) struct Serving(UnderWay);

impl Default for UnderWay {
    fn default() -> Self {
        Self(Arc::new(Counts {
            exchanges: Cells::new(2),
            servers: AtomicUsize::new(0),
            ended_by_itself: AtomicBool::new(false),
        }))
    }
}

impl UnderWay {
    #[inline]
    pub(super) fn begun(&self) {
        self.0.exchanges.of(shard::of_this_thread()).add(BEGUN, 1);
    }

    #[inline]
    pub(super) fn ended(&self) {
        self.0.exchanges.of(shard::of_this_thread()).add(ENDED, 1);
    }

    pub(super) fn exchanges(&self) -> u64 {
        // in this order, so that none is missed that began before
        let ended = self.0.exchanges.sum(ENDED);
        self.0.exchanges.sum(BEGUN).saturating_sub(ended)
    }

    pub(super) fn note_ended_by_itself(&self) {
        self.0.ended_by_itself.store(true, Ordering::Release);
    }

    pub(super) fn ended_by_itself(&self) -> bool {
        self.0.ended_by_itself.load(Ordering::Acquire)
    }

    pub(super) fn serving(&self) -> Serving {
        self.0.servers.fetch_add(1, Ordering::AcqRel);
        Serving(self.clone())
    }

    /// Blocks until nothing is under way, or until then; answers how many exchanges and servers are left.
    pub(super) fn wait_until(&self, deadline: Option<Instant>) -> (u64, usize) {
        loop {
            let left = (self.exchanges(), self.0.servers.load(Ordering::Acquire));
            if left == (0, 0) {
                return left;
            }
            let time = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match time {
                Some(Duration::ZERO) => return left,
                Some(time) => thread::sleep(time.min(LOOK)),
                None => thread::sleep(LOOK),
            }
        }
    }
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnderWay").field(&self.exchanges()).finish()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.0.servers.fetch_sub(1, Ordering::AcqRel);
    }
}
