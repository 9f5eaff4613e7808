//! Holds spans back until their trace is decided.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{Span as _, SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::dropped::Counters;
use super::trace::{Start, is_root};
use super::traces::{Fate, Released, Traces};
use super::{PARTIAL, Settings};

/// A span processor around the one that exports; made by
/// [`TailKeeping::processor`](super::TailKeeping::processor).
///
/// What is handed to the inner processor is handed outside of any lock.
#[derive(Debug)]
pub struct TailProcessor<P> {
    inner: P,
    settings: Settings,
    dropped: Arc<Counters>,
    traces: Mutex<Traces>,
}

impl<P> TailProcessor<P> {
    pub(super) fn new(settings: Settings, dropped: Arc<Counters>, inner: P) -> Self {
        Self { inner, settings, dropped, traces: Mutex::default() }
    }

    pub(super) fn traces(&self) -> MutexGuard<'_, Traces> {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a span is enough to keep its trace.
    fn tells(&self, span: &SpanData) -> bool {
        let slow = |threshold| {
            let lasted = span.end_time.duration_since(span.start_time);
            is_root(span) && lasted.is_ok_and(|lasted| lasted > threshold)
        };
        matches!(span.status, Status::Error { .. }) || self.settings.slower_than.is_some_and(slow)
    }
}

impl<P: SpanProcessor> TailProcessor<P> {
    fn release(&self, released: Released) {
        for (fate, spans) in released {
            if let Fate::Export { partial } = fate {
                for span in spans {
                    self.inner.on_end(sampled(span, partial));
                }
            }
        }
    }
}

impl<P: SpanProcessor> SpanProcessor for TailProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
        let context = span.span_context();
        if context.is_sampled() {
            return;
        }
        let parent = cx.span();
        let parent = parent.span_context();
        let start = Start {
            trace: context.trace_id(),
            span: context.span_id(),
            is_root: !parent.is_valid() || parent.is_remote(),
            is_under_sampled: parent.is_sampled(),
        };
        let now = self.settings.clock.now();
        let released = self.traces().start(&self.settings, &self.dropped, &start, now);
        self.release(released);
    }

    fn on_end(&self, span: SpanData) {
        let tells = self.tells(&span);
        if span.span_context.is_sampled() {
            if tells {
                let released = self.traces().told(&self.settings, span.span_context.trace_id());
                self.release(released);
            }
            self.inner.on_end(span);
            return;
        }
        let now = self.settings.clock.now();
        let released = self.traces().end(&self.settings, &self.dropped, span, tells, now);
        self.release(released);
    }

    fn force_flush(&self) -> OTelSdkResult {
        let now = self.settings.clock.now();
        let released = self.traces().flush(&self.settings, &self.dropped, now);
        self.release(released);
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let now = self.settings.clock.now();
        let released = self.traces().finish(&self.settings, &self.dropped, now);
        self.release(released);
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The span as one that is exported: the SDK's processors drop what is not sampled.
fn sampled(mut span: SpanData, partial: bool) -> SpanData {
    let own = &span.span_context;
    span.span_context = SpanContext::new(
        own.trace_id(),
        own.span_id(),
        own.trace_flags().with_sampled(true),
        own.is_remote(),
        own.trace_state().clone(),
    );
    if partial {
        span.attributes.push(KeyValue::new(PARTIAL, true));
    }
    span
}
