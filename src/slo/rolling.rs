//! What was counted over the windows that end now, from three rings of running totals.

use std::collections::VecDeque;
use std::time::Duration;

use super::report::Tally;
use super::window::Window;

/// A place on the tracker's own scale of time, which goes on where the one that was restored ended.
pub(super) type At = Duration;

/// The shortest slot of a period of 30 days.
const SHORTEST: Duration = Duration::from_secs(10);

/// The slots of each ring: how many of the shortest make up one, so that they end together in any period,
/// and how many are kept. Of 30 days, they are of 10 s, 4 minutes and an hour.
///
/// A window is a whole number of slots but for at most half a one at its beginning: 5 s of 5 minutes, 2
/// minutes of 2 hours.
const SLOTS: [(u32, usize); 3] = [(1, 361), (24, 361), (360, 721)];

/// The most interruptions that are kept in mind.
const MOST_GAPS: usize = 64;

/// Running totals, as they were at the ends of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rolling {
    pub(super) rings: [Ring; 3],
    /// When nobody was there to count, the oldest first.
    pub(super) gaps: Vec<(At, At)>,
}

/// The running totals at the ends of slots of one length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ring {
    slot: Duration,
    most: usize,
    /// How many slots have ended.
    pub(super) ended: u64,
    /// The totals at the ends of the last ones, the newest last.
    pub(super) totals: VecDeque<Tally>,
}

impl Ring {
    fn new(slot: Duration, most: usize) -> Self {
        Self { slot, most, ended: 0, totals: VecDeque::from([Tally::default()]) }
    }

    /// Takes over the totals of another one; not where these cannot be those of a ring like this.
    pub(super) fn restore(&mut self, ended: u64, totals: VecDeque<Tally>, at: At) -> bool {
        let fits = (1..=self.most).contains(&totals.len()) && ended == slots(at, self.slot);
        if fits {
            (self.ended, self.totals) = (ended, totals);
        }
        fits
    }

    /// Ends the slots that are over by now, at this total.
    fn advance(&mut self, now: At, total: Tally) {
        let ended = slots(now, self.slot);
        let missing = ended.saturating_sub(self.ended);
        for _ in 0..missing.min(self.most as u64) {
            if self.totals.len() == self.most {
                self.totals.pop_front();
            }
            self.totals.push_back(total);
        }
        self.ended = self.ended.max(ended);
    }

    /// The total at the end of the slot that ended nearest to then.
    fn total_at(&self, at: At) -> Tally {
        let ago = self.ended.saturating_sub(slots(at + self.slot / 2, self.slot));
        let place = (self.totals.len() - 1).checked_sub(usize::try_from(ago).unwrap_or(usize::MAX));
        // what was before the oldest was before the beginning, or is of no window
        place
            .and_then(|place| self.totals.get(place))
            .or(self.totals.front())
            .copied()
            .unwrap_or_default()
    }

    /// Whether it has the slot that ended nearest to the beginning of a window of this length; to the
    /// nearest, as slots are cut to whole nanoseconds.
    fn reaches_over(&self, window: Duration) -> bool {
        let reach = self.slot * u32::try_from(self.most - 1).unwrap_or(u32::MAX);
        reach + self.slot / 2 >= window
    }
}

fn slots(at: At, slot: Duration) -> u64 {
    u64::try_from(at.as_nanos() / slot.as_nanos().max(1)).unwrap_or(u64::MAX)
}

impl Rolling {
    pub(super) fn new(window: Window) -> Self {
        let shortest = window.of_30_days_exactly(SHORTEST);
        let ring = |(shortest_ones, most)| Ring::new(shortest * shortest_ones, most);
        Self { rings: SLOTS.map(ring), gaps: Vec::new() }
    }

    /// How many of the shortest slots have ended by now.
    pub(super) fn ended_by(&self, now: At) -> u64 {
        slots(now, self.rings[0].slot)
    }

    /// How many of the shortest slots it went through.
    pub(super) fn ended(&self) -> u64 {
        self.rings[0].ended
    }

    /// When so many of the shortest slots have ended.
    pub(super) fn end_of(&self, ended: u64) -> At {
        let nanos = u64::try_from(self.rings[0].slot.as_nanos()).unwrap_or(u64::MAX);
        At::from_nanos(nanos.saturating_mul(ended))
    }

    /// Ends the slots that are over by now; what was counted so far is the total at their ends.
    pub(super) fn advance(&mut self, now: At, total: Tally) {
        for ring in &mut self.rings {
            ring.advance(now, total);
        }
    }

    /// What was counted in the window that ends now; [`advance`](Self::advance) first.
    pub(super) fn over(&self, window: Duration, now: At, total: Tally) -> Tally {
        let before = self.total_at(window, now);
        Tally {
            good: total.good.saturating_sub(before.good),
            bad: total.bad.saturating_sub(before.bad),
        }
    }

    /// The running total when the window that ends now began.
    fn total_at(&self, window: Duration, now: At) -> Tally {
        match now.checked_sub(window) {
            None => Tally::default(),
            Some(start) => {
                let [fine, middle, coarse] = &self.rings;
                let reaches = |ring: &&Ring| ring.reaches_over(window);
                [fine, middle].into_iter().find(reaches).unwrap_or(coarse).total_at(start)
            }
        }
    }

    /// The share of the window that ends now in which somebody was there to count.
    pub(super) fn coverage(&self, window: Duration, now: At) -> f64 {
        let start = now.saturating_sub(window);
        let missed =
            self.gaps.iter().map(|&(from, to)| to.min(now).saturating_sub(from.max(start)));
        let covered = (now - start).saturating_sub(missed.sum());
        covered.as_secs_f64() / window.as_secs_f64()
    }

    /// Nobody was there to count from then to now.
    pub(super) fn missed(&mut self, from: At, to: At, period: Duration) {
        self.gaps.retain(|&(_, end)| end + period > to);
        if from < to {
            self.gaps.push((from, to));
        }
        if self.gaps.len() > MOST_GAPS {
            // the two oldest become one, so that too much is said to be missed rather than too little
            let (from, _) = self.gaps.remove(0);
            if let Some(oldest) = self.gaps.first_mut() {
                oldest.0 = from;
            }
        }
    }
}
