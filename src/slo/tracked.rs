//! One objective, what was counted of it, and what follows from that.

use std::time::{Duration, SystemTime};

use super::alert::Alert;
use super::format::KeptObjective;
use super::objective::Objective;
use super::report::{
    AlertReport, AlertState, Budget, BudgetPoint, BurnRate, ObjectiveReport, Tally,
};
use super::rolling::{At, Rolling};
use super::severity::Severity;

/// The share of a period that must be covered for its budget to be told.
const LEAST_COVERAGE: f64 = 0.1;

/// How many slots are gone through one by one where nobody looked for long; those after them in steps that
/// grow with the distance, as what then changes does so ever more slowly.
const ONE_BY_ONE: u64 = 1024;

/// How many points a period's history has.
const HISTORY: u32 = 60;

/// What is known of one objective beside its counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tracked {
    pub(super) rolling: Rolling,
    pub(super) alerts: Vec<Alert>,
    /// What was counted before this process, if it took over somebody's state.
    pub(super) before: Tally,
}

/// A condition of alarm that came, or went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AlertChange {
    /// Whose.
    pub objective: Objective,
    /// Which one.
    pub severity: Severity,
    /// Where it stood.
    pub from: AlertState,
    /// Where it stands.
    pub to: AlertState,
    /// Since when.
    pub at: SystemTime,
    /// How fast the budget burnt over the short window then.
    pub short: BurnRate,
    /// And over the long one.
    pub long: BurnRate,
}

/// A change, and when it came on the tracker's own scale of time.
pub(super) struct Change {
    pub(super) severity: Severity,
    pub(super) from: AlertState,
    pub(super) to: AlertState,
    pub(super) at: At,
    pub(super) short: BurnRate,
    pub(super) long: BurnRate,
}

impl Tracked {
    pub(super) fn new(objective: &Objective, now: At) -> Self {
        let alerts = objective.severities().iter().map(|_| Alert::new(now)).collect();
        Self { rolling: Rolling::new(objective.window()), alerts, before: Tally::default() }
    }

    /// Goes on from what another process knew when it saved, until now.
    pub(super) fn restored(objective: &Objective, kept: KeptObjective, saved: At, now: At) -> Self {
        let KeptObjective { mut rolling, alerts, total, .. } = kept;
        rolling.advance(now, total);
        rolling.missed(saved, now, objective.window().period());
        let of = |severity: &Severity| {
            let known = alerts.iter().find(|(of, _)| of == severity);
            known.map_or(Alert::new(now), |(_, alert)| *alert)
        };
        let alerts = objective.severities().iter().map(of).collect();
        Self { rolling, alerts, before: total }
    }

    /// Of which nothing is known from before now.
    pub(super) fn beginning(objective: &Objective, now: At) -> Self {
        let mut new = Self::new(objective, now);
        new.rolling.advance(now, Tally::default());
        new.rolling.missed(At::ZERO, now, objective.window().period());
        new
    }

    /// When the slot under way ends.
    pub(super) fn next_turn(&self) -> At {
        self.rolling.end_of(self.rolling.ended().saturating_add(1))
    }

    /// Goes through the slots that ended since it was last looked at; nothing was counted since the
    /// first of them did.
    pub(super) fn turn(&mut self, objective: &Objective, now: At, counted: Tally) -> Vec<Change> {
        let total = self.total(counted);
        let mut changes = Vec::new();
        let (before, last) = (self.rolling.ended(), self.rolling.ended_by(now));
        let mut ended = before;
        while ended < last {
            ended = last.min(ended.saturating_add(1 + (ended - before) / ONE_BY_ONE));
            let at = self.rolling.end_of(ended);
            self.rolling.advance(at, total);
            self.look(objective, at, total, &mut changes);
        }
        changes
    }

    fn look(&mut self, objective: &Objective, at: At, total: Tally, changes: &mut Vec<Change>) {
        let Self { rolling, alerts, .. } = self;
        let window = objective.window();
        for (alert, &severity) in alerts.iter_mut().zip(objective.severities()) {
            let [short, long] = [severity.short(window), severity.long(window)]
                .map(|window| burn(rolling, objective, window, at, total));
            let factor = severity.factor(window).as_f64();
            let is_over = |burn: &BurnRate| burn.rate.is_some_and(|rate| rate > factor);
            let holds =
                is_over(&short) && is_over(&long) && long.tally.bad >= objective.least_bad().get();
            let from = alert.state;
            if alert.step(holds, at, severity.pending(window)) {
                changes.push(Change { severity, from, to: alert.state, at, short, long });
            }
        }
    }

    /// What fires, as if it had begun now.
    pub(super) fn firing(&self, objective: &Objective, now: At, counted: Tally) -> Vec<Change> {
        let (window, total) = (objective.window(), self.total(counted));
        let alerts = self.alerts.iter().zip(objective.severities());
        let firing = alerts.filter(|(alert, _)| alert.state == AlertState::Firing);
        firing
            .map(|(_, &severity)| {
                let [short, long] = [severity.short(window), severity.long(window)]
                    .map(|window| burn(&self.rolling, objective, window, now, total));
                let (from, to) = (AlertState::Inactive, AlertState::Firing);
                Change { severity, from, to, at: now, short, long }
            })
            .collect()
    }

    pub(super) fn total(&self, counted: Tally) -> Tally {
        Tally {
            good: self.before.good.saturating_add(counted.good),
            bad: self.before.bad.saturating_add(counted.bad),
        }
    }

    /// What is known now; [`turn`](Self::turn) first.
    pub(super) fn report(
        &self,
        objective: &Objective,
        now: At,
        at: SystemTime,
        counted: Tally,
    ) -> ObjectiveReport {
        let (window, total) = (objective.window(), self.total(counted));
        let wall = |then: At| at - now.saturating_sub(then);
        let conditions = objective.severities().iter();
        let mut windows: Vec<_> = conditions
            .flat_map(|severity| [severity.short(window), severity.long(window)])
            .collect();
        windows.push(window.period());
        windows.sort_unstable();
        windows.dedup();
        let alerts = self.alerts.iter().zip(objective.severities());
        ObjectiveReport {
            objective: objective.clone(),
            at,
            since_start: counted,
            budget: self.budget(objective, now, total),
            burn: windows
                .into_iter()
                .map(|window| burn(&self.rolling, objective, window, now, total))
                .collect(),
            alerts: alerts
                .map(|(alert, &severity)| AlertReport {
                    severity,
                    state: alert.state,
                    since: wall(alert.since),
                })
                .collect(),
            history: self.history(objective, now, total, wall),
        }
    }

    fn budget(&self, objective: &Objective, now: At, total: Tally) -> Budget {
        let period = objective.window().period();
        let tally = self.rolling.over(period, now, total);
        let coverage = self.rolling.coverage(period, now);
        let remaining = remaining(objective, tally, tally.bad);
        Budget { tally, coverage, remaining: remaining.filter(|_| coverage >= LEAST_COVERAGE) }
    }

    /// How the budget of the period that ends now went down.
    fn history(
        &self,
        objective: &Objective,
        now: At,
        total: Tally,
        wall: impl Fn(At) -> SystemTime,
    ) -> Vec<BudgetPoint> {
        let period = objective.window().period();
        let of_period = self.rolling.over(period, now, total);
        let is_told = self.rolling.coverage(period, now) >= LEAST_COVERAGE;
        let points = (0..=HISTORY).map(|point| period * point / HISTORY).rev();
        let points = points.filter(|ago| *ago <= now).map(|ago| {
            let since = self.rolling.over(ago, now, total);
            let bad = of_period.bad.saturating_sub(since.bad);
            BudgetPoint {
                at: wall(now.saturating_sub(ago)),
                remaining: is_told.then(|| remaining(objective, of_period, bad)).flatten(),
            }
        });
        points.collect()
    }
}

/// What is left of the budget of these when so many of them were bad.
fn remaining(objective: &Objective, of: Tally, bad: u64) -> Option<f64> {
    let budget = of.total() as f64 * objective.target().error_budget();
    (of.total() > 0).then(|| 1.0 - bad as f64 / budget)
}

fn burn(
    rolling: &Rolling,
    objective: &Objective,
    window: Duration,
    at: At,
    total: Tally,
) -> BurnRate {
    let tally = rolling.over(window, at, total);
    BurnRate {
        window,
        tally,
        coverage: rolling.coverage(window, at),
        rate: tally.bad_ratio().map(|ratio| ratio / objective.target().error_budget()),
    }
}
