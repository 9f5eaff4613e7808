//! What the services do beside their exchanges (statements, look-ups, work of their own), as the
//! metrics and the spans tell it.

use std::collections::{BTreeMap, HashSet};

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;

use crate::scrape::{Durations, Labels, Scrape};
use crate::seen::Exchange;
use crate::series::{Series, told};
use crate::spans::{Ended, Spans};
use crate::tallies::Tallies;
use crate::telemetry::SERVICE;

const FAMILIES: [&str; 2] = ["db_client_operation_duration_seconds", "operation_duration_seconds"];

/// How long the operations of each series took between two scrapes.
pub fn between(before: &Scrape, after: &Scrape) -> BTreeMap<Series, Durations> {
    let families = FAMILIES.iter().flat_map(|family| after.since(before, family));
    families.map(|(labels, told)| (of_labels(&labels), told)).collect()
}

/// How long their spans took, of the traces of these exchanges.
pub fn traced(spans: &Spans, exchanges: &[&Exchange]) -> Tallies<Series> {
    let traces: HashSet<_> =
        exchanges.iter().filter_map(|seen| seen.trace.map(|span| span.trace_id())).collect();
    let is_wanted = |span: &SpanData| {
        let trace = u128::from_be_bytes(span.span_context.trace_id().to_bytes());
        traces.contains(&trace) && is_operation(span)
    };
    let mut tallies = Tallies::new();
    for Ended { service, span } in spans.of(is_wanted) {
        let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
        tallies.entry(of_span(service, &span)).or_default().add(took);
    }
    tallies
}

fn is_operation(span: &SpanData) -> bool {
    span.span_kind == SpanKind::Internal || attribute(span, "db.system.name").is_some()
}

fn of_labels(labels: &Labels) -> Series {
    Series {
        place: told(labels, &[SERVICE]),
        method: told(labels, &["db_operation_name"]),
        route: told(labels, &["db_collection_name", "operation_name"]),
        status: "-".to_owned(),
        error: told(labels, &["error_type"]),
    }
}

fn of_span(service: String, span: &SpanData) -> Series {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let is_call = attribute(span, "db.system.name").is_some();
    let name = || Some(span.name.to_string()).filter(|_| !is_call);
    Series {
        place: service,
        method: or_none(attribute(span, "db.operation.name")),
        route: or_none(attribute(span, "db.collection.name").or_else(name)),
        status: "-".to_owned(),
        error: or_none(attribute(span, "error.type")),
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
    found.map(|attribute| attribute.value.to_string())
}
