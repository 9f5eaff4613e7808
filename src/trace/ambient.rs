//! The trace that is current where a client is called, or an operation run.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

use crate::exchange::Facts;

/// The context to go on from: OpenTelemetry's own; where it has no span, that of the `tracing` span
/// (which a level filter may have removed), then that of the exchange in scope or of the nearest of
/// its ancestors that has one. Where telemetry is suppressed, as while an exporter sends, nothing
/// stands for the current one.
pub(super) fn context(parent: Option<&Facts>) -> Context {
    let current = Context::current();
    if has_span(&current) || current.is_telemetry_suppressed() {
        return current;
    }
    let mut exchanges = std::iter::successors(parent, |facts| facts.parent().map(AsRef::as_ref));
    let bridged = of_tracing().or_else(|| exchanges.find_map(Facts::trace_context).cloned());
    bridged.unwrap_or(current)
}

/// As [`context`], for whoever asks from inside of the exchange in scope.
pub(crate) fn here() -> Context {
    let current = Context::current();
    if has_span(&current) {
        return current;
    }
    context(Facts::current().as_deref())
}

#[inline]
pub(super) fn has_span(context: &Context) -> bool {
    context.has_active_span() && context.span().span_context().is_valid()
}

#[cfg(feature = "tracing-opentelemetry")]
pub(super) fn of_tracing() -> Option<Context> {
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    let span = tracing::Span::current();
    if span.is_none() {
        return None;
    }
    Some(span.context()).filter(has_span)
}

#[cfg(not(feature = "tracing-opentelemetry"))]
pub(super) fn of_tracing() -> Option<Context> {
    None
}
