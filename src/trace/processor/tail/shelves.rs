//! The traces by age.

use std::collections::BTreeMap;

use opentelemetry::trace::TraceId;

use super::trace::Trace;

#[derive(Clone, Copy, Debug)]
pub(super) enum Shelf {
    Waiting,
    /// Decided or given up, with spans open.
    Open,
    /// Decided, with no span open.
    Closed,
}

/// The traces of each shelf, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    pub(super) waiting: BTreeMap<u64, TraceId>,
    pub(super) open: BTreeMap<u64, TraceId>,
    pub(super) closed: BTreeMap<u64, TraceId>,
    next: u64,
}

impl Shelves {
    pub(super) fn shelf(&mut self, shelf: Shelf) -> &mut BTreeMap<u64, TraceId> {
        match shelf {
            Shelf::Waiting => &mut self.waiting,
            Shelf::Open => &mut self.open,
            Shelf::Closed => &mut self.closed,
        }
    }

    pub(super) fn put(&mut self, id: TraceId, shelf: Shelf) -> u64 {
        let number = self.next;
        self.next += 1;
        self.shelf(shelf).insert(number, id);
        number
    }

    pub(super) fn shift(&mut self, id: TraceId, trace: &mut Trace, to: Shelf) {
        self.shelf(trace.shelf).remove(&trace.number);
        trace.shelf = to;
        trace.number = self.put(id, to);
    }

    /// Puts a trace that is decided or given up where it belongs.
    pub(super) fn settle(&mut self, id: TraceId, trace: &mut Trace) {
        match (trace.shelf, trace.open) {
            (Shelf::Open, 1..) | (Shelf::Closed, 0) => {}
            (_, 1..) => self.shift(id, trace, Shelf::Open),
            (_, 0) => self.shift(id, trace, Shelf::Closed),
        }
    }
}
