//! What to do about each alert, in Markdown.

use super::queries::{OURS, PEERS, Protocol, REMAINING};
use super::yaml::one_line;
use super::{Artefact, Artefacts};
use crate::slo::Objective;

pub(super) const ERROR_BUDGET_BURN: &str = "ErrorBudgetBurn";
pub(super) const SERVICE_DOWN: &str = "ServiceDown";
pub(super) const HIGH_ERROR_RATE: &str = "HighErrorRate";
pub(super) const TELEMETRY_LOSS: &str = "TelemetryLoss";

const ALERTS: [&str; 4] = [ERROR_BUDGET_BURN, SERVICE_DOWN, HIGH_ERROR_RATE, TELEMETRY_LOSS];

/// Sends what the admin service's authoriser asks for.
const TOKEN: &str = r#"-H "authorization: Bearer $TOKEN""#;

/// One command of a runbook, for a POSIX shell with `curl`, `sed` and `promtool`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunbookCommand {
    /// The alert, which names the page.
    pub alert: &'static str,
    /// The objective, where the alert is about one.
    pub slo: Option<String>,
    /// What it shows.
    pub shows: String,
    /// The command. `$ADMIN` and `$PROMETHEUS` stand for URLs, `$TOKEN` for a bearer token.
    pub command: String,
}

pub(super) fn pages(artefacts: &Artefacts) -> Vec<Artefact> {
    let commands = commands(artefacts);
    let page = |alert: &&'static str| {
        let text = match *alert {
            ERROR_BUDGET_BURN => burn_page(artefacts, &commands),
            SERVICE_DOWN => simple_page(artefacts, SERVICE_DOWN, DOWN_MEANS, &commands),
            HIGH_ERROR_RATE => simple_page(artefacts, HIGH_ERROR_RATE, ERRORS_MEAN, &commands),
            alert => simple_page(artefacts, alert, LOSS_MEANS, &commands),
        };
        Artefact { path: format!("runbooks/{alert}.md"), text }
    };
    ALERTS.iter().map(page).collect()
}

const DOWN_MEANS: &str = "\
Prometheus cannot scrape the service: with `severity=\"page\"` not one instance, with
`severity=\"ticket\"` the one in the label `instance`. Where nothing is scraped, no other alert of the
service can fire.";

const ERRORS_MEAN: &str = "\
Over 5 minutes more than 5 % of what was asked of the route in the label `http_route` or `rpc_method`,
and at least 5 of it, went wrong by the service's own doing. What the peer ended is not counted. Where
an objective covers the route, `ErrorBudgetBurn` says how much that matters.";

const LOSS_MEANS: &str = "\
The instance in the label `instance` has lost some of the signal in the label `signal` for good: its
queue was full, or the receiver did not take it. Metrics that Prometheus scrapes are not affected. The
service itself goes on: nothing waits for telemetry.";

const BURN_MEANS: &str = "\
The objective in the label `slo` loses its error budget so fast that the share in the annotation
`description` is gone within the longer of the two windows in the label `window`; the shorter one says
that it still goes on. `severity=\"page\"`: now. `severity=\"ticket\"`: in office hours. The alert ends by
itself when the shorter window is clean.";

const PLACEHOLDERS: &str = "\
`$PROMETHEUS` is the URL of Prometheus, `$ADMIN` that of an instance's admin service, `$TOKEN` a bearer
token that it takes.";

fn simple_page(
    artefacts: &Artefacts,
    alert: &str,
    means: &str,
    commands: &[RunbookCommand],
) -> String {
    let mut page = head(artefacts, alert, means);
    page.push_str("\n## First three looks\n");
    looks(&mut page, commands.iter().filter(|command| command.alert == alert));
    page
}

fn burn_page(artefacts: &Artefacts, commands: &[RunbookCommand]) -> String {
    let mut page = head(artefacts, ERROR_BUDGET_BURN, BURN_MEANS);
    for objective in artefacts.objectives() {
        let (name, description) = (objective.name(), one_line(objective.description()));
        page.push_str(&format!("\n## {name}\n\n{description}\n\n### First three looks\n"));
        looks(&mut page, commands.iter().filter(|command| command.slo.as_deref() == Some(name)));
    }
    page
}

fn head(artefacts: &Artefacts, alert: &str, means: &str) -> String {
    format!(
        "# {alert}\n\nAn alert of the service {}.\n\n## What it means\n\n{means}\n\n{PLACEHOLDERS}\n",
        artefacts.service()
    )
}

fn looks<'a>(page: &mut String, commands: impl Iterator<Item = &'a RunbookCommand>) {
    for (number, RunbookCommand { shows, command, .. }) in (1..).zip(commands) {
        page.push_str(&format!("\n{number}. {shows}:\n\n   ```sh\n   {command}\n   ```\n"));
    }
}

pub(super) fn commands(artefacts: &Artefacts) -> Vec<RunbookCommand> {
    let burn = artefacts.objectives().iter().flat_map(|objective| of_burn(artefacts, objective));
    burn.chain(of_down(artefacts)).chain(of_errors(artefacts)).chain(of_loss(artefacts)).collect()
}

fn of_burn(artefacts: &Artefacts, objective: &Objective) -> [RunbookCommand; 3] {
    let queries = artefacts.queries();
    let command = |shows: &str, command| RunbookCommand {
        alert: ERROR_BUDGET_BURN,
        slo: Some(objective.name().to_owned()),
        shows: shows.to_owned(),
        command,
    };
    let name = objective.name();
    let told = format!(
        r#"{{__name__=~"slo:burn_rate:.+|{REMAINING}",job="{}",slo="{name}"}}"#,
        queries.job
    );
    [
        command("How fast the budget burns over each window, and what remains of it", query(&told)),
        command(
            "What was answered in the last hour, by route and by what went wrong, the most first",
            query(&answered(artefacts, "1h", "")),
        ),
        command(
            "The same objective as one instance sees it",
            format!(r#"curl -fsS {TOKEN} "$ADMIN/slo""#),
        ),
    ]
}

fn of_down(artefacts: &Artefacts) -> [RunbookCommand; 3] {
    let command = of(SERVICE_DOWN);
    let up = artefacts.queries().plain("up", "");
    [
        command("Which instances answer, 1, and which do not, 0", query(&up)),
        command(
            "Why a scrape failed",
            r#"curl -fsS "$PROMETHEUS/api/v1/targets?state=active""#.to_owned(),
        ),
        command(
            "Whether an instance answers by itself, and since when it runs",
            r#"curl -fsS "$ADMIN/metrics" | sed -n '/process_start_time_seconds/p'"#.to_owned(),
        ),
    ]
}

fn of_errors(artefacts: &Artefacts) -> [RunbookCommand; 3] {
    let command = of(HIGH_ERROR_RATE);
    [
        command(
            "What went wrong in the last 5 minutes, by route, the most first",
            query(&answered(artefacts, "5m", OURS)),
        ),
        command(
            "What peers ended meanwhile: they may have grown tired of waiting",
            query(&answered(artefacts, "5m", PEERS)),
        ),
        command(
            "Whole exchanges that failed, if a dump is armed",
            format!(r#"curl -fsS {TOKEN} "$ADMIN/debug/dump""#),
        ),
    ]
}

fn of_loss(artefacts: &Artefacts) -> [RunbookCommand; 3] {
    let command = of(TELEMETRY_LOSS);
    let lost = artefacts.queries().metric("telemetry_lost_total", "");
    [
        command(
            "What was lost in the last hour, by instance, signal and exporter",
            query(&format!("sum by (instance, signal, exporter) (increase({lost}[1h]))")),
        ),
        command(
            "What one instance lost since it began",
            r#"curl -fsS "$ADMIN/metrics" | sed -n '/telemetry_lost_total/p'"#.to_owned(),
        ),
        command(
            "What is logged: a level that tells more than the receiver takes fills the queue",
            format!(r#"curl -fsS {TOKEN} "$ADMIN/debug/log""#),
        ),
    ]
}

fn of(alert: &'static str) -> impl Fn(&str, String) -> RunbookCommand {
    move |shows, command| RunbookCommand { alert, slo: None, shows: shows.to_owned(), command }
}

/// No query has a quote of the shell's in it.
fn query(query: &str) -> String {
    format!(r#"promtool query instant "$PROMETHEUS" '{query}'"#)
}

fn answered(artefacts: &Artefacts, range: &str, matchers: &str) -> String {
    let of = |protocol: Protocol| {
        let count = format!("{}_count", protocol.duration());
        let count = artefacts.queries().metric(&count, matchers);
        let route = protocol.route_label();
        format!("sum by ({route}, error_type) (increase({count}[{range}]))")
    };
    format!("sort_desc({} or {})", of(Protocol::Http), of(Protocol::Rpc))
}
