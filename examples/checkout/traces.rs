//! What must be true of the trace of each request.

use std::collections::HashSet;

use opentelemetry::trace::SpanId;
use opentelemetry_sdk::trace::SpanData;
use tower_observability::id::TraceIdentity;

use crate::customer::until;
use crate::seen::Exchange;
use crate::services::BoxError;
use crate::spans::Spans;
use crate::steps::{CARDS, Step};
use crate::tree::Tree;

/// The spans of a request's trace, once each exchange has ended its own, and what is wrong with
/// them.
pub async fn check(
    spans: &Spans,
    step: &Step,
    exchanges: &[Exchange],
) -> (Option<Tree>, Vec<String>) {
    let told: Vec<TraceIdentity> = exchanges.iter().filter_map(|seen| seen.trace).collect();
    let own: HashSet<_> = told.iter().map(|trace| SpanId::from(trace.span_id())).collect();
    let mut wrong = Vec::new();
    if own.len() != exchanges.len() {
        wrong.push(format!("expected a span for each exchange, got {}", own.len()));
    }
    let ids: HashSet<_> = told.iter().map(TraceIdentity::trace_id).collect();
    if ids.len() != 1 {
        wrong.push(format!("expected one trace, got {}", ids.len()));
    }
    let id = |span: &SpanData| u128::from_be_bytes(span.span_context.trace_id().to_bytes());
    let of_trace = || spans.of(|span| ids.contains(&id(span)));
    let all_ended = || {
        let of_trace = of_trace();
        let ended: HashSet<_> =
            of_trace.iter().map(|ended| ended.span.span_context.span_id()).collect();
        own.is_subset(&ended)
    };
    if !until(all_ended).await {
        wrong.push("not every exchange's span ended".into());
    }
    let spans = of_trace();
    let leaked =
        spans.iter().map(|ended| &ended.span).filter(|span| format!("{span:?}").contains(CARDS));
    wrong.extend(leaked.map(|span| format!("the card is in the span {:?}", span.name)));
    match Tree::of(&spans) {
        Ok(tree) => {
            wrong.extend(compare(step, &tree).err().map(|error| error.to_string()));
            (Some(tree), wrong)
        }
        Err(error) => {
            wrong.push(error.to_string());
            (None, wrong)
        }
    }
}

fn compare(step: &Step, tree: &Tree) -> Result<(), BoxError> {
    if let Some(expected) = step.spans {
        let (expected, got) = (outline(expected), tree.outline());
        if expected != got {
            let (expected, got) = (expected.join("\n  "), got.join("\n  "));
            return Err(format!("spans: expected\n  {expected}\n got\n  {got}").into());
        }
    }
    if let Some(expected) = step.slowest {
        let got = tree.slowest().map_or("nothing", |node| &node.name);
        if got != expected {
            return Err(format!("largest self-time: expected {expected:?}, got {got:?}").into());
        }
    }
    if let Some(names) = step.at_once {
        let [one, other] = names.map(|name| tree.nodes().iter().find(|node| node.name == name));
        let (one, other) = one.zip(other).ok_or_else(|| format!("no spans {names:?}"))?;
        let last_start = one.during.start.max(other.during.start);
        if last_start >= one.during.end.min(other.during.end) {
            return Err(format!("{names:?} should overlap: one waited for the other").into());
        }
    }
    Ok(())
}

/// Lines without the indentation that all have.
fn outline(text: &str) -> Vec<String> {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let indent = lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines().map(|line| line.split_at(indent).1.to_owned()).collect()
}
