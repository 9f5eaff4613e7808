//! Which traces are kept at their start.

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

use crate::config::ConfigError;
use crate::trace::foretold::{self, Drops};

/// Which of the traces that start here are sampled.
///
/// A span whose caller sent a trace context follows the caller's decision.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sampling {
    /// All; the default.
    #[default]
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This share of them, from 0 to 1, chosen by trace ID.
    Ratio(f64),
}

/// A sampler as it was chosen.
#[derive(Debug)]
pub(super) enum Choice {
    /// Follows the parent; its own choice where there is none.
    ParentBased(Sampling),
    /// Its own choice for every span.
    Alone(Sampling),
    Custom(Box<dyn ShouldSample>),
}

impl Choice {
    /// The sampler, or why it cannot be had.
    pub(super) fn build(self) -> Result<AnySampler, ConfigError> {
        let drops = self.drops();
        let sampler = match self {
            Self::ParentBased(root) => Box::new(Sampler::ParentBased(Box::new(root.build()?))),
            Self::Alone(sampling) => Box::new(sampling.build()?),
            Self::Custom(sampler) => sampler,
        };
        Ok(AnySampler { sampler, drops })
    }

    /// Which spans it drops whatever they say.
    fn drops(&self) -> Option<Drops> {
        match self {
            Self::ParentBased(Sampling::AlwaysOff) | Self::Alone(Sampling::AlwaysOff) => {
                Some(Drops::UnlessSampled)
            }
            Self::ParentBased(_) => Some(Drops::BelowUnsampled),
            Self::Alone(_) | Self::Custom(_) => None,
        }
    }
}

impl Sampling {
    fn build(self) -> Result<Sampler, ConfigError> {
        match self {
            Self::AlwaysOn => Ok(Sampler::AlwaysOn),
            Self::AlwaysOff => Ok(Sampler::AlwaysOff),
            Self::Ratio(ratio) if (0.0..=1.0).contains(&ratio) => {
                Ok(Sampler::TraceIdRatioBased(ratio))
            }
            Self::Ratio(ratio) => {
                let allowed = "a ratio from 0 to 1";
                Err(ConfigError::new("telemetry.sampling", ratio.to_string(), allowed))
            }
        }
    }
}

/// Whichever sampler was chosen, as one type, which says what is known of it beforehand.
#[derive(Debug)]
pub(super) struct AnySampler {
    sampler: Box<dyn ShouldSample>,
    drops: Option<Drops>,
}

impl Clone for AnySampler {
    fn clone(&self) -> Self {
        Self { sampler: self.sampler.box_clone(), drops: self.drops }
    }
}

impl ShouldSample for AnySampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result = self.sampler.should_sample(
            parent_context,
            trace_id,
            name,
            span_kind,
            attributes,
            links,
        );
        foretold::say(self.drops);
        result
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::{Request, Response};
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{
        SpanBuilder, SpanContext, TraceContextExt, TraceFlags, Tracer, TracerProvider,
    };
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider};
    use tower::{Layer, ServiceExt, service_fn};

    use super::*;
    use crate::trace::TraceLayer;
    use crate::trace::processor::TailKeeping;
    use crate::trace::propagation::W3cPropagator;

    async fn answer(_: Request<()>) -> Result<Response<String>, Infallible> {
        Ok(Response::new(String::new()))
    }

    /// How often a request is described, of four with each of these flags, or without a caller's trace.
    async fn described(sampler: impl ShouldSample + 'static) -> [usize; 3] {
        let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
        let times = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        let layer = TraceLayer::server()
            .tracer_provider(&provider)
            .propagator(W3cPropagator::new())
            .start_attributes(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                Vec::new()
            });
        let service = layer.layer(service_fn(answer));
        let mut all = [0; 3];
        for (described, flags) in all.iter_mut().zip([Some("00"), Some("01"), None]) {
            for _ in 0..4 {
                let mut request = Request::new(());
                if let Some(flags) = flags {
                    let caller = format!("00-{:032x}-{:016x}-{flags}", 7, 8);
                    request.headers_mut().insert("traceparent", caller.parse().unwrap());
                }
                service.clone().oneshot(request).await.unwrap();
            }
            *described = times.swap(0, Ordering::Relaxed);
        }
        all
    }

    #[tokio::test]
    async fn what_a_sampler_drops_for_sure_is_described_once() {
        let built = |choice: Choice| choice.build().unwrap();
        let half = Choice::ParentBased(Sampling::Ratio(0.5));
        assert_eq!(described(built(half)).await, [1, 4, 4]);
        assert_eq!(described(built(Choice::ParentBased(Sampling::AlwaysOff))).await, [1, 4, 0]);
        assert_eq!(described(built(Choice::Alone(Sampling::AlwaysOff))).await, [1, 4, 0]);
    }

    /// Hands on a sampled parent to a provider, from its second span on.
    #[derive(Clone)]
    struct Resampling(SdkTracer, Arc<AtomicUsize>);

    impl TracerProvider for Resampling {
        type Tracer = Self;

        fn tracer_with_scope(&self, _: InstrumentationScope) -> Self {
            self.clone()
        }
    }

    impl Tracer for Resampling {
        type Span = <SdkTracer as Tracer>::Span;

        fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Self::Span {
            let flags = match self.1.fetch_add(1, Ordering::Relaxed) {
                0 => TraceFlags::NOT_SAMPLED,
                _ => TraceFlags::SAMPLED,
            };
            let above = parent.span().span_context().clone();
            let (trace, state) = (above.trace_id(), above.trace_state().clone());
            let above = SpanContext::new(trace, above.span_id(), flags, true, state);
            self.0.build_with_context(builder, &parent.with_remote_span_context(above))
        }
    }

    #[tokio::test]
    async fn what_is_kept_against_all_expectation_says_as_much() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .with_sampler(Choice::ParentBased(Sampling::AlwaysOn).build().unwrap())
            .build();
        let resampling = Resampling(provider.tracer("resampling"), Arc::default());
        let layer = TraceLayer::server().tracer_provider(&resampling);
        let service = layer.propagator(W3cPropagator::new()).layer(service_fn(answer));
        for _ in 0..2 {
            let caller = format!("00-{:032x}-{:016x}-00", 7, 8);
            let request = Request::get("/users").header("traceparent", caller).body(());
            service.clone().oneshot(request.unwrap()).await.unwrap();
        }
        let spans = exporter.get_finished_spans().unwrap();
        let [span] = &spans[..] else { panic!("{spans:?}") };
        let path = KeyValue::new("url.path", "/users");
        assert_eq!((&*span.name, span.attributes.contains(&path)), ("GET", true));
    }

    #[tokio::test]
    async fn what_may_be_kept_is_always_described() {
        let built = |choice: Choice| choice.build().unwrap();
        assert_eq!(described(built(Choice::Alone(Sampling::AlwaysOn))).await, [4; 3]);
        let custom = Choice::Custom(Box::new(Sampler::AlwaysOff));
        assert_eq!(described(built(custom)).await, [4; 3]);
        let followed = built(Choice::ParentBased(Sampling::AlwaysOn));
        let keeping = TailKeeping::new();
        assert_eq!(described(keeping.sampler(followed)).await, [4; 3]);
        // nobody says anything
        assert_eq!(described(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))).await, [4; 3]);
    }
}
