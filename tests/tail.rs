//! Tail keeping under load: of many traces that the head sampler dropped, exactly those that failed
//! or were slow are exported, whole.
#![cfg(all(feature = "telemetry", feature = "testing"))]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer, TracerProvider,
};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, SimpleSpanProcessor, Span,
};
use tower_observability::testing::ManualClock;
use tower_observability::trace::processor::{SpanRedaction, TailDropped, TailKeeping};

const TRACES: usize = 10_000;
const THREADS: usize = 4;
/// Traces that each thread has open at once.
const WINDOW: usize = 16;
const SECOND: Duration = Duration::from_secs(1);

type Spans = BTreeMap<[u8; 16], BTreeSet<[u8; 8]>>;

struct Request {
    number: usize,
    root: Span,
    open: Vec<Span>,
    ids: (TraceId, Vec<SpanId>),
}

impl Request {
    fn fails(&self) -> bool {
        self.number % 100 == 17
    }

    fn is_slow(&self) -> bool {
        self.number % 100 == 71
    }

    /// A root and four spans under it, two of which end here. Half of the roots have a parent in
    /// another process.
    fn start(tracer: &SdkTracer, number: usize) -> Self {
        let caller = match number % 2 {
            0 => Context::new(),
            _ => Context::new().with_remote_span_context(SpanContext::new(
                TraceId::from(number as u128),
                SpanId::from(1),
                TraceFlags::default(),
                true,
                TraceState::default(),
            )),
        };
        let start = |name: &'static str, parent: &Context| {
            let builder = tracer.span_builder(name).with_start_time(SystemTime::UNIX_EPOCH);
            tracer.build_with_context(builder, parent)
        };
        let under =
            |span: &Span| Context::new().with_remote_span_context(span.span_context().clone());
        let root = start("root", &caller);
        let child = start("child", &under(&root));
        let grandchild = start("grandchild", &under(&child));
        let open = vec![start("open", &under(&root)), start("late", &under(&grandchild))];
        let trace = root.span_context().trace_id();
        let spans = [&root, &child, &grandchild].into_iter().chain(&open);
        let spans = spans.map(|span| span.span_context().span_id()).collect();
        Self { number, root, open, ids: (trace, spans) }
    }

    /// Ends the root, and hands on what ends after it.
    fn end(mut self) -> (Vec<Span>, bool) {
        let lasted = if self.is_slow() { SECOND + Duration::from_millis(1) } else { SECOND };
        self.root.end_with_timestamp(SystemTime::UNIX_EPOCH + lasted);
        let fails = self.fails();
        (self.open, fails)
    }
}

#[test]
fn of_ten_thousand_traces_exactly_the_failed_and_the_slow_are_exported_whole() {
    let time = ManualClock::new();
    let keeping = TailKeeping::new().slower_than(SECOND).unwrap().clock(time.clock());
    let exporter = InMemorySpanExporter::default();
    let export = SpanRedaction::new().processor(SimpleSpanProcessor::new(exporter.clone()));
    let head = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.0)));
    let provider = SdkTracerProvider::builder()
        .with_sampler(keeping.sampler(head))
        .with_span_processor(keeping.processor(export))
        .build();

    let expected = Mutex::new(Spans::new());
    thread::scope(|scope| {
        // what outlives its root ends on another thread
        let (late, ends) = mpsc::sync_channel::<(Vec<Span>, bool)>(64);
        scope.spawn(move || {
            for (open, fails) in ends {
                for (at, mut span) in open.into_iter().enumerate() {
                    if fails && at == 1 {
                        span.set_status(Status::error("late"));
                    }
                    span.end();
                }
            }
        });
        for first in 0..THREADS {
            let (late, time, expected) = (late.clone(), time.clone(), &expected);
            let tracer = provider.tracer("test");
            scope.spawn(move || {
                let mut window = Vec::new();
                for number in (first..TRACES).step_by(THREADS) {
                    let request = Request::start(&tracer, number);
                    if request.fails() || request.is_slow() {
                        let (trace, spans) = &request.ids;
                        let spans = spans.iter().map(|id| id.to_bytes()).collect();
                        expected.lock().unwrap().insert(trace.to_bytes(), spans);
                    }
                    window.push(request);
                    time.advance(Duration::from_micros(10));
                    if window.len() == WINDOW {
                        late.send(window.swap_remove(number % WINDOW).end()).unwrap();
                    }
                }
                for request in window {
                    late.send(request.end()).unwrap();
                }
            });
        }
    });
    provider.force_flush().unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let mut exported = Spans::new();
    for span in &spans {
        let context = &span.span_context;
        assert!(context.is_sampled());
        let of_trace = exported.entry(context.trace_id().to_bytes()).or_default();
        assert!(of_trace.insert(context.span_id().to_bytes()), "exported twice");
        assert_eq!(span.attributes, []);
    }
    let expected = expected.into_inner().unwrap();
    assert_eq!(expected.len(), 200);
    assert_eq!(spans.len(), 1_000);
    assert_eq!(exported, expected);
    assert_eq!(keeping.dropped(), TailDropped::default());
}
