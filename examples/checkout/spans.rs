//! The spans that the script reads, kept in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SimpleSpanProcessor, SpanData, SpanExporter};
use tower_observability::id::TraceIdentity;

/// A span that has ended, and the service that its resource names.
#[derive(Clone, Debug)]
pub struct Ended {
    pub service: String,
    pub span: SpanData,
}

/// The spans of all services. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Spans(Arc<Mutex<Vec<Ended>>>);

impl Spans {
    /// Keeps the spans of one service.
    pub fn processor(&self) -> SimpleSpanProcessor<Exporter> {
        SimpleSpanProcessor::new(Exporter { service: String::new(), spans: self.clone() })
    }

    /// Those of some traces.
    pub fn of(&self, is_wanted: impl Fn(&SpanData) -> bool) -> Vec<Ended> {
        self.kept().iter().filter(|ended| is_wanted(&ended.span)).cloned().collect()
    }

    /// How long the span of an exchange took, if it has ended.
    pub fn duration(&self, identity: TraceIdentity) -> Option<Duration> {
        let (trace, id) = (TraceId::from(identity.trace_id()), SpanId::from(identity.span_id()));
        let kept = self.kept();
        let own = kept.iter().map(|ended| &ended.span).find(|span| {
            span.span_context.span_id() == id && span.span_context.trace_id() == trace
        })?;
        own.end_time.duration_since(own.start_time).ok()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Ended>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct Exporter {
    service: String,
    spans: Spans,
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let ended = batch.into_iter().map(|span| Ended { service: self.service.clone(), span });
        self.spans.kept().extend(ended);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        let name = resource.get(&"service.name".into());
        self.service = name.map(|name| name.to_string()).unwrap_or_default();
    }
}
