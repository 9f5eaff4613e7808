//! What was counted over the last minute, hour and day.

use std::time::Duration;

use super::histogram::{BUCKETS, Counts};

const SECOND: u64 = 1_000_000_000;

/// The slots of a window: how long each is in nanoseconds, and how many there are.
const WINDOWS: [(u64, usize); 3] = [(SECOND, 60), (60 * SECOND, 60), (15 * 60 * SECOND, 96)];

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) buckets: Counts,
    pub(super) ours: u64,
    pub(super) peers: u64,
    pub(super) nanos: u64,
}

impl Totals {
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What came after another reading of the same counts.
    fn since(&self, before: &Self) -> Self {
        let mut since = *self;
        for (now, before) in since.buckets.iter_mut().zip(before.buckets) {
            *now = now.wrapping_sub(before);
        }
        since.ours = self.ours.wrapping_sub(before.ours);
        since.peers = self.peers.wrapping_sub(before.peers);
        since.nanos = self.nanos.wrapping_sub(before.nanos);
        since
    }

    pub(super) fn add(&mut self, slot: &Slot) {
        for (sum, more) in self.buckets.iter_mut().zip(slot.buckets) {
            *sum += u64::from(more);
        }
        self.ours += u64::from(slot.ours);
        self.peers += u64::from(slot.peers);
        self.nanos = self.nanos.saturating_add(slot.nanos);
    }
}

/// What was counted in one slot; half the size of [`Totals`], as there are 216 for each family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    buckets: [u32; BUCKETS],
    ours: u32,
    peers: u32,
    nanos: u64,
}

impl Slot {
    fn add(&mut self, more: &Totals) {
        let add = |to: &mut u32, more: u64| {
            *to = to.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        };
        for (to, more) in self.buckets.iter_mut().zip(more.buckets) {
            add(to, more);
        }
        add(&mut self.ours, more.ours);
        add(&mut self.peers, more.peers);
        self.nanos = self.nanos.saturating_add(more.nanos);
    }
}

/// The last slots of one length.
struct Ring {
    nanos: u64,
    slots: Box<[Slot]>,
    /// The number of the slot under way, from the origin.
    newest: u64,
}

impl Ring {
    fn new((nanos, slots): (u64, usize), now: u64) -> Self {
        Self { nanos, slots: vec![Slot::default(); slots].into(), newest: now / nanos }
    }

    fn slot(&mut self, number: u64) -> Option<&mut Slot> {
        let place = number % self.slots.len().max(1) as u64;
        self.slots.get_mut(usize::try_from(place).ok()?)
    }

    /// Begins the slots up to now.
    fn turn(&mut self, now: u64) {
        let to = now / self.nanos;
        let missing = to.saturating_sub(self.newest).min(self.slots.len() as u64);
        for number in to.saturating_sub(missing)..to {
            if let Some(slot) = self.slot(number + 1) {
                *slot = Slot::default();
            }
        }
        self.newest = self.newest.max(to);
    }

    /// The oldest first.
    fn slots(&self) -> impl ExactSizeIterator<Item = &Slot> {
        let len = self.slots.len();
        let newest = usize::try_from(self.newest % len.max(1) as u64).unwrap_or(0);
        let (late, early) = self.slots.split_at((newest + 1).min(len));
        let all: Vec<_> = early.iter().chain(late).collect();
        all.into_iter()
    }
}

/// The last minute, hour and day of one family.
pub(super) struct Trends {
    rings: [Ring; 3],
    /// What had been counted when it was last turned.
    last: Totals,
}

impl Trends {
    /// From a time on, in nanoseconds from the origin.
    pub(super) fn new(now: u64) -> Self {
        Self { rings: WINDOWS.map(|window| Ring::new(window, now)), last: Totals::default() }
    }

    /// Ends the slots that are over by now; what came since the last time was of the slot under way then.
    pub(super) fn turn(&mut self, now: u64, total: &Totals) {
        let since = total.since(&self.last);
        self.last = *total;
        for ring in &mut self.rings {
            let newest = ring.newest;
            if let Some(slot) = ring.slot(newest) {
                slot.add(&since);
            }
            ring.turn(now);
        }
    }

    /// Minute, hour and day: how long a slot is, and the slots, the oldest first.
    pub(super) fn windows(&self) -> [(Duration, Vec<Slot>); 3] {
        self.rings.each_ref().map(|ring| {
            (Duration::from_nanos(ring.nanos), ring.slots().copied().collect::<Vec<_>>())
        })
    }
}

/// When the second under way ends.
pub(super) fn next_turn(now: u64) -> u64 {
    (now / SECOND + 1).saturating_mul(SECOND)
}
