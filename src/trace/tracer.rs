//! Where spans come from: an injected provider, or the global one.

use std::fmt;
use std::sync::{Arc, OnceLock};

use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, TraceContextExt, TraceFlags, Tracer, TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope, global};

use super::foretold::{self, Foretold};
use super::propagation::RANDOM;

/// The instrumentation scope of this crate's spans.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

/// Starts spans.
#[derive(Clone)]
pub(crate) struct Spans {
    injected: Option<Arc<dyn Start>>,
    /// The global provider's, once it is one that makes spans; it may be installed late.
    global: Arc<OnceLock<Arc<dyn Start>>>,
}

/// A span that was started, as the context in which it is current.
pub(crate) struct Started {
    pub(crate) context: Context,
    /// Whether anything that is set on the span is kept.
    pub(crate) recording: bool,
}

trait Start: Send + Sync {
    fn start(&self, builder: SpanBuilder, parent: &Context) -> Started;

    /// Whether a span below `parent`'s is dropped whatever it is, as far as that is known.
    fn drops_below(&self, parent: &Context) -> bool;
}

/// A tracer, and what is known of its provider's sampler.
struct Known<T> {
    tracer: T,
    foretold: Foretold,
}

impl<T> Known<T> {
    fn new(tracer: T) -> Self {
        Self { tracer, foretold: Foretold::default() }
    }
}

impl<T> Start for Known<T>
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn drops_below(&self, parent: &Context) -> bool {
        self.foretold.is_dropped_below(parent.span().span_context())
    }

    fn start(&self, builder: SpanBuilder, parent: &Context) -> Started {
        let is_known = self.foretold.is_known();
        if !is_known {
            foretold::listen();
        }
        let span = self.tracer.build_with_context(builder, parent);
        if !is_known {
            self.foretold.hear();
        }
        if span.is_recording() {
            return Started { context: parent.with_span(span), recording: true };
        }
        // a span that keeps nothing needs no box; its context must still travel
        let own = span.span_context();
        let parent_span = parent.span();
        let above = parent_span.span_context();
        let is_own = own.is_valid()
            && (own.span_id() != above.span_id() || own.trace_id() != above.trace_id());
        let context = match is_own {
            true => parent.with_remote_span_context(travelling(own, above)),
            // no provider, or one that was shut down: the trace goes on past it
            false => parent.clone(),
        };
        Started { context, recording: false }
    }
}

/// The context of a span that is not sampled. The SDK forgets the parent's flags then; the one that
/// says that the trace's ID is random (Trace Context level 2) belongs to the trace, and is kept.
fn travelling(own: &SpanContext, above: &SpanContext) -> SpanContext {
    let kept = match own.trace_id() == above.trace_id() {
        true => above.trace_flags() & RANDOM,
        false => TraceFlags::default(),
    };
    let flags = own.trace_flags() | kept;
    SpanContext::new(own.trace_id(), own.span_id(), flags, false, own.trace_state().clone())
}

impl Spans {
    /// Of the provider that is global when the first span is started.
    pub(crate) fn global() -> Self {
        Self { injected: None, global: Arc::default() }
    }

    /// Of this provider.
    pub(crate) fn of<P>(provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        Self {
            injected: Some(Arc::new(Known::new(provider.tracer_with_scope(scope())))),
            global: Arc::default(),
        }
    }

    #[inline]
    fn known(&self) -> Option<&dyn Start> {
        self.injected.as_ref().or_else(|| self.global.get()).map(AsRef::as_ref)
    }

    /// Whether nobody would see anything of a span below `parent`'s, as far as that is known.
    #[inline]
    pub(super) fn drops_below(&self, parent: &Context) -> bool {
        self.known().is_some_and(|tracer| tracer.drops_below(parent))
    }

    /// Starts a span as a child of `parent`'s.
    #[inline]
    pub(crate) fn start(&self, builder: SpanBuilder, parent: &Context) -> Started {
        match self.known() {
            Some(tracer) => tracer.start(builder, parent),
            None => self.start_global(builder, parent),
        }
    }

    /// Starts a span of the global provider, which is kept once it is one that makes spans.
    #[cold]
    fn start_global(&self, builder: SpanBuilder, parent: &Context) -> Started {
        let tracer: Arc<dyn Start> = Arc::new(Known::new(global::tracer_with_scope(scope())));
        let started = tracer.start(builder, parent);
        let span = started.context.span();
        let makes_spans = span.span_context().is_valid()
            && span.span_context().span_id() != parent.span().span_context().span_id();
        if makes_spans {
            let _ = self.global.set(tracer);
        }
        started
    }
}

impl Default for Spans {
    fn default() -> Self {
        Self::global()
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = if self.injected.is_some() { "injected" } else { "global" };
        f.debug_struct("Spans").field("provider", &provider).finish()
    }
}
