//! How the context of a trace travels.

use crate::trace::propagation::W3cPropagator;

/// What a request's headers carry of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    TraceContext,
    Baggage,
}

/// Passes on these formats, and no other.
pub(super) fn of(formats: &[Format]) -> W3cPropagator {
    let mut propagator = W3cPropagator::new();
    if !formats.contains(&Format::TraceContext) {
        propagator = propagator.without_trace_context();
    }
    if !formats.contains(&Format::Baggage) {
        propagator = propagator.without_baggage();
    }
    propagator
}
