//! Has what the head sampler drops recorded.

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use crate::trace::foretold;

/// A head sampler whose "drop" means "record only"; made by
/// [`TailKeeping::sampler`](super::TailKeeping::sampler).
#[derive(Clone, Debug)]
pub struct TailSampler<S> {
    head: S,
}

impl<S> TailSampler<S> {
    pub(super) fn new(head: S) -> Self {
        Self { head }
    }
}

impl<S: ShouldSample + Clone + 'static> ShouldSample for TailSampler<S> {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result =
            self.head.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
        // what the head drops is seen here
        foretold::say(None);
        let suppressed = parent_context.is_some_and(Context::is_telemetry_suppressed);
        if result.decision == SamplingDecision::Drop && !suppressed {
            result.decision = SamplingDecision::RecordOnly;
        }
        result
    }
}
