//! What rules, dashboard and runbooks ask for is what the crate's layers and collectors tell.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use prometheus::Registry;
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::metrics::MetricsLayer;
use tower_observability::metrics::saturation::{ProcessCollector, RuntimeCollector};
use tower_observability::telemetry::{LossCollector, Telemetry};
use tower_observability::{access_log::JsonLines, slo::Artefacts};

use crate::variants::{ALL, Variant};

/// What is told, by the name that a query asks for, with its labels.
async fn told() -> BTreeMap<String, BTreeSet<String>> {
    let registry = Registry::new();
    let layer = MetricsLayer::server().register(&registry).unwrap();
    ProcessCollector::builder().register(&registry).unwrap();
    RuntimeCollector::current().unwrap().register(&registry).unwrap();
    let telemetry = Telemetry::builder("checkout").build().unwrap();
    let lines = JsonLines::new(std::io::sink());
    LossCollector::of(&telemetry).access_log(&lines).register(&registry).unwrap();
    for (content_type, status) in
        [("text/plain", 200), ("text/plain", 503), ("application/grpc", 200)]
    {
        let service = service_fn(move |_: Request<Full<Bytes>>| async move {
            let response = Response::builder()
                .status(status)
                .header("content-type", content_type)
                .header("grpc-status", "14");
            Ok::<_, Infallible>(response.body(Full::new(Bytes::new())).unwrap())
        });
        let request = Request::post("/shop.Payment/Charge").header("content-type", content_type);
        let request = request.body(Full::default()).unwrap();
        let response = layer.layer(service).oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    let mut told = BTreeMap::<String, BTreeSet<String>>::new();
    for family in registry.gather() {
        let labels = family.get_metric().iter().flat_map(|metric| metric.get_label());
        let labels: BTreeSet<_> = labels.map(|label| label.name().to_owned()).collect();
        let suffixes: &[&str] = match family.get_field_type() {
            prometheus::proto::MetricType::HISTOGRAM => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        for suffix in suffixes {
            told.entry(format!("{}{suffix}", family.name())).or_default().extend(labels.clone());
        }
    }
    told
}

/// All queries of all files.
fn queries(artefacts: &Artefacts) -> Vec<String> {
    let rules = artefacts.rules();
    let exprs = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let mut queries: Vec<String> = exprs.map(|expr| serde_json::from_str(expr).unwrap()).collect();
    let dashboard: Value = serde_json::from_str(&artefacts.dashboard()).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let targets = panel["targets"].as_array().into_iter().flatten();
        queries.extend(targets.map(|target| target["expr"].as_str().unwrap().to_owned()));
    }
    let commands = artefacts.runbook_commands();
    queries.extend(commands.into_iter().map(|command| command.command));
    queries
}

/// The names of metrics: each of them has matchers.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    query.match_indices('{').filter_map(move |(end, _)| {
        let before = query.get(..end)?;
        let length = before.bytes().rev().take_while(|byte| is_name(byte)).count();
        before.get(end - length..).filter(|name| !name.is_empty())
    })
}

/// The labels that are summed by.
fn grouped(query: &str) -> impl Iterator<Item = &str> {
    let lists = query.split(" by (").skip(1).filter_map(|rest| rest.split(')').next());
    lists.flat_map(|list| list.split(", "))
}

#[tokio::test]
async fn every_query_asks_for_what_is_told() {
    let mut told = told().await;
    for (name, labels) in [
        ("slo_events_total", &["outcome", "slo"][..]),
        ("up", &[]),
        ("ALERTS", &["alertname", "alertstate"]),
    ] {
        told.insert(name.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect());
    }
    let labels: BTreeSet<_> = told.values().flatten().map(String::as_str).collect();
    let of_target = ["job", "instance", "le"];
    let mut asked = BTreeSet::new();
    for artefacts in ALL.map(Variant::artefacts) {
        let rules = artefacts.rules();
        let records = rules.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
        let records: BTreeSet<String> =
            records.map(|record| serde_json::from_str(record).unwrap()).collect();
        for query in queries(&artefacts) {
            for name in names(&query) {
                assert!(told.contains_key(name) || records.contains(name), "{name} in {query}");
                asked.insert(name.to_owned());
            }
            for label in grouped(&query) {
                let is_told = labels.contains(label) || of_target.contains(&label);
                assert!(is_told, "{label} in {query}");
            }
        }
    }
    for name in [
        "slo_events_total",
        "http_server_request_duration_seconds_bucket",
        "rpc_server_call_duration_seconds_count",
        "process_resident_memory_bytes",
        "tokio_utilization_ratio",
        "telemetry_lost_total",
        "slo:error_budget_remaining:ratio",
    ] {
        assert!(asked.contains(name), "{name}");
    }
}
