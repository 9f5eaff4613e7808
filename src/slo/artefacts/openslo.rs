//! The objectives as documents of [OpenSLO v1](https://github.com/OpenSLO/OpenSLO), one after the other
//! in one file.
//!
//! Alerts are no part of them: an `AlertPolicy` of version 1 has one condition, and that one window,
//! which is another alert than a rule over two windows.

use std::time::Duration;

use super::Artefacts;
use super::yaml::{Yaml, comment};
use crate::slo::Objective;

pub(super) fn documents(artefacts: &Artefacts) -> String {
    let mut text = comment(
        "Alerts are in rules.yml: a condition of OpenSLO v1 has one window, these have two each.",
    );
    let service = name(artefacts.service());
    let spec = vec![("description", Yaml::text(format!("The service {}.", artefacts.service())))];
    text.push_str(&document("Service", &service, artefacts.service(), spec));
    for objective in artefacts.objectives() {
        text.push_str("---\n");
        text.push_str(&match duration(objective.window().period()) {
            Some(window) => slo(artefacts, &service, objective, window),
            None => comment(&format!(
                "left out: {}: OpenSLO v1 has no duration for its period of {}",
                objective.name(),
                objective.window()
            )),
        });
    }
    text
}

fn slo(artefacts: &Artefacts, service: &str, objective: &Objective, window: String) -> String {
    let source = |outcome| {
        let events = artefacts.queries().events(objective, outcome);
        let query = Yaml::Map(vec![("query", Yaml::text(format!("sum({events})")))]);
        let source = Yaml::Map(vec![("type", Yaml::text("Prometheus")), ("spec", query)]);
        Yaml::Map(vec![("metricSource", source)])
    };
    let name = name(objective.name());
    let indicator = Yaml::Map(vec![
        ("metadata", Yaml::Map(vec![("name", Yaml::text(format!("{name}-events")))])),
        (
            "spec",
            Yaml::Map(vec![(
                "ratioMetric",
                Yaml::Map(vec![
                    ("counter", Yaml::Bool(true)),
                    ("good", source(Some("good"))),
                    ("total", source(None)),
                ]),
            )]),
        ),
    ]);
    let window = Yaml::Map(vec![("duration", Yaml::Text(window)), ("isRolling", Yaml::Bool(true))]);
    let target = Yaml::Map(vec![
        ("displayName", Yaml::text(objective.target().to_string())),
        ("target", Yaml::Number(objective.target().ratio_text())),
    ]);
    // OpenSLO's schema allows so many characters
    let description: String = objective.description().chars().take(1050).collect();
    let spec = vec![
        ("description", Yaml::Text(description)),
        ("service", Yaml::text(service)),
        ("indicator", indicator),
        ("timeWindow", Yaml::List(vec![window])),
        ("budgetingMethod", Yaml::text("Occurrences")),
        ("objectives", Yaml::List(vec![target])),
    ];
    document("SLO", &name, objective.name(), spec)
}

fn document(kind: &str, name: &str, shown: &str, spec: Vec<(&'static str, Yaml)>) -> String {
    let metadata = Yaml::Map(vec![("name", Yaml::text(name)), ("displayName", Yaml::text(shown))]);
    Yaml::Map(vec![
        ("apiVersion", Yaml::text("openslo/v1")),
        ("kind", Yaml::text(kind)),
        ("metadata", metadata),
        ("spec", Yaml::Map(spec)),
    ])
    .document()
}

/// A name by RFC 1123: lower-case letters, digits and `-` between them.
fn name(text: &str) -> String {
    let kept = |character: char| match character.to_ascii_lowercase() {
        character if character.is_ascii_alphanumeric() => character,
        _ => '-',
    };
    let name: String = text.chars().map(kept).collect();
    match name.trim_matches('-') {
        "" => "unnamed".to_owned(),
        name => name.to_owned(),
    }
}

/// A duration shorthand: a whole number of one unit.
fn duration(period: Duration) -> Option<String> {
    let seconds = (period.subsec_nanos() == 0).then_some(period.as_secs())?;
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    units
        .iter()
        .find(|(_, length)| seconds.is_multiple_of(*length))
        .map(|(unit, length)| format!("{}{unit}", seconds / length))
}
