//! How the context of a trace travels.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use crate::trace::propagation::{BaggagePropagator, W3cPropagator};

/// What a request's headers carry of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    TraceContext,
    Baggage,
}

/// What [`Telemetry`](super::Telemetry) was set to pass on: W3C Trace Context and Baggage, unless
/// `OTEL_PROPAGATORS` names only one of them, or `none`.
#[derive(Clone, Debug)]
pub struct Propagator(Kind);

#[derive(Clone, Debug)]
enum Kind {
    W3c(W3cPropagator),
    Baggage(BaggagePropagator),
    Nothing,
}

impl Propagator {
    pub(super) fn new(formats: &[Format]) -> Self {
        let has = |format| formats.contains(&format);
        Self(match (has(Format::TraceContext), has(Format::Baggage)) {
            (true, true) => Kind::W3c(W3cPropagator::new()),
            (true, false) => Kind::W3c(W3cPropagator::new().without_baggage()),
            (false, true) => Kind::Baggage(BaggagePropagator::new()),
            (false, false) => Kind::Nothing,
        })
    }

    /// The propagator that passes on traces, if they are passed on: what a
    /// [`TraceLayer`](crate::trace::TraceLayer) is fastest with.
    pub fn w3c(&self) -> Option<&W3cPropagator> {
        match &self.0 {
            Kind::W3c(w3c) => Some(w3c),
            Kind::Baggage(_) | Kind::Nothing => None,
        }
    }
}

impl TextMapPropagator for Propagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        match &self.0 {
            Kind::W3c(w3c) => w3c.inject_context(context, injector),
            Kind::Baggage(baggage) => baggage.inject_context(context, injector),
            Kind::Nothing => {}
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        match &self.0 {
            Kind::W3c(w3c) => w3c.extract_with_context(context, extractor),
            Kind::Baggage(baggage) => baggage.extract_with_context(context, extractor),
            Kind::Nothing => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        match &self.0 {
            Kind::W3c(w3c) => w3c.fields(),
            Kind::Baggage(baggage) => baggage.fields(),
            Kind::Nothing => FieldIter::new(&[]),
        }
    }
}
