//! What the log is told.

use super::report::AlertState;
use super::tracked::AlertChange;

/// Tells of a condition of alarm that came, or went.
pub(super) fn event(change: &AlertChange) {
    let AlertChange { objective, severity, from, to, short, long, .. } = change;
    let window = severity.window_text(objective.window());
    macro_rules! tell {
        ($level:ident, $message:literal) => {
            tracing::$level!(
                target: "tower_observability::slo",
                slo = objective.name(),
                severity = severity.urgency().as_str(),
                window,
                from = from.as_str(),
                to = to.as_str(),
                burn_rate_short = short.rate,
                burn_rate_long = long.rate,
                bad = long.tally.bad,
                total = long.tally.total(),
                runbook_url = objective.runbook_url(),
                $message
            )
        };
    }
    match (from, to) {
        (_, AlertState::Firing) => tell!(warn, "the error budget burns too fast"),
        (AlertState::Firing, _) => tell!(info, "the error budget burns too fast no more"),
        _ => tell!(debug, "the error budget may burn too fast"),
    }
}
