//! Whole spans, as an exporter gets them.

mod conventions;
mod endings;
mod isolation;
#[cfg(feature = "metrics")]
mod metrics;
mod nesting;
mod sampling;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::{
    IdGenerator, InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData, SpanEvents, SpanLinks,
    TracerProviderBuilder,
};

use super::Operations;
use crate::testing::ManualClock;

/// Operations, a clock that stands still, and what was exported; IDs count from 1.
struct Bench {
    operations: Operations,
    provider: SdkTracerProvider,
    clock: ManualClock,
    exporter: InMemorySpanExporter,
    /// Where the operations are measured.
    #[cfg(feature = "metrics")]
    registry: prometheus::Registry,
}

impl Bench {
    fn new() -> Self {
        Self::with(|provider| provider)
    }

    fn with(set: impl FnOnce(TracerProviderBuilder) -> TracerProviderBuilder) -> Self {
        let exporter = InMemorySpanExporter::default();
        let builder = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_id_generator(Numbers::default())
            .with_simple_exporter(exporter.clone());
        let provider = set(builder).build();
        let clock = ManualClock::new();
        let operations = Operations::new().tracer_provider(&provider).clock(clock.clock());
        #[cfg(feature = "metrics")]
        let (operations, registry) = metrics::measured(operations);
        Self {
            operations,
            provider,
            clock,
            exporter,
            #[cfg(feature = "metrics")]
            registry,
        }
    }

    fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    /// The one span that ended, with which the metrics agree.
    fn only(&self) -> SpanData {
        let [span] = <[_; 1]>::try_from(self.spans()).unwrap();
        #[cfg(feature = "metrics")]
        metrics::agree(&self.registry, &span);
        span
    }

    fn advance(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }
}

#[derive(Debug, Default)]
struct Numbers {
    traces: AtomicU64,
    spans: AtomicU64,
}

impl IdGenerator for Numbers {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(u128::from(self.traces.fetch_add(1, Ordering::Relaxed) + 1))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// A root span, the first of its trace, that took no time.
fn span(name: &'static str, span_kind: SpanKind, attributes: Vec<KeyValue>) -> SpanData {
    SpanData {
        span_context: context(1, 1),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind,
        name: name.into(),
        start_time: at(0),
        end_time: at(0),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: crate::trace::tracer::scope(),
    }
}

fn context(trace: u128, span: u64) -> SpanContext {
    let (trace, span) = (TraceId::from(trace), SpanId::from(span));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}

/// So many milliseconds after the clock's start.
fn at(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + ManualClock::START + Duration::from_millis(milliseconds)
}

fn text(key: &'static str, value: &'static str) -> KeyValue {
    KeyValue::new(key, value)
}

fn number(key: &'static str, value: i64) -> KeyValue {
    KeyValue::new(key, Value::I64(value))
}
