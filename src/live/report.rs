//! What a board tells of a family.

use std::time::Duration;

use super::family::FamilyId;
use super::histogram::{Bucket, buckets, quantile};
use super::trend::{Slot, Totals};
use crate::classify::Side;

/// What was counted of some exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// All of them.
    pub count: u64,
    /// Those that were this side's doing: [`Blame::Ours`](crate::classify::Blame).
    pub errors: u64,
    /// Those that the peer ended.
    pub peer_ended: u64,
    /// How long they took together.
    pub duration: Duration,
}

/// Rate, errors and durations of some exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Red {
    /// What was counted.
    pub tally: Tally,
    /// Half of them took no longer, as far as the [buckets](super::bounds) tell; 10 s where it is more.
    pub p50: Option<Duration>,
    /// 19 in 20 of them took no longer, as far as the buckets tell; 10 s where it is more.
    pub p95: Option<Duration>,
}

impl Red {
    pub(super) fn of(totals: &Totals) -> Self {
        Self {
            tally: Tally {
                count: totals.count(),
                errors: totals.ours,
                peer_ended: totals.peers,
                duration: Duration::from_nanos(totals.nanos),
            },
            p50: quantile(0.5, &totals.buckets),
            p95: quantile(0.95, &totals.buckets),
        }
    }

    /// The mean duration.
    pub fn mean(&self) -> Option<Duration> {
        let count = self.tally.count;
        (count > 0).then(|| self.tally.duration.div_f64(count as f64))
    }

    /// The share of errors, 0 to 1.
    pub fn error_ratio(&self) -> Option<f64> {
        let Tally { count, errors, .. } = self.tally;
        (count > 0).then(|| errors as f64 / count as f64)
    }
}

/// A window that ends now, in slots.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trend {
    /// How long a slot is.
    pub slot: Duration,
    /// The slots, the oldest first; the last one is under way.
    pub slots: Vec<Red>,
    /// All slots together.
    pub whole: Red,
}

impl Trend {
    pub(super) fn of(slot: Duration, slots: &[Slot]) -> Self {
        let one = |slot: &Slot| {
            let mut totals = Totals::default();
            totals.add(slot);
            Red::of(&totals)
        };
        let mut whole = Totals::default();
        slots.iter().for_each(|slot| whole.add(slot));
        Self { slot, slots: slots.iter().map(one).collect(), whole: Red::of(&whole) }
    }

    /// How long the window is.
    pub fn window(&self) -> Duration {
        self.slot.saturating_mul(u32::try_from(self.slots.len()).unwrap_or(u32::MAX))
    }

    /// How many exchanges there were a second, over the window.
    pub fn rate(&self) -> f64 {
        self.whole.tally.count as f64 / self.window().as_secs_f64()
    }
}

/// What a board knows of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FamilyReport {
    /// Its number in the board.
    pub id: FamilyId,
    /// Which side of the exchanges this is.
    pub side: Side,
    /// The route, or [`UNMATCHED`](super::UNMATCHED) or [`OVERFLOW`](super::OVERFLOW).
    pub name: String,
    /// What was counted since the board was made.
    pub since_start: Red,
    /// The durations since the board was made.
    pub buckets: Vec<Bucket>,
    /// The last minute, by seconds.
    pub minute: Trend,
    /// The last hour, by minutes.
    pub hour: Trend,
    /// The last day, by quarters of an hour.
    pub day: Trend,
}

impl FamilyReport {
    pub(super) fn new(
        (id, side, name): (FamilyId, Side, &str),
        totals: &Totals,
        windows: [(Duration, Vec<Slot>); 3],
    ) -> Self {
        let [minute, hour, day] = windows.map(|(slot, slots)| Trend::of(slot, &slots));
        Self {
            id,
            side,
            name: name.to_owned(),
            since_start: Red::of(totals),
            buckets: buckets(&totals.buckets),
            minute,
            hour,
            day,
        }
    }
}
