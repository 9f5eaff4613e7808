//! A trace as a tree, with the time that each span spent itself: its own duration less whatever
//! its children cover.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::trace::SpanData;

use crate::services::BoxError;
use crate::spans::Ended;
use crate::table::milliseconds;

/// The spans of one trace, each before its children, and those in the order of their start.
pub struct Tree(Vec<Node>);

pub struct Node {
    depth: usize,
    service: String,
    /// The span's name, behind an arrow where it is a call of something else.
    pub name: String,
    /// Since the start of the trace.
    pub during: Range<Duration>,
    pub self_time: Duration,
}

impl Tree {
    /// Fails unless the spans hang together: one root, and every parent among them.
    pub fn of(spans: &[Ended]) -> Result<Self, BoxError> {
        let mut children: HashMap<SpanId, Vec<&Ended>> = HashMap::new();
        for ended in spans {
            children.entry(ended.span.parent_span_id).or_default().push(ended);
        }
        let &[root] = children.get(&SpanId::INVALID).map_or(&[][..], Vec::as_slice) else {
            return Err("a trace has exactly one root".into());
        };
        for siblings in children.values_mut() {
            siblings.sort_by_key(|Ended { span, .. }| (span.start_time, span.name.clone()));
        }
        let mut nodes = Vec::new();
        add(&mut nodes, root, 0, &children, root.span.start_time);
        match spans.len() - nodes.len() {
            0 => Ok(Self(nodes)),
            lost => Err(format!("{lost} of {} spans hang on no known parent", spans.len()).into()),
        }
    }

    pub fn nodes(&self) -> &[Node] {
        &self.0
    }

    /// The span that took the most time itself.
    pub fn slowest(&self) -> Option<&Node> {
        self.0.iter().max_by_key(|node| node.self_time)
    }

    /// One line a span, indented by its depth.
    pub fn outline(&self) -> Vec<String> {
        let indent = |node: &Node| "  ".repeat(node.depth);
        self.0
            .iter()
            .map(|node| format!("{}{} {}", indent(node), node.service, node.name))
            .collect()
    }

    pub fn print(&self) {
        println!("       after       took     itself");
        for (node, line) in self.0.iter().zip(self.outline()) {
            let times = [node.during.start, node.took(), node.self_time].map(shown);
            let [after, took, itself] = times;
            println!("  {after:>10} {took:>10} {itself:>10}  {line}");
        }
        if let (Some(slowest), Some(root)) = (self.slowest(), self.0.first()) {
            let Node { name, service, self_time, .. } = slowest;
            let (spent, whole) = (shown(*self_time), shown(root.took()));
            println!(
                "\n  most of the time was spent in {name:?} of the {service}: {spent} of {whole}"
            );
        }
    }
}

impl Node {
    fn took(&self) -> Duration {
        self.during.end.saturating_sub(self.during.start)
    }
}

fn add(
    nodes: &mut Vec<Node>,
    Ended { service, span }: &Ended,
    depth: usize,
    children: &HashMap<SpanId, Vec<&Ended>>,
    zero: SystemTime,
) {
    let during = |span: &SpanData| {
        let since = |at: SystemTime| at.duration_since(zero).unwrap_or_default();
        since(span.start_time)..since(span.end_time)
    };
    let arrow = if span.span_kind == SpanKind::Client { "→ " } else { "" };
    let own_children = children.get(&span.span_context.span_id()).map_or(&[][..], Vec::as_slice);
    let covered = own_children.iter().map(|child| during(&child.span));
    nodes.push(Node {
        depth,
        service: service.clone(),
        name: format!("{arrow}{}", span.name),
        during: during(span),
        self_time: uncovered(during(span), covered),
    });
    for child in own_children {
        add(nodes, child, depth + 1, children, zero);
    }
}

/// How much of `own` none of `others` covers; they come in the order of their start.
fn uncovered(own: Range<Duration>, others: impl Iterator<Item = Range<Duration>>) -> Duration {
    let (mut free, mut covered_to) = (Duration::ZERO, own.start);
    for other in others {
        free += other.start.min(own.end).saturating_sub(covered_to);
        covered_to = covered_to.max(other.end.min(own.end));
    }
    free + own.end.saturating_sub(covered_to)
}

fn shown(duration: Duration) -> String {
    milliseconds(duration.as_secs_f64() * 1e9)
}

/// Checks the arithmetic of self-times; answers what is wrong.
pub fn check() -> Vec<String> {
    type Case = (&'static str, &'static [(u64, u64)], u64);

    let range = |&(start, end)| Duration::from_millis(start)..Duration::from_millis(end);
    let cases: [Case; 7] = [
        ("no child", &[], 10),
        ("one child", &[(22, 24)], 8),
        ("one after the other", &[(21, 23), (25, 30)], 3),
        ("children that overlap", &[(22, 26), (24, 28)], 4),
        ("a child within another's time", &[(22, 29), (23, 24)], 3),
        ("a child that outlives it", &[(28, 35)], 8),
        ("children outside of it", &[(10, 15), (31, 32)], 10),
    ];
    let wrong = cases.into_iter().filter_map(|(name, children, expected)| {
        let got = uncovered(range(&(20, 30)), children.iter().map(range));
        let expected = Duration::from_millis(expected);
        (got != expected).then(|| format!("self-time, {name}: expected {expected:?}, got {got:?}"))
    });
    wrong.collect()
}
