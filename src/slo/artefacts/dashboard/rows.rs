//! What is shown: requests and calls by rate, errors and duration; how full the service is; objectives.

use std::time::Duration;

use super::super::Artefacts;
use super::super::queries::{
    OURS, PEERS, Protocol, Queries, REMAINING, bad_record, burn_record, events_record,
};
use super::super::runbook::ERROR_BUDGET_BURN;
use super::grid::Row;
use super::panel::{Panel, Query, Shape, Unit};
use crate::slo::Objective;
use crate::slo::window::duration_text;

pub(super) fn all(artefacts: &Artefacts) -> Vec<Row> {
    let queries = artefacts.queries();
    let mut rows = vec![
        red("HTTP requests", &queries, Protocol::Http),
        red("gRPC calls", &queries, Protocol::Rpc),
        saturation(&queries),
    ];
    rows.extend(artefacts.objectives().iter().map(|objective| of_objective(&queries, objective)));
    rows
}

/// Of a counter, over what Grafana finds fit for the time that is shown.
fn rate(counter: &str) -> String {
    format!("rate({counter}[$__rate_interval])")
}

/// Rate, errors and duration, by route.
fn red(title: &str, queries: &Queries<'_>, protocol: Protocol) -> Row {
    let route = protocol.route_label();
    let legend = || format!("{{{{{route}}}}}");
    let count = |matchers| {
        let count = queries.metric(&format!("{}_count", protocol.duration()), matchers);
        format!("sum by ({route}) ({})", rate(&count))
    };
    // where there is traffic and no error, that is 0 and not nothing
    let share =
        |matchers| format!("({} or 0 * {all}) / ({all} > 0)", count(matchers), all = count(""));
    let quantile = |quantile: &str, histogram: &str| {
        let buckets = rate(&queries.metric(&format!("{histogram}_bucket"), ""));
        format!("histogram_quantile({quantile}, sum by (le, {route}) ({buckets}))")
    };
    let duration = |text: &str, number: &str, description| {
        let expr = quantile(number, protocol.duration());
        Panel::graph(format!("Duration, {text}"), description, Unit::Seconds, [(expr, legend())])
    };
    Row {
        title: title.to_owned(),
        panels: vec![
            Panel::graph(
                "Rate",
                "What was asked of each route.",
                Unit::RequestsPerSecond,
                [(count(""), legend())],
            ),
            Panel::graph(
                "Errors",
                "The share that went wrong by the service's own doing: 5xx, server errors of gRPC, \
                 failed, panicked, out of time.",
                Unit::Ratio,
                [(share(OURS), legend())],
            ),
            Panel::graph(
                "Ended by the peer",
                "The share that whoever asked did not wait for.",
                Unit::Ratio,
                [(share(PEERS), legend())],
            ),
            duration("p50", "0.5", "To the end of the body: half took no longer."),
            duration("p95", "0.95", "To the end of the body: 95 % took no longer."),
            duration("p99", "0.99", "To the end of the body: 99 % took no longer."),
            Panel::graph(
                "Time to first byte, p95",
                "To the response headers: 95 % took no longer.",
                Unit::Seconds,
                [(quantile("0.95", protocol.time_to_first_byte()), legend())],
            ),
            Panel::graph(
                "Under way",
                "Exchanges that have not ended, and the most at once between two scrapes.",
                Unit::Count,
                [
                    (format!("sum({})", queries.metric(protocol.active(), "")), "now".to_owned()),
                    (
                        format!(
                            "sum({})",
                            queries.metric(&format!("{}_max", protocol.active()), "")
                        ),
                        "at most".to_owned(),
                    ),
                ],
            ),
        ],
    }
}

fn saturation(queries: &Queries<'_>) -> Row {
    let instance = || "{{instance}}".to_owned();
    let of = |name: &str| queries.metric(name, "");
    let rate_of = |name: &str| rate(&of(name));
    let one = |title: &str, description, unit, expr| {
        Panel::graph(title, description, unit, [(expr, instance())])
    };
    Row {
        title: "Saturation".to_owned(),
        panels: vec![
            one(
                "Processors",
                "CPU time in each second: 1 is one processor.",
                Unit::Count,
                rate_of("process_cpu_seconds_total"),
            ),
            one("Memory", "What is held in RAM.", Unit::Bytes, of("process_resident_memory_bytes")),
            one(
                "File descriptors",
                "The share of those allowed that are open.",
                Unit::Ratio,
                format!("{} / {}", of("process_open_fds"), of("process_max_fds")),
            ),
            one("Threads", "Threads of the operating system.", Unit::Count, of("process_threads")),
            Panel::graph(
                "Runtime, busy",
                "The share of their time that tokio's workers spend on tasks.",
                Unit::Ratio,
                [(of("tokio_utilization_ratio"), "{{instance}} {{runtime}}".to_owned())],
            ),
            Panel::graph(
                "Runtime, tasks",
                "Tasks that have not ended, and those that wait in the queue all workers share.",
                Unit::Count,
                [
                    (of("tokio_alive_tasks"), "{{instance}} {{runtime}} alive".to_owned()),
                    (of("tokio_global_queue_depth"), "{{instance}} {{runtime}} waiting".to_owned()),
                ],
            ),
            one(
                "Shed",
                "Requests that were not taken on, as the service was overloaded.",
                Unit::RequestsPerSecond,
                format!("sum by (instance) ({})", rate_of("http_server_shed_requests_total")),
            ),
            one(
                "Without a series",
                "Requests counted under the label _overflow, as there were too many series.",
                Unit::RequestsPerSecond,
                format!("sum by (instance) ({})", rate_of("http_server_overflow_requests_total")),
            ),
            Panel::graph(
                "Telemetry lost",
                "What found a full queue, or was not taken by its receiver.",
                Unit::EventsPerSecond,
                [(
                    format!("sum by (instance, signal) ({})", rate_of("telemetry_lost_total")),
                    "{{instance}} {{signal}}".to_owned(),
                )],
            ),
        ],
    }
}

fn of_objective(queries: &Queries<'_>, objective: &Objective) -> Row {
    let period = objective.window();
    let mut windows: Vec<Duration> = objective
        .severities()
        .iter()
        .flat_map(|severity| [severity.short(period), severity.long(period)])
        .collect();
    windows.sort_unstable();
    windows.dedup();
    let recorded = |name: &str| queries.recorded(name, objective);
    let burn_rates = windows
        .iter()
        .map(|window| (recorded(&burn_record(*window)), duration_text(*window)))
        .collect::<Vec<_>>();
    let events = |outcome: &'static str| {
        let counter = queries.events(objective, Some(outcome));
        (format!("sum({})", rate(&counter)), outcome.to_owned())
    };
    let alerts = objective.severities().iter().map(|severity| {
        let (urgency, windows) = (severity.urgency().as_str(), severity.window_text(period));
        let firing = queries.plain(
            "ALERTS",
            &format!(
                r#",alertname="{ERROR_BUDGET_BURN}",alertstate="firing",severity="{urgency}",slo="{}",window="{windows}""#,
                objective.name()
            ),
        );
        (format!("count({firing}) or vector(0)"), format!("{urgency} {windows}"))
    });
    let of_period = [
        (recorded(&events_record(period.period())), "all".to_owned()),
        (recorded(&bad_record(period.period())), "bad".to_owned()),
    ];
    let remaining = || Query { expr: recorded(REMAINING), legend: "remaining".to_owned() };
    let mut panels = vec![
        Panel {
            title: "Error budget".to_owned(),
            description: "What remains of the period's budget: less than nothing where the \
                          objective is broken.",
            unit: Unit::Ratio,
            shape: Shape::Number,
            queries: vec![remaining()],
        },
        Panel::graph(
            "Error budget over time",
            "What remained of the budget of the period that ended then.",
            Unit::Ratio,
            [(recorded(REMAINING), "remaining".to_owned())],
        ),
        Panel::graph(
            "Events",
            "Good and bad exchanges, over all instances.",
            Unit::EventsPerSecond,
            [events("good"), events("bad")],
        ),
        Panel::graph(
            "Events of the period",
            "How many were counted in the period that ended then.",
            Unit::Count,
            of_period,
        ),
    ];
    if !objective.severities().is_empty() {
        panels.push(Panel::graph(
            "Burn rates",
            "How many times as fast as would use up the budget in one period, by window; nothing \
             where nothing was counted.",
            Unit::Count,
            burn_rates,
        ));
        panels.push(Panel::graph(
            "Alerts",
            "1 while the alert of that severity and those windows fires.",
            Unit::Count,
            alerts,
        ));
    }
    let title = format!("Objective {}: {} over {period}", objective.name(), objective.target());
    Row { title, panels }
}
