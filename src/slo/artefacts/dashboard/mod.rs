//! A dashboard of Grafana, in the classic model:
//! <https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>.

mod grid;
mod panel;
mod rows;

use serde_json::{Value, json};

use super::Artefacts;

/// Of Grafana 11 and later.
const SCHEMA_VERSION: u32 = 41;

pub(super) fn json(artefacts: &Artefacts) -> String {
    let dashboard = json!({
        "title": format!("{}: requests, saturation, objectives", artefacts.service()),
        "uid": uid(artefacts.service()),
        "description": "Generated from the service's objectives and the metrics of its layers.",
        "tags": ["generated", "slo"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        // one crosshair for all panels
        "graphTooltip": 1,
        "refresh": "30s",
        "time": { "from": "now-6h", "to": "now" },
        "timezone": "browser",
        "templating": { "list": [{
            "name": "datasource",
            "label": "Prometheus",
            "type": "datasource",
            "query": "prometheus",
        }]},
        "panels": grid::laid_out(rows::all(artefacts)),
    });
    format!("{dashboard:#}\n")
}

/// At most 40 of letters, digits, `-` and `_`.
fn uid(service: &str) -> String {
    let kept = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    service.chars().take(36).map(kept).chain("-slo".chars()).collect()
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}
