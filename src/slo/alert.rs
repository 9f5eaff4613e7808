//! Where one condition of alarm stands.

use std::time::Duration;

use super::report::AlertState;
use super::rolling::At;

/// From whether a condition holds to whether somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alert {
    pub(super) state: AlertState,
    /// Since when it stands there.
    pub(super) since: At,
    /// Since when it does not hold any more, while it fires.
    pub(super) away_since: Option<At>,
}

impl Alert {
    pub(super) fn new(now: At) -> Self {
        Self { state: AlertState::Inactive, since: now, away_since: None }
    }

    /// Goes on from whether it holds now, and says whether that changed where it stands.
    pub(super) fn step(&mut self, holds: bool, now: At, pending: Duration) -> bool {
        let has_been = |since: At| now.saturating_sub(since) >= pending;
        let next = match (self.state, holds) {
            (AlertState::Inactive, true) => AlertState::Pending,
            (AlertState::Pending, true) if has_been(self.since) => AlertState::Firing,
            (AlertState::Pending, false) => AlertState::Inactive,
            (AlertState::Firing, false) => match self.away_since {
                Some(since) if has_been(since) => AlertState::Inactive,
                since => {
                    self.away_since = since.or(Some(now));
                    AlertState::Firing
                }
            },
            (state, _) => {
                self.away_since = None;
                state
            }
        };
        let has_changed = next != self.state;
        if has_changed {
            *self = Self { state: next, since: now, away_since: None };
        }
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use super::AlertState::{Firing, Inactive, Pending};
    use super::*;

    const PENDING: Duration = Duration::from_secs(30);

    /// The states after each of these, ten seconds apart.
    fn states(holds: &[bool]) -> Vec<AlertState> {
        let mut alert = Alert::new(Duration::ZERO);
        let each = holds.iter().zip(1..).map(|(&holds, tens)| {
            alert.step(holds, Duration::from_secs(tens * 10), PENDING);
            alert.state
        });
        each.collect()
    }

    #[test]
    fn it_fires_once_it_held_for_long_enough() {
        assert_eq!(
            states(&[false, true, true, true, true, true]),
            [Inactive, Pending, Pending, Pending, Firing, Firing]
        );
    }

    #[test]
    fn what_comes_and_goes_is_told_to_nobody() {
        assert_eq!(
            states(&[true, true, false, true, true]),
            [Pending, Pending, Inactive, Pending, Pending]
        );
    }

    #[test]
    fn it_is_over_once_it_stayed_away_for_long_enough() {
        let (yes, no) = (true, false);
        assert_eq!(
            states(&[yes, yes, yes, yes, no, no, yes, no, no, no, no])[3..],
            [Firing, Firing, Firing, Firing, Firing, Firing, Firing, Inactive]
        );
    }
}
