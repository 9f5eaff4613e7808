//! Which traces are kept at their start.

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

use crate::config::ConfigError;

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
        Ok(AnySampler(match self {
            Self::ParentBased(root) => Box::new(Sampler::ParentBased(Box::new(root.build()?))),
            Self::Alone(sampling) => Box::new(sampling.build()?),
            Self::Custom(sampler) => sampler,
        }))
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

/// Whichever sampler was chosen, as one type.
#[derive(Debug)]
pub(super) struct AnySampler(Box<dyn ShouldSample>);

impl Clone for AnySampler {
    fn clone(&self) -> Self {
        Self(self.0.box_clone())
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
        self.0.should_sample(parent_context, trace_id, name, span_kind, attributes, links)
    }
}
