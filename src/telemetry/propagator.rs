//! How the context of a trace travels.

use std::fmt;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

/// What a request's headers carry of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    TraceContext,
    Baggage,
}

/// A propagator that can be shared: of what [`Telemetry`](super::Telemetry) was set to.
#[derive(Clone)]
pub struct Propagator(Arc<TextMapCompositePropagator>);

impl Propagator {
    pub(super) fn new(formats: &[Format]) -> Self {
        let parts = formats.iter().map(|format| one(*format)).collect();
        Self(Arc::new(TextMapCompositePropagator::new(parts)))
    }
}

fn one(format: Format) -> Box<dyn TextMapPropagator + Send + Sync> {
    match format {
        Format::TraceContext => Box::new(TraceContextPropagator::new()),
        Format::Baggage => Box::new(BaggagePropagator::new()),
    }
}

impl TextMapPropagator for Propagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

impl fmt::Debug for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields()).finish()
    }
}
