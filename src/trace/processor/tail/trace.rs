//! One local trace.

use std::time::Instant;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::Settings;
use super::shelves::Shelf;

/// Local roots of one trace whose time is taken while they are open; a trace rarely has a second.
const ROOTS: usize = 64;
/// What is to be known of a span when it starts.
pub(super) struct Start {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    /// It has no parent, or one in another process.
    pub(super) is_root: bool,
    /// Its parent was sampled, so that these traces were not told of it.
    pub(super) is_under_sampled: bool,
}

#[derive(Debug)]
pub(super) struct Trace {
    pub(super) number: u64,
    pub(super) shelf: Shelf,
    pub(super) state: State,
    /// Spans that were started and have not ended.
    pub(super) open: u32,
    pub(super) roots: Vec<(SpanId, Instant)>,
    /// Spans were lost.
    pub(super) partial: bool,
}

#[derive(Debug)]
pub(super) enum State {
    /// Neither an error nor a slow root is known.
    Waiting {
        since: Instant,
        spans: Vec<SpanData>,
    },
    /// As before, but it holds nothing any more.
    GivenUp,
    Kept,
    Dropped,
}

impl Trace {
    pub(super) fn opens(&mut self, start: &Start, now: Instant) {
        self.open = self.open.saturating_add(1);
        if start.is_root && self.roots.len() < ROOTS {
            self.roots.push((start.span, now));
        }
    }

    pub(super) fn is_slow(&self, settings: &Settings, now: Instant) -> bool {
        settings.slower_than.is_some_and(|threshold| {
            self.roots.iter().any(|(_, since)| now.saturating_duration_since(*since) > threshold)
        })
    }

    /// Takes the decision, and what was held back until now.
    pub(super) fn decide(&mut self, state: State, held: &mut usize) -> Vec<SpanData> {
        match std::mem::replace(&mut self.state, state) {
            State::Waiting { spans, .. } => {
                *held = held.saturating_sub(spans.len().max(1));
                spans
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a span has no parent, or one in another process.
pub(super) fn is_root(span: &SpanData) -> bool {
    span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote
}
