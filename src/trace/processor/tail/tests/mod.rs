use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, ShouldSample, SimpleSpanProcessor,
    Span, SpanData, SpanExporter, SpanProcessor,
};

use super::traces::Sizes;
use super::{TailDropped, TailKeeping, TailProcessor};
use crate::clock::{Clock, TimeSource};

mod bounds;
mod decisions;
mod properties;
mod settings;

const SECOND: Duration = Duration::from_secs(1);

/// Time that passes only when a test says so; this room is built without the feature `testing` too.
#[derive(Clone, Debug)]
struct Time(Arc<std::sync::Mutex<std::time::Instant>>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(std::sync::Mutex::new(std::time::Instant::now())))
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl TimeSource for Time {
    fn now(&self) -> std::time::Instant {
        *self.0.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// The processor, when the provider has it too.
#[derive(Clone, Debug)]
struct Shared<P>(Arc<P>);

impl<P: SpanProcessor> SpanProcessor for Shared<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.0.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
}

/// The SDK's exporter in memory, that remembers beyond a shutdown.
#[derive(Debug)]
struct Out(InMemorySpanExporter);

impl SpanExporter for Out {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.export(batch).await
    }
}

type Processor = TailProcessor<SimpleSpanProcessor<Out>>;

/// A provider with tail keeping, whose head sampler follows the parent and drops new traces.
struct Kit {
    keeping: TailKeeping,
    time: Time,
    exporter: InMemorySpanExporter,
    processor: Arc<Processor>,
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Kit {
    fn new(keeping: TailKeeping) -> Self {
        Self::with_head(keeping, Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
    }

    fn with_head(keeping: TailKeeping, head: impl ShouldSample + Clone + 'static) -> Self {
        let time = Time::new();
        let keeping = keeping.clock(Clock::new(time.clone()));
        let exporter = InMemorySpanExporter::default();
        let processor =
            Arc::new(keeping.processor(SimpleSpanProcessor::new(Out(exporter.clone()))));
        let provider = SdkTracerProvider::builder()
            .with_sampler(keeping.sampler(head))
            .with_span_processor(Shared(Arc::clone(&processor)))
            .build();
        let tracer = provider.tracer("test");
        Self { keeping, time, exporter, processor, provider, tracer }
    }

    /// A local root that starts at the epoch.
    fn root(&self, trace: u128, name: &'static str) -> Span {
        self.under(&remote(trace, false), name)
    }

    fn child(&self, parent: &Span, name: &'static str) -> Span {
        self.under(&local(parent.span_context()), name)
    }

    fn under(&self, parent: &Context, name: &'static str) -> Span {
        let builder = self.tracer.span_builder(name).with_start_time(SystemTime::UNIX_EPOCH);
        self.tracer.build_with_context(builder, parent)
    }

    /// The names of the exported spans, as they were exported; a `~` marks those of partial traces.
    fn exported(&self) -> Vec<String> {
        let spans = self.exporter.get_finished_spans().unwrap();
        spans
            .iter()
            .map(|span| {
                assert!(span.span_context.is_sampled());
                let mark = KeyValue::new("tower_observability.trace.partial", true);
                let mark = if span.attributes.contains(&mark) { "~" } else { "" };
                format!("{mark}{}", span.name)
            })
            .collect()
    }

    fn sizes(&self) -> Sizes {
        self.processor.traces().sizes()
    }
}

/// The context of a parent in another process.
fn remote(trace: u128, sampled: bool) -> Context {
    let flags = TraceFlags::default().with_sampled(sampled);
    let parent = SpanContext::new(
        TraceId::from(trace),
        SpanId::from(0xabc),
        flags,
        true,
        TraceState::default(),
    );
    Context::new().with_remote_span_context(parent)
}

/// The context of a parent in this process.
fn local(parent: &SpanContext) -> Context {
    Context::new().with_remote_span_context(parent.clone())
}

fn end(mut span: Span) {
    span.end_with_timestamp(SystemTime::UNIX_EPOCH);
}

fn end_after(mut span: Span, lasted: Duration) {
    span.end_with_timestamp(SystemTime::UNIX_EPOCH + lasted);
}

fn fail(mut span: Span) {
    span.set_status(Status::error("test"));
    end(span);
}

fn dropped(traces_evicted: u64, traces_expired: u64, spans: u64) -> TailDropped {
    TailDropped { traces_evicted, traces_expired, spans }
}

/// An inner processor that makes spans of its own is not locked out.
#[test]
fn the_inner_processor_may_start_and_end_spans() {
    #[derive(Debug)]
    struct Reentrant(Arc<OnceLock<SdkTracer>>, SimpleSpanProcessor<InMemorySpanExporter>);
    impl SpanProcessor for Reentrant {
        fn on_start(&self, _: &mut Span, _: &Context) {}
        fn on_end(&self, span: SpanData) {
            if span.name != "own" {
                fail(self.0.get().unwrap().start_with_context("own", &Context::new()));
            }
            self.1.on_end(span);
        }
        fn force_flush(&self) -> OTelSdkResult {
            self.1.force_flush()
        }
        fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
            self.1.shutdown_with_timeout(timeout)
        }
    }
    let (keeping, exporter) = (TailKeeping::new(), InMemorySpanExporter::default());
    let tracer = Arc::new(OnceLock::new());
    let inner = Reentrant(Arc::clone(&tracer), SimpleSpanProcessor::new(exporter.clone()));
    let provider = SdkTracerProvider::builder()
        .with_sampler(keeping.sampler(Sampler::AlwaysOff))
        .with_span_processor(keeping.processor(inner))
        .build();
    let tracer = tracer.get_or_init(|| provider.tracer("test"));
    fail(tracer.start_with_context("asked", &Context::new()));
    let names: Vec<_> =
        exporter.get_finished_spans().unwrap().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["own", "asked"]);
}
