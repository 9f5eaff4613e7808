//! The page.

use super::active::{active, code};
use super::asked::{Query, Window};
use super::text::{self, Line, percent, quantile, rate, span};
use super::{HealthStatus, Live, Now, SCOPE};
use crate::admin::page::{Anchor, Column, Content, Href, Page, Phrase, Table, Tone};
use crate::live::{FamilyReport, Sample, Trend};

const FAMILIES: &[Column] = &[
    Column::Text("Family"),
    Column::Text("Side"),
    Column::Number("Active"),
    Column::Number("Rate"),
    Column::Text("Rate over time"),
    Column::Number("Errors"),
    Column::Text("Errors over time"),
    Column::Number("Mean"),
    Column::Number("p50"),
    Column::Number("p95"),
    Column::Text("p95 over time"),
];
const ERRORS: &[Column] = &[
    Column::Text("When"),
    Column::Text("Family"),
    Column::Text("What"),
    Column::Text("Request"),
    Column::Number("Took"),
    Column::Text("Request ID"),
];
const ENDPOINTS: &[Column] = &[Column::Text("Endpoint"), Column::Text("Methods")];
const HEALTH: &[Column] =
    &[Column::Text("Component"), Column::Text("State"), Column::Text("Detail")];

pub(super) fn page(live: &Live, now: &Now, query: &Query) -> Page {
    let service = live.parts.page.service.as_ref();
    let title = match service {
        Some((name, version)) => format!("{name} {version}: live"),
        None => "Live".to_owned(),
    };
    let mut page = Page::new(title);
    let content = page.content();
    content.paragraph(SCOPE);
    content.paragraph(Phrase::from("As of ").time(live.board().now()).text("."));
    content.paragraph(contents(now));
    content.paragraph(links(query));
    content
        .section(Some(&Anchor::new("active")), "Active requests", |content| active(content, now));
    content
        .section(Some(&Anchor::new("errors")), "Errors and panics", |content| errors(content, now));
    content.section(Some(&Anchor::new("families")), "Families", |content| {
        families(content, now, query)
    });
    #[cfg(feature = "slo")]
    if let Some(objectives) = &now.objectives {
        content.section(Some(&Anchor::new("objectives")), "Objectives", |content| {
            budgets(content, objectives)
        });
    }
    if let Some(lines) = &now.health {
        content.section(Some(&Anchor::new("health")), "Health", |content| {
            let mut table = Table::new("Health of the components", HEALTH);
            for line in lines {
                let tone = match line.status {
                    HealthStatus::Pass => Tone::Good,
                    HealthStatus::Warn => Tone::Warning,
                    HealthStatus::Fail => Tone::Bad,
                };
                let state = Phrase::new().badge(tone, line.status.as_str());
                table.row([line.name.as_str().into(), state, line.detail.as_str().into()]);
            }
            content.table(&table);
        });
    }
    content.section(Some(&Anchor::new("runtime")), "Build and runtime", |content| {
        runtime(content, live)
    });
    content
        .section(Some(&Anchor::new("endpoints")), "Endpoints", |content| endpoints(content, live));
    page
}

/// A link below the service's root, where the page is at this depth; text where it cannot be one.
pub(super) fn link(phrase: Phrase, depth: usize, path: &str, text: &str) -> Phrase {
    let path = format!("{}{path}", "../".repeat(depth));
    match Href::new(if path.is_empty() { "./" } else { &path }) {
        Some(href) => phrase.link(&href, text),
        None => phrase.code(text),
    }
}

/// What there is on the page.
fn contents(now: &Now) -> Phrase {
    let mut sections = vec![
        ("active", format!("Active requests: {}", now.active.count())),
        ("errors", format!("errors and panics: {}", now.latest.len())),
        ("families", format!("families: {}", now.families.len())),
    ];
    #[cfg(feature = "slo")]
    if let Some(objectives) = &now.objectives {
        sections.push(("objectives", format!("objectives: {}", objectives.len())));
    }
    if let Some(lines) = &now.health {
        let bad = lines.iter().filter(|line| line.status != HealthStatus::Pass).count();
        sections.push(("health", format!("health: {bad} of {} not passing", lines.len())));
    }
    sections.push(("runtime", "build and runtime".to_owned()));
    sections.push(("endpoints", "endpoints".to_owned()));
    let mut phrase = Phrase::new();
    for (at, (anchor, text)) in sections.iter().enumerate() {
        phrase = if at > 0 { phrase.text(", ") } else { phrase };
        phrase = phrase.link(&Anchor::new(anchor).href(), text);
    }
    phrase
}

/// To the page over another window, and renewed, or not.
fn links(query: &Query) -> Phrase {
    let mut phrase = Phrase::from("Families over the last ");
    for (at, window) in Window::ALL.into_iter().enumerate() {
        phrase = if at > 0 { phrase.text(", ") } else { phrase };
        phrase = match window == query.window {
            true => phrase.text(window.as_str()).text(" (shown)"),
            false => link(phrase, 0, &Query::link(window, query.refresh), window.as_str()),
        };
    }
    phrase = phrase.text(". ");
    match query.refresh {
        Some(seconds) => {
            phrase = phrase.text(&format!("Renewed every {seconds} s; "));
            link(phrase, 0, &Query::link(query.window, None), "stop")
        }
        None => link(phrase, 0, &Query::link(query.window, Some(5)), "Renew every 5 s"),
    }
}

fn errors(content: &mut Content, now: &Now) {
    if now.latest.is_empty() {
        content.paragraph("None is kept.");
        return;
    }
    let mut table = Table::new("The newest errors and panics", ERRORS);
    for (id, error) in &now.latest {
        let family = now.families.iter().find(|family| family.id == *id);
        let name = family.map_or("", |family| &family.name);
        let family = format!("debug/families/{}?format=html", id.number());
        let request = error.path.as_deref().unwrap_or_default();
        table.row([
            Phrase::new().time(error.started_at),
            link(Phrase::new(), 0, &family, name),
            what(error),
            code(&format!("{} {request}", error.method)),
            span(error.duration).into(),
            error.request_id.as_ref().map_or(Phrase::new(), |id| code(id.as_str())),
        ]);
    }
    content.table(&table);
}

/// What became of an exchange.
pub(super) fn what(of: &Sample) -> Phrase {
    let kind = match (&of.error_type, of.status) {
        (Some(error), _) => error.as_str().to_owned(),
        (None, Some(status)) => status.as_str().to_owned(),
        (None, None) => of.outcome.as_str().to_owned(),
    };
    let tone = match super::json::blame(of.blame) {
        "ours" => Tone::Bad,
        "peer" => Tone::Warning,
        _ => Tone::Neutral,
    };
    let phrase = Phrase::new().badge(tone, &kind);
    match &of.error {
        Some(text) => phrase.text(" ").text(text),
        None => phrase,
    }
}

fn families(content: &mut Content, now: &Now, query: &Query) {
    if now.families.is_empty() {
        content.paragraph("No exchange has ended yet.");
        return;
    }
    let mut table =
        Table::new(format!("Families over the last {}", query.window.as_str()), FAMILIES);
    for family in &now.families {
        let trend = trend(family, query.window);
        let active = now.active.exchanges.iter();
        let active = active.filter(|it| it.side == family.side && it.family == family.name).count();
        let name = format!("{} ({})", family.name, family.side.as_str());
        let [over_rate, over_errors, over_p95] =
            Line::ALL.map(|line| Phrase::new().sparkline(&line.chart(trend, &name)));
        let link_to = format!("debug/families/{}?format=html", family.id.number());
        table.row([
            link(Phrase::new(), 0, &link_to, &family.name),
            family.side.as_str().into(),
            active.to_string().into(),
            rate(trend.rate()).into(),
            over_rate,
            error_ratio(trend),
            over_errors,
            trend.whole.mean().map_or("no data".to_owned(), span).into(),
            quantile(trend.whole.p50).into(),
            quantile(trend.whole.p95).into(),
            over_p95,
        ]);
    }
    content.table(&table);
}

fn error_ratio(trend: &Trend) -> Phrase {
    let text = percent(trend.whole.error_ratio());
    match trend.whole.tally.errors {
        0 => text.into(),
        _ => Phrase::new().badge(Tone::Bad, &text),
    }
}

const fn trend(of: &FamilyReport, window: Window) -> &Trend {
    match window {
        Window::Minute => &of.minute,
        Window::Hour => &of.hour,
        Window::Day => &of.day,
    }
}

#[cfg(feature = "slo")]
fn budgets(content: &mut Content, objectives: &[crate::slo::ObjectiveReport]) {
    const COLUMNS: &[Column] = &[
        Column::Text("Objective"),
        Column::Number("Target"),
        Column::Number("Budget remaining"),
        Column::Text("Alerts"),
    ];
    let mut table = Table::new("Objectives and their budgets", COLUMNS);
    for report in objectives {
        let of = &report.objective;
        table.row([
            link(Phrase::new(), 0, "slo?format=html", of.name()),
            of.target().to_string().into(),
            crate::admin::slo::page::remaining(report).into(),
            crate::admin::slo::page::states(report),
        ]);
    }
    content.table(&table);
}

fn runtime(content: &mut Content, live: &Live) {
    let (page, board) = (&live.parts.page, live.board());
    let mut facts: Vec<(String, Phrase)> = Vec::new();
    if let Some((name, version)) = &page.service {
        facts.push(("Service".into(), name.as_str().into()));
        facts.push(("Version".into(), version.as_str().into()));
    }
    facts.push(("Since".into(), Phrase::new().time(board.since())));
    facts.push(("Uptime".into(), span(board.uptime()).into()));
    facts.extend(text::runtime(page).into_iter().map(|(name, value)| (name, value.into())));
    let most = format!("{} bytes", board.max_bytes());
    facts.push(("Most memory of this page's data".into(), most.into()));
    content.facts(facts.iter().map(|(name, value)| (name.as_str(), value.clone())));
}

fn endpoints(content: &mut Content, live: &Live) {
    let mut table = Table::new("Endpoints beside this page", ENDPOINTS);
    for endpoint in &live.endpoints {
        let gets = endpoint.operations.iter().any(|it| it.method == http::Method::GET);
        let path = endpoint.path.trim_start_matches('/');
        let name = match gets && !path.contains('{') {
            true => link(Phrase::new(), 0, path, endpoint.path),
            false => code(endpoint.path),
        };
        let methods: Vec<_> = endpoint
            .operations
            .iter()
            .map(|it| format!("{} ({})", it.method, it.access.as_str()))
            .collect();
        table.row([name, methods.join(", ").into()]);
    }
    table.row([link(Phrase::new(), 0, "", "/"), "GET (read)".into()]);
    content.table(&table);
}
