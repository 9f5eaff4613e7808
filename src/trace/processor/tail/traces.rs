//! The local traces that are not decided yet, and the recent decisions.

use std::collections::HashMap;
use std::time::Instant;

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::SpanData;

use super::Settings;
use super::dropped::Counters;
use super::shelves::{Shelf, Shelves};
use super::trace::{Start, State, Trace, is_root};

/// Traces that one call gives up at most for having waited too long, so that it stays short.
const EXPIRED_AT_ONCE: usize = 16;

/// Spans that leave the traces, and what is to become of them.
pub(super) type Released = Vec<(Fate, Vec<SpanData>)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Export { partial: bool },
    LetGo,
}

/// All traces, by ID and by age. Every entry of `by_id` is on one shelf, under its number.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_id: HashMap<TraceId, Trace>,
    shelves: Shelves,
    /// Spans held back; a trace without any counts as one.
    held: usize,
}

impl Traces {
    pub(super) fn start(
        &mut self,
        settings: &Settings,
        dropped: &Counters,
        start: &Start,
        now: Instant,
    ) -> Released {
        let mut released = Released::new();
        let waiting = || State::Waiting { since: now, spans: Vec::new() };
        let Some(trace) = self.by_id.get_mut(&start.trace) else {
            let number = self.shelves.put(start.trace, Shelf::Waiting);
            let mut trace = Trace {
                number,
                shelf: Shelf::Waiting,
                state: waiting(),
                open: 0,
                roots: Vec::new(),
                partial: !start.is_root && !start.is_under_sampled,
            };
            trace.opens(start, now);
            self.by_id.insert(start.trace, trace);
            self.held += 1;
            self.evict(settings, dropped, now, &mut released);
            return released;
        };
        let reopens = match trace.state {
            State::Waiting { .. } => false,
            // what is still open of it is judged together with the new one
            State::GivenUp | State::Dropped => start.is_root,
            State::Kept => start.is_root && trace.open == 0,
        };
        if reopens {
            trace.partial = matches!(trace.state, State::GivenUp);
            trace.state = waiting();
            self.shelves.shift(start.trace, trace, Shelf::Waiting);
            self.held += 1;
        }
        trace.opens(start, now);
        if reopens {
            self.evict(settings, dropped, now, &mut released);
        } else if !matches!(trace.state, State::Waiting { .. }) {
            self.shelves.settle(start.trace, trace);
            self.forget(settings);
        }
        released
    }

    /// A span ended that is not sampled; `tells` when it has an error or is a slow root.
    pub(super) fn end(
        &mut self,
        settings: &Settings,
        dropped: &Counters,
        span: SpanData,
        tells: bool,
        now: Instant,
    ) -> Released {
        let mut released = Released::new();
        let id = span.span_context.trace_id();
        let Some(trace) = self.by_id.get_mut(&id) else {
            self.end_unknown(settings, dropped, span, tells, &mut released);
            return released;
        };
        trace.open = trace.open.saturating_sub(1);
        trace.roots.retain(|(root, _)| *root != span.span_context.span_id());
        match &mut trace.state {
            State::Kept => {
                released.push((Fate::Export { partial: trace.partial }, vec![span]));
            }
            State::Dropped => released.push((Fate::LetGo, vec![span])),
            State::Waiting { .. } | State::GivenUp if tells => {
                let mut spans = trace.decide(State::Kept, &mut self.held);
                spans.push(span);
                released.push((Fate::Export { partial: trace.partial }, spans));
            }
            State::Waiting { .. } if trace.open == 0 => {
                let mut spans = trace.decide(State::Dropped, &mut self.held);
                spans.push(span);
                released.push((Fate::LetGo, spans));
            }
            State::Waiting { spans, .. } => {
                if spans.len() < settings.max_spans_per_trace {
                    // the first one is what the trace counted as without it
                    self.held += usize::from(!spans.is_empty());
                    spans.push(span);
                } else {
                    trace.partial = true;
                    dropped.spans(1);
                    let lost = match spans.last_mut() {
                        Some(last) if is_root(&span) => std::mem::replace(last, span),
                        _ => span,
                    };
                    released.push((Fate::LetGo, vec![lost]));
                }
            }
            State::GivenUp => {
                dropped.spans(1);
                released.push((Fate::LetGo, vec![span]));
                if trace.open == 0 {
                    trace.state = State::Dropped;
                }
            }
        }
        if !matches!(trace.state, State::Waiting { .. }) {
            self.shelves.settle(id, trace);
            self.forget(settings);
        }
        self.evict(settings, dropped, now, &mut released);
        self.expire(settings, dropped, now, EXPIRED_AT_ONCE, &mut released);
        released
    }

    /// A trace that is not remembered is one that was given up.
    fn end_unknown(
        &mut self,
        settings: &Settings,
        dropped: &Counters,
        span: SpanData,
        tells: bool,
        released: &mut Released,
    ) {
        if !tells {
            dropped.spans(1);
            released.push((Fate::LetGo, vec![span]));
            return;
        }
        let id = span.span_context.trace_id();
        let trace = Trace {
            number: self.shelves.put(id, Shelf::Closed),
            shelf: Shelf::Closed,
            state: State::Kept,
            open: 0,
            roots: Vec::new(),
            partial: true,
        };
        self.by_id.insert(id, trace);
        self.forget(settings);
        released.push((Fate::Export { partial: true }, vec![span]));
    }

    /// A span that is sampled has an error, or is a slow root.
    pub(super) fn told(&mut self, settings: &Settings, id: TraceId) -> Released {
        let mut released = Released::new();
        if let Some(trace) = self.by_id.get_mut(&id)
            && matches!(trace.state, State::Waiting { .. } | State::GivenUp)
        {
            let spans = trace.decide(State::Kept, &mut self.held);
            released.push((Fate::Export { partial: trace.partial }, spans));
            self.shelves.settle(id, trace);
            self.forget(settings);
        }
        released
    }

    /// Settles every trace that has waited for too long.
    pub(super) fn flush(
        &mut self,
        settings: &Settings,
        dropped: &Counters,
        now: Instant,
    ) -> Released {
        let mut released = Released::new();
        self.expire(settings, dropped, now, usize::MAX, &mut released);
        released
    }

    /// Settles every trace.
    pub(super) fn finish(
        &mut self,
        settings: &Settings,
        dropped: &Counters,
        now: Instant,
    ) -> Released {
        let mut released = Released::new();
        while self.settle_oldest(settings, now, &mut released, dropped, Counters::expired) {}
        released
    }

    fn evict(
        &mut self,
        settings: &Settings,
        dropped: &Counters,
        now: Instant,
        released: &mut Released,
    ) {
        while self.held > settings.max_spans
            && self.settle_oldest(settings, now, released, dropped, Counters::evicted)
        {}
    }

    fn expire(
        &mut self,
        settings: &Settings,
        dropped: &Counters,
        now: Instant,
        at_most: usize,
        released: &mut Released,
    ) {
        for _ in 0..at_most {
            let oldest = self.shelves.waiting.values().next().and_then(|id| self.by_id.get(id));
            let waited = match oldest.map(|trace| &trace.state) {
                Some(State::Waiting { since, .. }) => now.saturating_duration_since(*since),
                _ => return,
            };
            if waited < settings.max_wait
                || !self.settle_oldest(settings, now, released, dropped, Counters::expired)
            {
                return;
            }
        }
    }

    /// Keeps the oldest trace that waits, if it is slow by now, or gives it up. False when none
    /// waits.
    fn settle_oldest(
        &mut self,
        settings: &Settings,
        now: Instant,
        released: &mut Released,
        dropped: &Counters,
        count: fn(&Counters),
    ) -> bool {
        let Some((_, id)) = self.shelves.waiting.pop_first() else {
            return false;
        };
        let Some(trace) = self.by_id.get_mut(&id) else {
            return true;
        };
        if trace.is_slow(settings, now) {
            let spans = trace.decide(State::Kept, &mut self.held);
            released.push((Fate::Export { partial: trace.partial }, spans));
        } else {
            let spans = trace.decide(State::GivenUp, &mut self.held);
            trace.partial = true;
            count(dropped);
            dropped.spans(spans.len());
            released.push((Fate::LetGo, spans));
        }
        self.shelves.settle(id, trace);
        self.forget(settings);
        true
    }

    /// Keeps to the bound on what is remembered.
    fn forget(&mut self, settings: &Settings) {
        for shelf in [Shelf::Open, Shelf::Closed] {
            let shelf = self.shelves.shelf(shelf);
            while shelf.len() > settings.max_spans {
                let Some((_, id)) = shelf.pop_first() else { break };
                self.by_id.remove(&id);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> Sizes {
        let spans = |trace: &Trace| match &trace.state {
            State::Waiting { spans, .. } => spans.len(),
            _ => 0,
        };
        Sizes {
            spans: self.by_id.values().map(spans).sum(),
            waiting: self.shelves.waiting.len(),
            open: self.shelves.open.len(),
            closed: self.shelves.closed.len(),
            traces: self.by_id.len(),
            held: self.held,
        }
    }
}

#[cfg(test)]
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) spans: usize,
    pub(super) waiting: usize,
    pub(super) open: usize,
    pub(super) closed: usize,
    pub(super) traces: usize,
    pub(super) held: usize,
}
