//! The handle that keeps, and tells.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use super::active::{Active, Slot, Slots};
use super::builder::BoardBuilder;
use super::family::{Family, FamilyId, Key, MAX_NAME, Name};
use super::report::FamilyReport;
use super::sample::{Sample, cut};
use super::samples::{Kept, Samples};
use super::{OVERFLOW, UNMATCHED};
use crate::bounded::{Bounded, Room};
use crate::classify::{Outcome, Side};
use crate::clock::{Clock, nanos};
use crate::exchange::{End, Facts};
use crate::redact::Redaction;
use crate::shard;

/// Keeps what runs, what was slow and what failed, for a page about this process. Clones are the same board.
///
/// A server's layers and a client's may share one: a family is of one side. See the [module](super).
#[derive(Clone)]
pub struct Board(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) clock: Clock,
    pub(super) origin: Instant,
    pub(super) since: SystemTime,
    pub(super) redaction: Redaction,
    pub(super) slots: Slots,
    pub(super) families: Bounded<Key, Family>,
    /// Of those that stand for others, the server's and the client's.
    pub(super) unmatched: [OnceLock<Family>; 2],
    pub(super) overflow: [OnceLock<Family>; 2],
    pub(super) made: AtomicU32,
    pub(super) samples: Samples,
    pub(super) max_bytes: usize,
}

impl Board {
    /// Sets up a board.
    pub fn builder() -> BoardBuilder {
        BoardBuilder::new()
    }

    /// What is under way now.
    pub fn active(&self) -> Active {
        self.0.slots.all(self.0.clock.now(), &self.0.redaction)
    }

    /// What is known of each family now: [`UNMATCHED`], then the routes as they came, then [`OVERFLOW`].
    pub fn families(&self) -> Vec<FamilyReport> {
        let now = self.0.since_origin(self.0.clock.now());
        let mut reports = Vec::new();
        self.0.each(|side, name, family| reports.push(family.report(side, name, now)));
        // those that stand for others first and last
        let rank = |report: &FamilyReport| match report.id.0 {
            0 | 1 => (0, report.id),
            2 | 3 => (2, report.id),
            _ => (1, report.id),
        };
        reports.sort_by_key(rank);
        reports
    }

    /// What is known of one family now.
    pub fn family(&self, id: FamilyId) -> Option<FamilyReport> {
        let now = self.0.since_origin(self.0.clock.now());
        let mut found = None;
        self.0.each(|side, name, family| {
            if family.id == id {
                found = Some(family.report(side, name, now));
            }
        });
        found
    }

    /// What is kept of a family's exchanges.
    pub fn kept(&self, id: FamilyId) -> Kept {
        self.0.samples.of(id)
    }

    /// The newest errors and panics of all families, at most so many.
    pub fn latest_errors(&self, most: usize) -> Vec<(FamilyId, Arc<Sample>)> {
        self.0.samples.latest(most)
    }

    /// The most bytes of memory that it takes, whatever is asked of the service.
    pub fn max_bytes(&self) -> usize {
        self.0.max_bytes
    }

    /// When it was made.
    pub fn since(&self) -> SystemTime {
        self.0.since
    }

    /// How long it has been there.
    pub fn uptime(&self) -> Duration {
        self.0.clock.now().saturating_duration_since(self.0.origin)
    }

    /// The time of day, on its clock.
    pub fn now(&self) -> SystemTime {
        self.0.clock.wall()
    }

    #[inline]
    pub(super) fn slots(&self) -> &Slots {
        &self.0.slots
    }

    #[inline]
    pub(super) fn begin(&self, facts: &Arc<Facts>, path: &str, waited: Duration) -> Slot {
        self.0.slots.enter(facts, path, waited, &self.0.redaction)
    }

    #[inline]
    pub(super) fn end(&self, slot: Slot, end: &End<'_>) {
        let inner = &*self.0;
        let nanos = nanos(end.duration);
        let now = inner.since_origin(end.facts.started()).saturating_add(nanos);
        let route = end.route.map(|route| route.as_str());
        let family = inner.family(end.facts.side(), route, now);
        let panicked = end.outcome == Outcome::Panicked;
        let places = family.count(shard::of_this_thread(), now, nanos, end.blame, panicked);
        if let Some(places) = places {
            let path = inner.slots.path(slot, &inner.redaction);
            inner.samples.keep(family.id, places, Sample::of(end, path, &inner.redaction));
        }
        inner.slots.leave(slot);
    }
}

impl Inner {
    #[inline]
    fn since_origin(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.origin))
    }

    #[inline]
    fn family(&self, side: Side, route: Option<&str>, now: u64) -> &Family {
        let Some(route) = route else { return self.other(&self.unmatched, side, 0, now) };
        let route = if route.len() > MAX_NAME { cut(route, MAX_NAME) } else { route };
        let make = || Family::new(FamilyId(self.made.fetch_add(1, Ordering::Relaxed)), now);
        let found = self.families.get_or_make(&Name { side, route }, Room::IfAny, make);
        match found {
            Some(family) => family,
            None => self.other(&self.overflow, side, 2, now),
        }
    }

    /// One that stands for others, whose number begins at this one.
    #[inline]
    fn other<'a>(
        &self,
        of: &'a [OnceLock<Family>; 2],
        side: Side,
        number: u32,
        now: u64,
    ) -> &'a Family {
        let [server, client] = of;
        let (of, number) = match side {
            Side::Server => (server, number),
            Side::Client => (client, number + 1),
        };
        of.get_or_init(|| Family::new(FamilyId(number), now))
    }

    fn each(&self, mut show: impl FnMut(Side, &str, &Family)) {
        for (of, name) in [(&self.unmatched, UNMATCHED), (&self.overflow, OVERFLOW)] {
            for (family, side) in of.iter().zip([Side::Server, Side::Client]) {
                if let Some(family) = family.get() {
                    show(side, name, family);
                }
            }
        }
        self.families.each(|key, family| show(key.side, &key.route, family));
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("max_bytes", &self.0.max_bytes).finish_non_exhaustive()
    }
}
