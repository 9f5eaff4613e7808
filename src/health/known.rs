//! What is known of one component, and how it is judged.

use std::time::{Duration, Instant, SystemTime};

use super::component::Rules;
use super::{Report, Status};

/// What the runs of a component have shown so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// What it is by its thresholds; nothing before it passed or failed often enough.
    settled: Option<Status>,
    failures: u32,
    passes: u32,
    /// Whether it ever passed.
    pub(super) has_started: bool,
    pub(super) last: Option<Last>,
}

/// The last run.
#[derive(Clone, Debug)]
pub(super) struct Last {
    pub(super) report: Report,
    pub(super) ended: Instant,
    pub(super) time: SystemTime,
    pub(super) took: Duration,
}

impl Known {
    /// What is known after one more run.
    pub(super) fn after(&self, rules: &Rules, last: Last) -> Self {
        let found = last.report.status();
        let (failures, passes) = match found {
            Status::Fail => (self.failures.saturating_add(1), 0),
            _ => (0, self.passes.saturating_add(1)),
        };
        let is_healthy = self.settled.is_some_and(Status::is_healthy);
        let settled = match found {
            Status::Fail if failures >= rules.failure_threshold => Some(Status::Fail),
            Status::Pass | Status::Warn if is_healthy || passes >= rules.success_threshold => {
                Some(found)
            }
            _ => self.settled,
        };
        let has_started = self.has_started || settled.is_some_and(Status::is_healthy);
        Self { settled, failures, passes, has_started, last: Some(last) }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled.is_some()
    }

    /// Its own status, whatever it weighs.
    pub(super) fn status(&self, rules: &Rules, now: Instant) -> Status {
        let Some(settled) = self.settled else {
            return not_passed(rules);
        };
        match self.age(rules, now) {
            Some(age) if age > rules.stale.1 => Status::Fail,
            Some(age) if age > rules.stale.0 => settled.min(Status::Warn),
            _ => settled,
        }
    }

    /// Its status as a part of the start, which it passes once.
    pub(super) fn startup(&self, rules: &Rules) -> Status {
        if self.has_started { Status::Pass } else { not_passed(rules) }
    }

    /// How long the last run took.
    pub(super) fn took(&self) -> Option<Duration> {
        self.last.as_ref().map(|last| last.took)
    }

    /// Whether it need not be run any more.
    pub(super) fn is_done(&self, rules: &Rules) -> bool {
        self.has_started && rules.is_startup_only()
    }

    /// What is to be said of a component that does not pass.
    pub(super) fn output(&self, rules: &Rules, now: Instant) -> String {
        let Some(last) = &self.last else {
            return "has not run yet".to_owned();
        };
        let said = match last.report.output() {
            "" if last.report.status() == Status::Pass => "has not passed often enough yet",
            said => said,
        };
        match self.age(rules, now).filter(|age| *age > rules.stale.0) {
            Some(age) if last.report.output().is_empty() => {
                format!("the last result is {} s old", age.as_secs())
            }
            Some(age) => format!("the last result is {} s old: {said}", age.as_secs()),
            None => said.to_owned(),
        }
    }

    /// How old the last result is; nothing where there will be no other.
    fn age(&self, rules: &Rules, now: Instant) -> Option<Duration> {
        let last = self.last.as_ref().filter(|_| !self.is_done(rules))?;
        Some(now.saturating_duration_since(last.ended))
    }
}

/// Before the first pass nobody knows that it works.
fn not_passed(rules: &Rules) -> Status {
    if rules.is_critical { Status::Fail } else { Status::Warn }
}
