use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceId};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    IdGenerator, SdkTracerProvider, ShouldSample, Span, SpanData, SpanProcessor,
};

/// Keeps a [`SpanRecord`] of every span that a provider of its own is told of, when it ends.
/// Clones share what is kept.
///
/// IDs count from 1, so that a test can tell them.
///
/// ```
/// use http::Request;
/// use opentelemetry::trace::SpanKind;
/// use tower::{Layer, ServiceExt};
/// use tower_observability::testing::{Script, SpanRecorder};
/// use tower_observability::trace::TraceLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let spans = SpanRecorder::new();
/// let layer = TraceLayer::server().tracer_provider(spans.provider());
/// let service = layer.layer(Script::status(http::StatusCode::NOT_FOUND));
/// service.oneshot(Request::get("/users/7").body(()).unwrap()).await.unwrap();
///
/// let span = spans.only();
/// assert_eq!((span.name.as_str(), &span.kind), ("GET", &SpanKind::Server));
/// assert_eq!(span.attribute("http.response.status_code"), Some(&404.into()));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SpanRecorder {
    provider: SdkTracerProvider,
    kept: Kept,
}

type Kept = Arc<Mutex<Vec<SpanRecord>>>;

/// What was recorded of one span.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are OpenTelemetry's")]
pub struct SpanRecord {
    pub name: String,
    pub kind: SpanKind,
    pub trace_id: TraceId,
    pub span_id: SpanId,
    /// The parent, if there was one.
    pub parent: Option<SpanId>,
    /// Whether the parent is in another process.
    pub parent_is_remote: bool,
    pub start: SystemTime,
    pub duration: Duration,
    pub status: Status,
    /// Sorted by key; one that was set twice stands here twice.
    pub attributes: Vec<(String, Value)>,
    pub events: Vec<SpanEvent>,
    /// The trace and span that each link leads to.
    pub links: Vec<(TraceId, SpanId)>,
}

/// An event of a span.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are OpenTelemetry's")]
pub struct SpanEvent {
    pub name: String,
    /// Since the start of the span.
    pub after: Duration,
    pub attributes: BTreeMap<String, Value>,
}

impl SpanRecord {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    fn of(span: SpanData) -> Self {
        let since = |at: SystemTime| at.duration_since(span.start_time).unwrap_or_default();
        let plain = |one: &KeyValue| (one.key.as_str().to_owned(), one.value.clone());
        let mut attributes: Vec<_> = span.attributes.iter().map(plain).collect();
        attributes.sort_by(|(one, _), (other, _)| one.cmp(other));
        let event = |event: &opentelemetry::trace::Event| SpanEvent {
            name: event.name.clone().into_owned(),
            after: since(event.timestamp),
            attributes: event.attributes.iter().map(plain).collect(),
        };
        let ids = |context: &SpanContext| (context.trace_id(), context.span_id());
        Self {
            name: span.name.clone().into_owned(),
            kind: span.span_kind.clone(),
            trace_id: span.span_context.trace_id(),
            span_id: span.span_context.span_id(),
            parent: Some(span.parent_span_id).filter(|parent| *parent != SpanId::INVALID),
            parent_is_remote: span.parent_span_is_remote,
            start: span.start_time,
            duration: since(span.end_time),
            status: span.status.clone(),
            events: span.events.iter().map(event).collect(),
            links: span.links.iter().map(|link| ids(&link.span_context)).collect(),
            attributes,
        }
    }
}

impl SpanRecorder {
    /// Samples every span that a caller does not forbid.
    pub fn new() -> Self {
        use opentelemetry_sdk::trace::Sampler;

        Self::sampled_by(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
    }

    /// Samples by `sampler`.
    pub fn sampled_by(sampler: impl ShouldSample + 'static) -> Self {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_id_generator(Counted::default())
            .with_span_processor(Keep(Arc::clone(&kept)))
            .build();
        Self { provider, kept }
    }

    /// The provider whose spans are recorded.
    pub fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// Every span so far that has ended, in that order.
    pub fn spans(&self) -> Vec<SpanRecord> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one span.
    ///
    /// # Panics
    /// When there are none or several.
    #[track_caller]
    pub fn only(&self) -> SpanRecord {
        match <[SpanRecord; 1]>::try_from(self.spans()) {
            Ok([only]) => only,
            Err(spans) => {
                panic!("there is to be one span, but there are {}: {spans:#?}", spans.len())
            }
        }
    }
}

impl Default for SpanRecorder {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Keep(Kept);

impl SpanProcessor for Keep {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(SpanRecord::of(span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// IDs 1, 2, 3 …
#[derive(Debug, Default)]
struct Counted {
    traces: AtomicU64,
    spans: AtomicU64,
}

impl IdGenerator for Counted {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(u128::from(self.traces.fetch_add(1, Ordering::Relaxed)) + 1)
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
