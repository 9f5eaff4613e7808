//! The document.

use std::time::Duration;

use serde_json::{Value, json};

use super::{SCOPE, reason};
use crate::message::timestamp;
use crate::slo::{Indicator, Moment, ObjectiveReport, Severity, Window, duration_text};

pub(in crate::admin) fn document(reports: &[ObjectiveReport]) -> Value {
    let objectives: Vec<Value> = reports.iter().map(objective).collect();
    json!({"scope": "instance", "scope_note": SCOPE, "objectives": objectives})
}

fn objective(report: &ObjectiveReport) -> Value {
    let objective = &report.objective;
    let (target, window) = (objective.target(), objective.window());
    let budget = report.budget;
    let burn_rates = report.burn.iter().map(|burn| {
        json!({
            "window": duration_text(burn.window),
            "window_seconds": seconds(burn.window),
            "good": burn.tally.good,
            "bad": burn.tally.bad,
            "coverage": burn.coverage,
            "rate": burn.rate,
        })
    });
    let alerts = report.alerts.iter().map(|alert| {
        let mut told = condition(alert.severity, window);
        told["state"] = json!(alert.state.as_str());
        told["since"] = json!(timestamp::short(alert.since));
        told
    });
    let unreachable = objective.unreachable().iter().map(|&severity| {
        let mut told = condition(severity, window);
        told["reason"] = json!(reason(severity, target, window));
        told
    });
    let history = report
        .history
        .iter()
        .map(|point| json!({"at": timestamp::short(point.at), "remaining": point.remaining}));
    json!({
        "name": objective.name(),
        "description": objective.description(),
        "side": objective.side().as_str(),
        "target": target.to_string(),
        "error_budget": target.error_budget_text(),
        "window_seconds": seconds(window.period()),
        "indicator": indicator(objective.indicator()),
        "routes": objective.routes(),
        "least_bad": objective.least_bad(),
        "runbook_url": objective.runbook_url(),
        "at": timestamp::short(report.at),
        "since_start": {"good": report.since_start.good, "bad": report.since_start.bad},
        "budget": {
            "good": budget.tally.good,
            "bad": budget.tally.bad,
            "coverage": budget.coverage,
            "remaining": budget.remaining,
        },
        "burn_rates": burn_rates.collect::<Vec<_>>(),
        "alerts": alerts.collect::<Vec<_>>(),
        "unreachable": unreachable.collect::<Vec<_>>(),
        "history": history.collect::<Vec<_>>(),
    })
}

fn indicator(indicator: Indicator) -> Value {
    match indicator {
        Indicator::Availability => json!({"kind": "availability"}),
        Indicator::Latency { threshold, at } => {
            let at = match at {
                Moment::End => "end",
                Moment::FirstByte => "first_byte",
            };
            json!({"kind": "latency", "threshold_seconds": seconds(threshold), "at": at})
        }
    }
}

fn condition(severity: Severity, window: Window) -> Value {
    json!({
        "severity": severity.urgency().as_str(),
        "window": severity.window_text(window),
        "short_seconds": seconds(severity.short(window)),
        "long_seconds": seconds(severity.long(window)),
        "factor": severity.factor(window).to_string(),
    })
}

/// Whole ones as an integer.
fn seconds(duration: Duration) -> Value {
    match duration.subsec_nanos() {
        0 => json!(duration.as_secs()),
        _ => json!(duration.as_secs_f64()),
    }
}
