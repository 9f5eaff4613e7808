//! Which errors are reported: a share of them, and of those that are alike one at a time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What makes errors alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Alike {
    pub(super) route: String,
    pub(super) error_type: String,
}

/// How many are kept in mind; what comes after them is reported each time.
const MOST: usize = 1_000;

/// Chooses which errors are reported.
#[derive(Debug, Default)]
pub(super) struct Chooser(Mutex<Chosen>);

#[derive(Debug, Default)]
struct Chosen {
    /// The share of the next report that has come together.
    share: f64,
    last: HashMap<Alike, Last>,
}

#[derive(Debug)]
struct Last {
    reported: Instant,
    /// How many have not been since.
    withheld: u64,
}

impl Chooser {
    /// Whether an error of `now` is reported: how many that are alike were not since the last one.
    pub(super) fn choose(
        &self,
        alike: Alike,
        now: Instant,
        window: Duration,
        rate: f64,
    ) -> Option<u64> {
        let mut chosen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Chosen { share, last } = &mut *chosen;
        let mut withheld = 0;
        if !window.is_zero()
            && let Some(before) = last.get_mut(&alike)
        {
            if now.saturating_duration_since(before.reported) < window {
                before.withheld += 1;
                return None;
            }
            withheld = before.withheld;
        }
        *share += rate;
        if *share < 1.0 {
            return None;
        }
        *share -= 1.0;
        if !window.is_zero() {
            if last.len() >= MOST {
                let is_old = |last: &Last| now.saturating_duration_since(last.reported) >= window;
                last.retain(|_, last| !is_old(last) || last.withheld > 0);
                if last.len() >= MOST {
                    last.retain(|_, last| !is_old(last));
                }
            }
            if last.len() < MOST {
                last.insert(alike, Last { reported: now, withheld: 0 });
            }
        }
        Some(withheld)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn alike(route: impl ToString) -> Alike {
        Alike { route: route.to_string(), error_type: "503".into() }
    }

    #[test]
    fn of_errors_that_are_alike_one_is_reported_in_a_window() {
        let (chooser, start) = (Chooser::default(), Instant::now());
        let choose = |route, after: u64| {
            chooser.choose(alike(route), start + Duration::from_secs(after), MINUTE, 1.0)
        };
        assert_eq!(choose("/a", 0), Some(0));
        assert_eq!(choose("/b", 1), Some(0), "another route");
        assert_eq!([choose("/a", 1), choose("/a", 59)], [None, None]);
        assert_eq!(choose("/a", 60), Some(2), "with those that were not");
        assert_eq!(choose("/a", 61), None);
        assert_eq!(choose("/b", 500), Some(0));
    }

    #[test]
    fn without_a_window_each_is_reported() {
        let (chooser, now) = (Chooser::default(), Instant::now());
        let all = [0; 3].map(|_| chooser.choose(alike("/a"), now, Duration::ZERO, 1.0));
        assert_eq!(all, [Some(0); 3]);
    }

    #[test]
    fn a_share_is_reported_evenly() {
        let (chooser, now) = (Chooser::default(), Instant::now());
        let told: Vec<_> = (0..8)
            .map(|_| chooser.choose(alike("/a"), now, Duration::ZERO, 0.25).is_some())
            .collect();
        assert_eq!(told, [false, false, false, true, false, false, false, true]);
        let none = (0..100).filter_map(|at| chooser.choose(alike(at), now, MINUTE, 0.0)).count();
        assert_eq!(none, 0);
    }

    #[test]
    fn no_more_are_kept_in_mind_than_there_is_room_for() {
        let (chooser, start) = (Chooser::default(), Instant::now());
        let choose = |route: usize, after| {
            chooser.choose(alike(route), start + Duration::from_secs(after), MINUTE, 1.0)
        };
        for route in 0..MOST + 5 {
            assert_eq!(choose(route, 0), Some(0));
        }
        assert_eq!(choose(0, 1), None);
        assert_eq!(choose(MOST + 1, 1), Some(0), "there was no room for it");
        assert_eq!(choose(MOST + 1, 70), Some(0), "what is old has made room");
        assert_eq!(choose(MOST + 1, 71), None);
        assert!(chooser.0.lock().unwrap().last.len() <= MOST);
    }
}
