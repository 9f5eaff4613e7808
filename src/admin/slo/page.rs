//! The page.

use super::{SCOPE, reason};
use crate::admin::page::{
    Anchor, Bars, Column, Content, Href, LineChart, Page, Phrase, Table, Tone,
};
use crate::slo::{
    AlertReport, AlertState, Indicator, Moment, ObjectiveReport, Tally, Urgency, duration_text,
};

const ALL: &[Column] = &[
    Column::Text("Objective"),
    Column::Number("Target"),
    Column::Text("State"),
    Column::Number("Budget remaining"),
    Column::Text("History"),
];
const BURN: &[Column] = &[
    Column::Text("Window"),
    Column::Number("Burn rate"),
    Column::Number("Bad"),
    Column::Number("All"),
    Column::Number("Covered"),
];
const ALERTS: &[Column] = &[
    Column::Text("Windows"),
    Column::Text("Severity"),
    Column::Text("State"),
    Column::Number("Burn rate above"),
    Column::Text("Since"),
];
const LEFT_OUT: &[Column] =
    &[Column::Text("Windows"), Column::Text("Severity"), Column::Text("Why")];
const HISTORY: &[Column] = &[Column::Text("At"), Column::Number("Budget remaining")];

pub(super) fn page(reports: &[ObjectiveReport]) -> Page {
    let mut page = Page::new("Service level objectives");
    let content = page.content();
    content.paragraph(SCOPE);
    let Some(first) = reports.first() else {
        content.paragraph("There are no objectives.");
        return page;
    };
    content.paragraph(Phrase::from("As of ").time(first.at).text("."));
    let mut all = Table::new("All objectives", ALL);
    for report in reports {
        let name = report.objective.name();
        all.row([
            Phrase::new().link(&Anchor::new(name).href(), name),
            report.objective.target().to_string().into(),
            states(report),
            remaining(report).into(),
            Phrase::new().sparkline(&history(report)),
        ]);
    }
    content.table(&all);
    for report in reports {
        let name = report.objective.name();
        content.section(Some(&Anchor::new(name)), name, |content| objective(content, report));
    }
    page
}

fn objective(content: &mut Content, report: &ObjectiveReport) {
    content.paragraph(report.objective.description());
    content.paragraph(states(report));
    facts(content, report);
    content.section(None, "Budget", |content| budget(content, report));
    content.section(None, "Burn rates", |content| burn(content, report));
    content.section(None, "Alerts", |content| alerts(content, report));
}

fn facts(content: &mut Content, report: &ObjectiveReport) {
    let objective = &report.objective;
    let routes = match objective.routes() {
        None => "all, or those that a closure picks".into(),
        Some(routes) => {
            let mut told = Phrase::new();
            for (at, route) in routes.iter().enumerate() {
                told = if at > 0 { told.text(", ") } else { told }.code(route);
            }
            told
        }
    };
    let indicator = match objective.indicator() {
        Indicator::Availability => "availability".to_owned(),
        Indicator::Latency { threshold, at } => {
            let at = match at {
                Moment::End => "the end",
                Moment::FirstByte => "the response headers",
            };
            format!("latency: at most {threshold:?} to {at}")
        }
    };
    let mut facts = vec![
        ("Target", Phrase::from(objective.target().to_string())),
        ("Window", objective.window().to_string().into()),
        ("Indicator", indicator.into()),
        ("Side", objective.side().as_str().into()),
        ("Routes", routes),
        ("Counted since start", counted(report.since_start).into()),
    ];
    if let Some(url) = objective.runbook_url() {
        let link = match Href::new(url) {
            Some(href) => Phrase::new().link(&href, url),
            // not one to follow
            None => Phrase::new().code(url),
        };
        facts.push(("Runbook", link));
    }
    content.facts(facts);
}

fn budget(content: &mut Content, report: &ObjectiveReport) {
    content.facts([
        ("Remaining", Phrase::from(remaining(report))),
        ("Counted in the window", counted(report.budget.tally).into()),
        ("Covered", percent(report.budget.coverage).into()),
    ]);
    content.line_chart(&history(report));
    content.details("The plot as a table", |content| {
        let caption = format!("Budget of {} over time", report.objective.name());
        let mut table = Table::new(caption, HISTORY);
        for point in &report.history {
            let remaining = point.remaining.map_or("no data".to_owned(), percent);
            table.row([Phrase::new().time(point.at), remaining.into()]);
        }
        content.table(&table);
    });
}

/// How the budget burnt down.
fn history(report: &ObjectiveReport) -> LineChart {
    let first = report.history.first().map_or(report.at, |point| point.at);
    let points = report.history.iter().map(|point| {
        let since = point.at.duration_since(first).unwrap_or_default();
        (since.as_secs_f64(), point.remaining)
    });
    let mut known = report.history.iter().filter_map(|point| point.remaining);
    let told = match (known.clone().next(), known.next_back()) {
        (Some(then), Some(now)) => format!("from {} to {}", percent(then), percent(now)),
        _ => "no data".to_owned(),
    };
    let title = format!("Budget of {}: {told}", report.objective.name());
    LineChart::new(title, points, [0.0, 1.0])
        .baseline(0.0)
        .labels(percent, [first, report.at].map(|at| Phrase::new().time(at)))
}

fn burn(content: &mut Content, report: &ObjectiveReport) {
    let name = report.objective.name();
    content.paragraph("At a burn rate of 1 the budget lasts for one window of the objective.");
    let mut bars = Bars::new(format!("Burn rates of {name}"));
    let mut table = Table::new(format!("Burn rates of {name}, and what was counted"), BURN);
    for burn in &report.burn {
        let (window, rate) =
            (duration_text(burn.window), burn.rate.map_or("no data".into(), number));
        bars.bar(&window, burn.rate, &rate);
        table.row([
            window.into(),
            rate.into(),
            burn.tally.bad.to_string().into(),
            burn.tally.total().to_string().into(),
            Phrase::from(percent(burn.coverage)),
        ]);
    }
    content.bars(&bars);
    content.table(&table);
}

fn alerts(content: &mut Content, report: &ObjectiveReport) {
    let (objective, window) = (&report.objective, report.objective.window());
    if report.alerts.is_empty() {
        content.paragraph("There are none: nobody is told.");
    } else {
        let mut table = Table::new(format!("Alerts of {}", objective.name()), ALERTS);
        for alert in &report.alerts {
            let state = Phrase::new().badge(tone(alert), alert.state.as_str());
            table.row([
                alert.severity.window_text(window).into(),
                alert.severity.urgency().as_str().into(),
                state,
                alert.severity.factor(window).to_string().into(),
                Phrase::new().time(alert.since),
            ]);
        }
        content.table(&table);
    }
    let left_out = objective.unreachable();
    if !left_out.is_empty() {
        content.details(format!("Left out: {}", left_out.len()), |content| {
            let mut table = Table::new(format!("Left out of {}", objective.name()), LEFT_OUT);
            for &severity in left_out {
                table.row([
                    severity.window_text(window).into(),
                    severity.urgency().as_str().into(),
                    Phrase::from(reason(severity, objective.target(), window)),
                ]);
            }
            content.table(&table);
        });
    }
}

/// What somebody should know of an objective at first sight.
pub(in crate::admin) fn states(report: &ObjectiveReport) -> Phrase {
    let mut badges = Vec::new();
    for alert in report.alerts.iter().filter(|alert| alert.state != AlertState::Inactive) {
        let windows = alert.severity.window_text(report.objective.window());
        let (urgency, state) = (alert.severity.urgency().as_str(), alert.state.as_str());
        badges.push((tone(alert), format!("{urgency} {windows} {state}")));
    }
    if badges.is_empty() {
        badges.push((Tone::Good, "no alert".to_owned()));
    }
    match report.budget.remaining {
        None => badges.push((Tone::Neutral, "insufficient data".to_owned())),
        Some(remaining) if remaining <= 0.0 => badges.push((Tone::Bad, "budget spent".to_owned())),
        Some(_) => {}
    }
    let mut phrase = Phrase::new();
    for (at, (tone, text)) in badges.iter().enumerate() {
        phrase = if at > 0 { phrase.text(" ") } else { phrase }.badge(*tone, text);
    }
    phrase
}

fn tone(alert: &AlertReport) -> Tone {
    match (alert.state, alert.severity.urgency()) {
        (AlertState::Inactive, _) => Tone::Neutral,
        (AlertState::Firing, Urgency::Page) => Tone::Bad,
        (AlertState::Pending, _) | (AlertState::Firing, Urgency::Ticket) => Tone::Warning,
    }
}

pub(in crate::admin) fn remaining(report: &ObjectiveReport) -> String {
    let budget = report.budget;
    match budget.remaining {
        Some(remaining) => percent(remaining),
        None if budget.tally.total() == 0 => "insufficient data: nothing was counted".to_owned(),
        None => {
            format!("insufficient data: {} of the period covered", percent(budget.coverage))
        }
    }
}

fn counted(tally: Tally) -> String {
    format!("{} good, {} bad", tally.good, tally.bad)
}

/// Two digits after the point, but for zeros.
pub(super) fn percent(ratio: f64) -> String {
    match number(ratio * 100.0) {
        // not quite is not whole
        text if text == "100" && ratio < 1.0 => ">99.99%".to_owned(),
        text => format!("{text}%"),
    }
}

fn number(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        // what is there is not nothing
        "0" | "-0" if number > 0.0 => "<0.01".to_owned(),
        "0" | "-0" if number < 0.0 => ">-0.01".to_owned(),
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}
