//! What is counted of the exchanges of one route.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::histogram::{BUCKETS, bucket};
use super::report::FamilyReport;
use super::samples::{Kind, Places};
use super::trend::{Totals, Trends, next_turn};
use crate::bounded::Equivalent;
use crate::classify::{Blame, Side};
use crate::shard::Shard;
use crate::shard::cells::Cells;

/// The most bytes of a route that a family is called by.
pub(super) const MAX_NAME: usize = 256;

/// The number of a family in its board. It is the same as long as the board is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(pub(super) u32);

impl FamilyId {
    /// The family of this number, which a board need not have.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The number, as links to the family have it.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// By what a family is found.
#[derive(Hash)]
pub(super) struct Name<'a> {
    pub(super) side: Side,
    pub(super) route: &'a str,
}

/// By what a family is known.
pub(super) struct Key {
    pub(super) side: Side,
    pub(super) route: Box<str>,
}

impl Equivalent<Key> for Name<'_> {
    #[inline]
    fn is(&self, key: &Key) -> bool {
        self.side == key.side && *self.route == *key.route
    }
}

impl From<&Name<'_>> for Key {
    fn from(name: &Name<'_>) -> Self {
        Self { side: name.side, route: name.route.into() }
    }
}

/// The cells after those of the buckets.
const OURS: usize = BUCKETS;
/// In a cache line with others, so that most exchanges write but one.
const PEERS: usize = BUCKETS + 2;
const NANOS: usize = BUCKETS + 1;
const CELLS: usize = BUCKETS + 3;

pub(super) struct Family {
    pub(super) id: FamilyId,
    cells: Cells,
    /// When the second under way ends, in nanoseconds from the origin.
    next_turn: AtomicU64,
    trends: Mutex<Trends>,
    /// When the next sample of each bucket may be kept.
    due: [AtomicU64; BUCKETS],
    errors: Gate,
    panics: Gate,
}

impl Family {
    pub(super) fn new(id: FamilyId, now: u64) -> Self {
        Self {
            id,
            cells: Cells::new(CELLS),
            next_turn: AtomicU64::new(next_turn(now)),
            trends: Mutex::new(Trends::new(now)),
            due: Default::default(),
            errors: Gate::default(),
            panics: Gate::default(),
        }
    }

    /// Counts an exchange that ended now, and says whether it is to be kept, and where.
    #[inline]
    pub(super) fn count(
        &self,
        shard: Shard,
        now: u64,
        nanos: u64,
        blame: Blame,
        panicked: bool,
    ) -> Option<Places> {
        if now >= self.next_turn.load(Ordering::Relaxed) {
            self.turn_unless_another_does(now);
        }
        let (share, bucket) = (self.cells.of(shard), bucket(nanos));
        share.add(bucket, 1);
        share.add(NANOS, nanos);
        match blame {
            Blame::Nobody => {}
            Blame::Ours => share.add(OURS, 1),
            Blame::Peer => share.add(PEERS, 1),
        }
        let is_due = now >= self.due.get(bucket)?.load(Ordering::Relaxed);
        if is_due || panicked || blame == Blame::Ours {
            return self.places(now, bucket, panicked, blame);
        }
        None
    }

    #[cold]
    fn places(&self, now: u64, bucket: usize, panicked: bool, blame: Blame) -> Option<Places> {
        let kind = match (panicked, blame) {
            (true, _) => Some(Kind::Panic),
            (_, Blame::Ours) => Some(Kind::Error),
            _ => None,
        };
        let gate = |kind| if kind == Kind::Panic { &self.panics } else { &self.errors };
        let places = Places {
            kind: kind.filter(|kind| gate(*kind).admits(now, kind.most())),
            bucket: self.takes(bucket, now).then_some(bucket),
        };
        (places != Places::default()).then_some(places)
    }

    /// A bucket's sample is replaced once a second.
    fn takes(&self, bucket: usize, now: u64) -> bool {
        let Some(due) = self.due.get(bucket) else { return false };
        let until = due.load(Ordering::Relaxed);
        let next = now.saturating_add(SECOND);
        now >= until
            && due.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn turn_unless_another_does(&self, now: u64) {
        match self.trends.try_lock() {
            Ok(mut trends) => {
                self.turn(&mut trends, now);
            }
            Err(TryLockError::Poisoned(poisoned)) => {
                self.turn(&mut poisoned.into_inner(), now);
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn turn(&self, trends: &mut Trends, now: u64) -> Totals {
        let totals = self.totals();
        trends.turn(now, &totals);
        self.next_turn.store(next_turn(now), Ordering::Relaxed);
        totals
    }

    fn totals(&self) -> Totals {
        // the buckets last, which are written first: there are never more errors than exchanges
        let [ours, peers, nanos] = [OURS, PEERS, NANOS].map(|cell| self.cells.sum(cell));
        let buckets = std::array::from_fn(|bucket| self.cells.sum(bucket));
        Totals { buckets, ours, peers, nanos }
    }

    pub(super) fn report(&self, side: Side, name: &str, now: u64) -> FamilyReport {
        let mut trends = self.trends();
        let totals = self.turn(&mut trends, now);
        let windows = trends.windows();
        drop(trends);
        FamilyReport::new((self.id, side, name), &totals, windows)
    }

    fn trends(&self) -> MutexGuard<'_, Trends> {
        self.trends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SECOND: u64 = 1_000_000_000;

/// Lets so many through in each second: the number of the second from the origin, and how many came.
#[derive(Default)]
struct Gate(AtomicU64);

impl Gate {
    fn admits(&self, now: u64, most: usize) -> bool {
        // the second in the upper bits; as many admitted as fit into a byte
        let second = (now / SECOND) << 8;
        let step = |known: u64| {
            let admitted = if known & !0xff == second { known & 0xff } else { 0 };
            (admitted < (most as u64).min(0xff)).then_some(second | (admitted + 1))
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).is_ok()
    }
}
