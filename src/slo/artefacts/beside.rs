//! The alerts that no objective makes: the service is down, routes fail, telemetry is lost.

use std::time::Duration;

use super::Artefacts;
use super::queries::{OURS, Protocol, Queries};
use super::rule::{Alert, Group, Kind, Rule};
use super::runbook::{HIGH_ERROR_RATE, SERVICE_DOWN, TELEMETRY_LOSS};

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn group(artefacts: &Artefacts) -> Group {
    let (service, queries) = (artefacts.service(), artefacts.queries());
    let mut rules = vec![
        alert(
            artefacts,
            SERVICE_DOWN,
            (MINUTE, MINUTE),
            all_down(&queries),
            vec![("severity", "page".to_owned())],
            format!("{service}: no instance answers Prometheus"),
            "For a minute every scrape failed, or there was nothing to scrape.".to_owned(),
        ),
        alert(
            artefacts,
            SERVICE_DOWN,
            (5 * MINUTE, MINUTE),
            format!("{} == 0", queries.plain("up", "")),
            vec![("severity", "ticket".to_owned())],
            format!("{service}: {{{{ $labels.instance }}}} does not answer Prometheus"),
            "For 5 minutes every scrape of this instance failed.".to_owned(),
        ),
    ];
    rules.extend(Protocol::ALL.map(|protocol| high_error_rate(artefacts, protocol)));
    let lost = queries.metric("telemetry_lost_total", "");
    rules.push(alert(
        artefacts,
        TELEMETRY_LOSS,
        (Duration::ZERO, 10 * MINUTE),
        format!("sum by (job, instance, signal) (increase({lost}[10m])) > 0"),
        vec![("severity", "ticket".to_owned())],
        format!("{service}: {{{{ $labels.instance }}}} loses telemetry: {{{{ $labels.signal }}}}"),
        "In the last 10 minutes some of it found a full queue, or was not taken by its receiver: \
         what is there to look at is not all that happened."
            .to_owned(),
    ));
    Group {
        name: format!("service-{service}"),
        interval: Some(Duration::from_secs(15)),
        comments: vec![
            "A series of an error begins with its first one, which increase() does not see, in \
             HighErrorRate; the objectives' counters begin at 0."
                .to_owned(),
        ],
        rules,
    }
}

fn all_down(queries: &Queries<'_>) -> String {
    let up = queries.plain("up", "");
    format!("sum by (job) ({up}) == 0 or absent({up})")
}

/// By route, so that a busy one does not hide another; with a gate against low traffic.
fn high_error_rate(artefacts: &Artefacts, protocol: Protocol) -> Rule {
    let queries = artefacts.queries();
    let route = protocol.route_label();
    let sum = |matchers| {
        let count = queries.metric(&format!("{}_count", protocol.duration()), matchers);
        format!("sum by (job, {route}) (increase({count}[5m]))")
    };
    let (bad, total) = (sum(OURS), sum(""));
    alert(
        artefacts,
        HIGH_ERROR_RATE,
        (2 * MINUTE, 2 * MINUTE),
        format!("{bad} > 0.05 * {total} and {bad} >= 5"),
        vec![("protocol", protocol.as_str().to_owned()), ("severity", "ticket".to_owned())],
        format!("{}: {{{{ $labels.{route} }}}} fails", artefacts.service()),
        "Over 5 minutes more than 0.05 of its exchanges, and at least 5 of them, went wrong by the \
         service's own doing: 5xx, server errors of gRPC, failed, panicked, out of time."
            .to_owned(),
    )
}

fn alert(
    artefacts: &Artefacts,
    name: &'static str,
    (pending, keep_firing): (Duration, Duration),
    expr: String,
    labels: Vec<(&'static str, String)>,
    summary: String,
    description: String,
) -> Rule {
    let mut annotations = vec![("summary", summary), ("description", description)];
    annotations.extend(artefacts.runbook_url(name).map(|url| ("runbook_url", url)));
    Rule { kind: Kind::Alert(Alert { name, pending, keep_firing, annotations }), expr, labels }
}
