//! The dashboard as Grafana reads it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn panels(artefacts: &Artefacts) -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&artefacts.dashboard()).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

fn text<'a>(panel: &'a Value, member: &str) -> &'a str {
    panel[member].as_str().unwrap()
}

#[test]
fn rows_are_requests_calls_saturation_and_each_objective() {
    let panels = panels(&two());
    let rows = panels.iter().filter(|panel| text(panel, "type") == "row");
    let titles: Vec<_> = rows.map(|row| text(row, "title").to_owned()).collect();
    assert_eq!(
        titles,
        [
            "HTTP requests",
            "gRPC calls",
            "Saturation",
            "Objective available: 99.9% over 30d",
            "Objective fast: 95% over 30d",
        ]
    );
}

#[test]
fn every_panel_tells_what_it_shows_and_stands_alone() {
    let panels = panels(&two());
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in &panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24 && w > 0 && h > 0);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} overlaps", panel["title"]);
        }
        assert!(!text(panel, "title").is_empty());
        if text(panel, "type") != "row" {
            assert!(text(panel, "description").ends_with('.'), "{}", panel["title"]);
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string());
            let targets = panel["targets"].as_array().unwrap();
            let refs: BTreeSet<_> = targets.iter().map(|target| text(target, "refId")).collect();
            assert!(!targets.is_empty() && refs.len() == targets.len());
            assert!(targets.iter().all(|target| text(target, "expr").contains("job=\"shop\"")));
        }
    }
}

#[test]
fn what_is_asked_is_recorded() {
    let artefacts = two();
    let recorded: BTreeSet<_> = values(&artefacts.rules(), "record").into_iter().collect();
    let queries: Vec<_> = panels(&artefacts)
        .iter()
        .filter_map(|panel| panel["targets"].as_array().cloned())
        .flatten()
        .map(|target| text(&target, "expr").to_owned())
        .collect();
    let asked = queries.iter().filter(|query| query.starts_with("slo:"));
    let asked: BTreeSet<_> = asked.filter_map(|query| query.split('{').next()).collect();
    assert_eq!(asked.len(), 7 + 3, "burn rates of 7 windows, what remains, and two sums");
    assert!(asked.iter().all(|name| recorded.contains(*name)), "{asked:?}");
}
