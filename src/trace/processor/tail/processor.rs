//! Holds spans back until their trace is decided.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::Settings;
use super::dropped::Counters;
use super::traces::Traces;

/// A span processor around the one that exports; made by
/// [`TailKeeping::processor`](super::TailKeeping::processor).
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
}

impl<P: SpanProcessor> SpanProcessor for TailProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
