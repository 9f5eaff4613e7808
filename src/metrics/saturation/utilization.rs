//! How busy workers were from one scrape to the next.

use std::time::{Duration, Instant};

use tokio::runtime::RuntimeMetrics;

/// What tokio has told of one worker up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) busy: Duration,
    /// How often it went to sleep or woke up: even while it is awake.
    pub(super) park_unparks: u64,
}

impl Told {
    pub(super) fn of(metrics: &RuntimeMetrics) -> Vec<Self> {
        let told = |worker| Self {
            busy: metrics.worker_total_busy_duration(worker),
            park_unparks: metrics.worker_park_unpark_count(worker),
        };
        (0..metrics.num_workers()).map(told).collect()
    }

    fn is_awake(self) -> bool {
        self.park_unparks.is_multiple_of(2)
    }
}

/// The interval from the last scrape on.
pub(super) struct Interval {
    since: Instant,
    workers: Vec<Worker>,
}

#[derive(Clone, Copy)]
struct Worker {
    told: Told,
    /// Busy time that was shown before tokio tells of it.
    ahead: Duration,
}

impl Interval {
    pub(super) fn new(now: Instant, told: Vec<Told>) -> Self {
        let worker = |told| Worker { told, ahead: Duration::ZERO };
        Self { since: now, workers: told.into_iter().map(worker).collect() }
    }

    /// The busy time of all workers since the interval began, divided by workers and time, and
    /// begins the next one; none if no time has passed.
    ///
    /// A worker that stays awake and of which tokio tells nothing has been in its tasks all the
    /// time, if there are `tasks`: tokio will tell of it when they let go of it.
    pub(super) fn next(&mut self, now: Instant, told: &[Told], tasks: usize) -> Option<f64> {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed.is_zero() || self.workers.is_empty() {
            return None;
        }
        self.since = now;
        let workers = self.workers.iter_mut().zip(told);
        let busy = workers.map(|(worker, told)| worker.next(elapsed, *told, tasks > 0));
        let busy: f64 = busy.map(|busy| busy.as_secs_f64()).sum();
        Some((busy / (elapsed.as_secs_f64() * self.workers.len() as f64)).min(1.0))
    }
}

impl Worker {
    fn next(&mut self, elapsed: Duration, told: Told, has_tasks: bool) -> Duration {
        let more = told.busy.saturating_sub(self.told.busy);
        let busy = if more.is_zero() {
            let is_stuck = told == self.told && told.is_awake() && has_tasks;
            let busy = if is_stuck { elapsed } else { Duration::ZERO };
            self.ahead += busy;
            busy
        } else {
            let busy = more.saturating_sub(self.ahead).min(elapsed);
            self.ahead = Duration::ZERO;
            busy
        };
        self.told = told;
        busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Busy seconds, and how often the worker parked and unparked.
    fn told(workers: &[(u64, u64)]) -> Vec<Told> {
        let told = |(busy, park_unparks)| Told { busy: Duration::from_secs(busy), park_unparks };
        workers.iter().copied().map(told).collect()
    }

    /// What is read every ten seconds.
    fn readings(tasks: usize, scrapes: &[&[(u64, u64)]]) -> Vec<f64> {
        let mut now = Instant::now();
        let mut interval = Interval::new(now, told(scrapes[0]));
        let next = |workers: &&[(u64, u64)]| {
            now += 10 * SECOND;
            interval.next(now, &told(workers), tasks).unwrap()
        };
        scrapes[1..].iter().map(next).collect()
    }

    #[test]
    fn busy_time_is_divided_by_workers_and_time() {
        assert_eq!(readings(1, &[&[(0, 1), (0, 1)], &[(10, 2), (5, 3)]]), [0.75]);
        assert_eq!(readings(1, &[&[(7, 1), (7, 1)], &[(7, 1), (7, 1)]]), [0.0]);
        assert_eq!(readings(1, &[&[(0, 1)], &[(4, 3)], &[(5, 5)], &[(5, 5)]]), [0.4, 0.1, 0.0]);
    }

    #[test]
    fn a_worker_that_is_stuck_is_busy_and_its_time_is_counted_once() {
        let scrapes: [&[(u64, u64)]; 6] =
            [&[(0, 1)], &[(1, 2)], &[(1, 2)], &[(1, 2)], &[(24, 3)], &[(24, 3)]];
        assert_eq!(readings(1, &scrapes), [0.1, 1.0, 1.0, 0.3, 0.0]);
    }

    #[test]
    fn a_worker_that_is_awake_without_a_task_is_not_busy() {
        assert_eq!(readings(0, &[&[(1, 2)], &[(1, 2)]]), [0.0], "it was shut down");
        assert_eq!(readings(1, &[&[(1, 2)], &[(1, 4)]]), [0.0], "it went to sleep and woke up");
    }

    #[test]
    fn it_is_never_more_than_one() {
        assert_eq!(readings(1, &[&[(0, 1), (0, 1)], &[(90, 2), (0, 1)]]), [0.5]);
        assert_eq!(readings(1, &[&[(0, 1)], &[(11, 2)]]), [1.0]);
    }

    #[test]
    fn no_time_tells_nothing_and_loses_nothing() {
        let now = Instant::now();
        let mut interval = Interval::new(now, told(&[(0, 1)]));
        assert_eq!(interval.next(now, &told(&[(1, 2)]), 1), None);
        assert_eq!(interval.next(now + 10 * SECOND, &told(&[(1, 3)]), 1), Some(0.1));
        assert_eq!(Interval::new(now, Vec::new()).next(now + SECOND, &[], 1), None);
    }
}
