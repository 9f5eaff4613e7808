//! What this instance knows of its objectives.

use std::time::{Duration, SystemTime};

use super::objective::Objective;
use super::severity::Severity;

/// How many exchanges were good, and bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// Good ones.
    pub good: u64,
    /// Bad ones.
    pub bad: u64,
}

impl Tally {
    /// All that were counted.
    pub fn total(self) -> u64 {
        self.good.saturating_add(self.bad)
    }

    /// The share that was bad; `None` of none.
    pub fn bad_ratio(self) -> Option<f64> {
        (self.total() > 0).then(|| self.bad as f64 / self.total() as f64)
    }
}

/// One objective as this instance sees it: of the fleet, Prometheus knows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectiveReport {
    /// Which one.
    pub objective: Objective,
    /// When it was looked at.
    pub at: SystemTime,
    /// What was counted since the process started, as the metric tells it.
    pub since_start: Tally,
    /// The period's budget.
    pub budget: Budget,
    /// How fast it burns, by window, the shortest first: the windows of the conditions, and the period.
    pub burn: Vec<BurnRate>,
    /// The conditions of alarm, in the objective's order.
    pub alerts: Vec<AlertReport>,
    /// How the period's budget went down, in 60 steps, the oldest first: at most 61 points.
    pub history: Vec<BudgetPoint>,
}

/// What is known of the budget of the period that ends now.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Budget {
    /// What was counted in the period.
    pub tally: Tally,
    /// The share of the period in which this process, or the one whose state it took over, was there to
    /// count: 0 to 1.
    pub coverage: f64,
    /// What remains of the budget: 1 of a whole one, less than 0 of one that is overdrawn. `None` where
    /// the data does not suffice: less than a tenth of the period was covered, or nothing was counted.
    pub remaining: Option<f64>,
}

/// How fast the budget burns over one window.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BurnRate {
    /// The window.
    pub window: Duration,
    /// What was counted in it.
    pub tally: Tally,
    /// The share of the window in which somebody was there to count: 0 to 1.
    pub coverage: f64,
    /// How many times as fast as would use up the budget in one period; `None` where nothing was counted.
    pub rate: Option<f64>,
}

/// Where a condition of alarm stands.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct AlertReport {
    /// Which one.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// Since when.
    pub since: SystemTime,
}

/// Where a condition of alarm stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AlertState {
    /// It does not hold.
    #[default]
    Inactive,
    /// It holds, but not for long enough yet.
    Pending,
    /// It held for long enough, and has not stayed away for long enough.
    Firing,
}

impl AlertState {
    /// The name as it stands in every signal: `inactive`, `pending`, `firing`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// What was left by then of the budget of the period that ends now.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetPoint {
    /// When that was.
    pub at: SystemTime,
    /// 1 of all of it; `None` where [the budget's](Budget::remaining) is.
    pub remaining: Option<f64>,
}
