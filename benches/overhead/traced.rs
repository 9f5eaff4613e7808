//! The OpenTelemetry SDK as each row uses it, and the caller whose trace goes on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceId;
use opentelemetry::{Context, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};

use crate::exchange::{Asked, browser};

pub(crate) const TRACE: TraceId =
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

    /// Proves that an exchange left so many spans that go on with the caller's trace, none of an
    /// unsampled one.
    pub(crate) fn left(self, spans: usize) {
        let expected = if self == Self::Sampled { spans } else { 0 };
        assert_eq!(CONTINUED.load(Ordering::Relaxed), expected, "the spans of a caller {self:?}");
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

/// Drops spans, when it has counted those of the caller's trace.
#[derive(Debug)]
pub(crate) struct Drops;

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
