//! The OpenTelemetry SDK as each row uses it, and the caller whose trace goes on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};

use crate::measure::exchange::{Asked, Runner, browser};

const TRACE: TraceId =
    TraceId::from_bytes(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes());

/// The spans that went on with the caller's trace.
static CONTINUED: AtomicUsize = AtomicUsize::new(0);

/// Whether the caller's trace is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Sampled,
    Unsampled,
}

impl Caller {
    /// A traced caller's request to a server.
    pub(crate) fn asked(self) -> Asked {
        let mut asked = browser();
        asked.headers.insert("traceparent", HeaderValue::from_static(self.traceparent()));
        asked
    }

    /// Makes the caller's span the current one for good, as around a client.
    pub(crate) fn attach(self) {
        let flags = match self {
            Self::Sampled => TraceFlags::SAMPLED,
            Self::Unsampled => TraceFlags::NOT_SAMPLED,
        };
        let id = SpanId::from_bytes([7; 8]);
        let span = SpanContext::new(TRACE, id, flags, false, TraceState::NONE);
        std::mem::forget(Context::new().with_remote_span_context(span).attach());
    }

    /// Runs one exchange, to prove that it leaves the span that the row's name says.
    pub(crate) fn proven(self, mut exchange: Runner) -> Runner {
        exchange();
        let expected = usize::from(self == Self::Sampled);
        assert_eq!(CONTINUED.load(Ordering::Relaxed), expected, "the spans of a caller {self:?}");
        exchange
    }

    fn traceparent(self) -> &'static str {
        match self {
            Self::Sampled => "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            Self::Unsampled => "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        }
    }
}

/// Makes an SDK and this propagator the global ones.
pub(crate) fn install<P>(propagator: P) -> SdkTracerProvider
where
    P: TextMapPropagator + Send + Sync + 'static,
{
    let provider = SdkTracerProvider::builder().with_span_processor(Drops).build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(propagator);
    provider
}

#[derive(Debug)]
struct Drops;

impl SpanProcessor for Drops {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.trace_id() == TRACE {
            CONTINUED.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
