//! The rules of one objective: what is recorded of it, and when somebody is told.
//!
//! Bad events and all events are summed on their own, over every instance, and divided last: a mean of
//! ratios would give an idle night as much weight as a busy day.

use std::time::Duration;

use super::Artefacts;
use super::exact::Exact;
use super::queries::{Queries, REMAINING, bad_record, burn_record, events_record};
use super::rule::{Alert, Group, Kind, Rule, untemplated};
use super::runbook::ERROR_BUDGET_BURN;
use crate::slo::window::duration_text;
use crate::slo::{Objective, Severity, Window};

/// How often a window is looked at while it passes: so often that a total outage at 99.9 % pages within
/// two minutes, of which 52 s are what it takes to burn the budget and 30 s the wait.
const LOOKS: u32 = 20;
/// Prometheus forgets a recorded series after 5 minutes.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// The sum over a period reads each sample of it: 50 ms for each instance, of 30 days at 15 s. Of a
/// period that is scaled it is scaled too: the sum is cheaper, and has less time to be told in.
const LONGEST_PERIOD_INTERVAL: Duration = Duration::from_secs(120);
const SHORTEST_PERIOD_INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

pub(super) fn groups(artefacts: &Artefacts, objective: &Objective) -> Vec<Group> {
    let queries = artefacts.queries();
    let mut recorded: Vec<Duration> = Vec::new();
    let mut groups = Vec::new();
    for severity in objective.severities() {
        let (short, long) = windows(*severity, objective);
        let mut rules = Vec::new();
        for window in [short, long] {
            if !recorded.contains(&window) {
                recorded.push(window);
                rules.extend(records(&queries, objective, window));
                rules.push(burn_rate(&queries, objective, window));
            }
        }
        rules.push(alert(artefacts, objective, *severity));
        groups.push(Group {
            name: group_name(objective, &[short, long]),
            interval: Some(interval(short, LONGEST_INTERVAL)),
            comments: Vec::new(),
            rules,
        });
    }
    groups.push(budget(&queries, objective));
    if let Some(first) = groups.first_mut() {
        let unreachable = objective.unreachable().iter();
        first.comments = unreachable.map(|severity| left_out(objective, *severity)).collect();
    }
    groups
}

fn windows(severity: Severity, objective: &Objective) -> (Duration, Duration) {
    (severity.short(objective.window()), severity.long(objective.window()))
}

fn interval(window: Duration, longest: Duration) -> Duration {
    (window / LOOKS).clamp(SHORTEST_INTERVAL, longest)
}

fn period_interval(window: Window) -> Duration {
    window
        .of_30_days(LONGEST_PERIOD_INTERVAL)
        .clamp(SHORTEST_PERIOD_INTERVAL, LONGEST_PERIOD_INTERVAL)
}

fn group_name(objective: &Objective, windows: &[Duration]) -> String {
    let mut name = format!("slo-{}", objective.name());
    for window in windows {
        name.push('-');
        name.push_str(&duration_text(*window));
    }
    name
}

/// Why a severity has no rule.
fn left_out(objective: &Objective, severity: Severity) -> String {
    format!(
        "left out: {} of {} over {}: at {} not even a total outage burns the budget {} times as fast \
         as it lasts",
        severity.urgency().as_str(),
        objective.name(),
        severity.window_text(objective.window()),
        objective.target(),
        severity.factor(objective.window()),
    )
}

fn record(objective: &Objective, name: String, expr: String) -> Rule {
    // the label that the series has anyway tells the rules of several objectives apart
    let labels = vec![("slo", objective.name().to_owned())];
    Rule { kind: Kind::Record(name), expr, labels }
}

/// All events, and the bad ones, each summed over the instances.
fn records(queries: &Queries<'_>, objective: &Objective, window: Duration) -> [Rule; 2] {
    let range = duration_text(window);
    let sum = |outcome| {
        let events = queries.events(objective, outcome);
        format!("sum by (job, slo) (increase({events}[{range}]))")
    };
    let total = queries.recorded(&events_record(window), objective);
    // where only good events were ever told of, none was bad
    let bad = format!("{} or 0 * {total}", sum(Some("bad")));
    [
        record(objective, events_record(window), sum(None)),
        record(objective, bad_record(window), bad),
    ]
}

/// Absent where there was no event: 0 would say that all went well, and 0 / 0 is no number.
fn burn_rate(queries: &Queries<'_>, objective: &Objective, window: Duration) -> Rule {
    let bad = queries.recorded(&bad_record(window), objective);
    let total = queries.recorded(&events_record(window), objective);
    let budget = objective.target().error_budget_text();
    record(objective, burn_record(window), format!("{bad} / ({budget} * ({total} > 0))"))
}

fn alert(artefacts: &Artefacts, objective: &Objective, severity: Severity) -> Rule {
    let queries = artefacts.queries();
    let (short, long) = windows(severity, objective);
    let least = Exact::bad_ratio(severity.factor(objective.window()), objective.target());
    let bad = |window| queries.recorded(&bad_record(window), objective);
    // multiplied, not divided: of no events none is more than 0
    let burns = |window| {
        let total = queries.recorded(&events_record(window), objective);
        format!("{} > {least} * {total}", bad(window))
    };
    let pending = severity.pending(objective.window());
    Rule {
        kind: Kind::Alert(Alert {
            name: ERROR_BUDGET_BURN,
            pending,
            keep_firing: pending,
            annotations: annotations(artefacts, objective, severity, least),
        }),
        expr: format!(
            "{} and {} and {} >= {}",
            burns(short),
            burns(long),
            bad(long),
            objective.least_bad()
        ),
        labels: vec![
            ("severity", severity.urgency().as_str().to_owned()),
            ("slo", objective.name().to_owned()),
            ("window", severity.window_text(objective.window())),
        ],
    }
}

fn annotations(
    artefacts: &Artefacts,
    objective: &Objective,
    severity: Severity,
    least: Exact,
) -> Vec<(&'static str, String)> {
    let name = objective.name();
    let (short, long) = windows(severity, objective);
    let (short, long) = (duration_text(short), duration_text(long));
    let factor = Exact::of(severity.factor(objective.window()));
    let budget = objective.target().error_budget_text();
    let remaining = artefacts.queries().recorded(REMAINING, objective).replace('"', "\\\"");
    let mut annotations = vec![
        (
            "summary",
            format!(
                "{}: {name} burns its error budget more than {factor} times as fast as it lasts",
                artefacts.service()
            ),
        ),
        (
            "description",
            format!(
                "{} Over {long}, and still over {short}, more than {least} of the exchanges were \
                 bad, where {budget} may be: {} of the budget of {} within {long}.",
                untemplated(objective.description()),
                severity.budget_share_text(),
                objective.window(),
            ),
        ),
        (
            "budget",
            format!(
                "{{{{ with query \"{remaining}\" }}}}{{{{ . | first | value | humanizePercentage }}}}\
                 {{{{ else }}}}an unknown part{{{{ end }}}} of the error budget of {} remains",
                objective.window()
            ),
        ),
    ];
    let anchor = artefacts.runbook_url(ERROR_BUDGET_BURN).map(|page| format!("{page}#{name}"));
    let url = objective.runbook_url().map(untemplated).or(anchor);
    annotations.extend(url.map(|url| ("runbook_url", url)));
    annotations
}

/// What remains of the period's budget; absent where the period had no event.
fn budget(queries: &Queries<'_>, objective: &Objective) -> Group {
    let period = objective.window().period();
    let mut rules: Vec<_> = records(queries, objective, period).into();
    let bad = queries.recorded(&bad_record(period), objective);
    let total = queries.recorded(&events_record(period), objective);
    let budget = objective.target().error_budget_text();
    let expr = format!("1 - {bad} / ({budget} * ({total} > 0))");
    rules.push(record(objective, REMAINING.to_owned(), expr));
    Group {
        name: group_name(objective, &[period]),
        interval: Some(period_interval(objective.window())),
        comments: Vec::new(),
        rules,
    }
}
