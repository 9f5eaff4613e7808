//! Tail keeping: what the head sampler turned away is held back until it is known to be uneventful.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::{ShouldSample, SpanProcessor};

use crate::clock::Clock;
use crate::config::ConfigError;

mod dropped;
mod processor;
mod sampler;
mod shelves;
#[cfg(test)]
mod tests;
mod trace;
mod traces;

pub use dropped::TailDropped;
pub use processor::TailProcessor;
pub use sampler::TailSampler;

use dropped::Counters;

/// The attribute of a span whose trace lost others to a bound.
const PARTIAL: &str = "tower_observability.trace.partial";

/// Exports every local trace that failed or was slow, whole, though the head sampler said no.
///
/// It is two parts that belong to one provider: a [sampler](Self::sampler), that has the spans
/// recorded which the head sampler drops, and a [processor](Self::processor), that holds them back
/// until their trace is decided. What the head sampler samples is exported as ever, at once.
///
/// # What a local trace is
///
/// The spans of one trace ID that this process makes, from the start of the first one to the moment
/// when none of them is open any more. That is a local root (a span without a parent, or with a
/// remote one), all that is under it, and children that outlive it. Local roots of the same trace
/// that overlap, as of two services in one process or of two concurrent requests, are one local
/// trace: kept together, or dropped together. One that starts when no other span of its trace is
/// open is a local trace of its own, judged on its own.
///
/// # What is kept
///
/// - A trace with a span whose status is an error, from the end of that span on: what was held
///   back is exported then, what ends later as it ends.
/// - A trace with a local root that lasted longer than [`slower_than`](Self::slower_than).
///
/// Any other is dropped when its last open span ends. A child that starts after that follows the
/// decision, for as long as it is remembered: the last [`max_spans`](Self::max_spans) decisions
/// are. Kept spans are handed on marked as sampled, for the SDK's processors drop all others.
///
/// The `traceparent` that leaves this process still says "not sampled", as the decision is not
/// known then. A downstream service decides for itself: only the local trace is whole.
///
/// # Bounds
///
/// Where a bound is met, the oldest trace that waits is given up: what it holds is let go, and
/// counted in [`dropped`](Self::dropped). If it fails or proves slow later, what is left of it is
/// exported. The spans of a trace that lost some have the attribute
/// `tower_observability.trace.partial` = `true`.
#[derive(Clone, Debug)]
pub struct TailKeeping {
    settings: Settings,
    dropped: Arc<Counters>,
}

#[derive(Clone, Debug)]
struct Settings {
    slower_than: Option<Duration>,
    max_spans: usize,
    max_spans_per_trace: usize,
    max_wait: Duration,
    clock: Clock,
}

impl Default for TailKeeping {
    fn default() -> Self {
        Self::new()
    }
}

impl TailKeeping {
    /// Keeps traces with an error, within the default bounds.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings {
            slower_than: None,
            max_spans: 16_384,
            max_spans_per_trace: 1_024,
            max_wait: Duration::from_secs(30),
            clock: Clock::system(),
        };
        Self { settings, dropped: Arc::default() }
    }

    /// Keeps traces too whose local root lasted longer than this.
    ///
    /// # Errors
    ///
    /// When `threshold` is zero.
    pub fn slower_than(mut self, threshold: Duration) -> Result<Self, ConfigError> {
        self.settings.slower_than = Some(some("tail_keeping.slower_than", threshold)?);
        Ok(self)
    }

    /// The most spans that are held back in all; 16 384 unless set. A trace of which no span has
    /// ended yet counts as one.
    ///
    /// A span with twelve attributes and no event takes about 1.4 KiB, so the default is about 22 MiB
    /// of such spans. As many decisions are remembered, and as many traces that are decided and
    /// still open, at about 340 bytes each: 11 MiB at worst.
    ///
    /// # Errors
    ///
    /// When `n` is zero.
    pub fn max_spans(mut self, n: usize) -> Result<Self, ConfigError> {
        self.settings.max_spans = positive("tail_keeping.max_spans", n)?;
        Ok(self)
    }

    /// The most spans that are held back of one trace; 1 024 unless set. Further ones are let go,
    /// but for local roots, which take the place of another span.
    ///
    /// # Errors
    ///
    /// When `n` is zero.
    pub fn max_spans_per_trace(mut self, n: usize) -> Result<Self, ConfigError> {
        self.settings.max_spans_per_trace = positive("tail_keeping.max_spans_per_trace", n)?;
        Ok(self)
    }

    /// The longest that a trace may wait, from its first span on; 30 seconds unless set. A trace
    /// that waits longer is kept if a local root of it has been open for longer than
    /// [`slower_than`](Self::slower_than), and given up if not.
    ///
    /// There is no timer: it is looked at whenever a span ends that the head sampler did not sample,
    /// and on flush and shutdown.
    ///
    /// # Errors
    ///
    /// When `wait` is zero.
    pub fn max_wait(mut self, wait: Duration) -> Result<Self, ConfigError> {
        self.settings.max_wait = some("tail_keeping.max_wait", wait)?;
        Ok(self)
    }

    /// The clock that waiting is measured with; the system's unless set. A span's own duration is
    /// the one that it is exported with.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// The sampler of the provider: what `head` samples stays sampled, and what it drops is
    /// recorded. Attributes and trace state are `head`'s.
    ///
    /// `head` should follow the parent, as [`Sampler::ParentBased`] does; then all of a local trace
    /// is sampled, or none.
    ///
    /// [`Sampler::ParentBased`]: opentelemetry_sdk::trace::Sampler::ParentBased
    pub fn sampler<S: ShouldSample>(&self, head: S) -> TailSampler<S> {
        TailSampler::new(head)
    }

    /// The processor of the provider, around the one that exports. `inner` is told of the start of
    /// every span, and of the end of those that are exported.
    ///
    /// A provider has one of these, in the place of `inner`; providers do not share traces.
    pub fn processor<P: SpanProcessor>(&self, inner: P) -> TailProcessor<P> {
        TailProcessor::new(self.settings.clone(), Arc::clone(&self.dropped), inner)
    }

    /// What the bounds have cost until now, over all processors of these settings and their clones.
    pub fn dropped(&self) -> TailDropped {
        self.dropped.read()
    }
}

fn some(field: &'static str, value: Duration) -> Result<Duration, ConfigError> {
    match value.is_zero() {
        true => Err(ConfigError::new(field, "0", "a duration above zero")),
        false => Ok(value),
    }
}

fn positive(field: &'static str, value: usize) -> Result<usize, ConfigError> {
    match value {
        0 => Err(ConfigError::new(field, "0", "a number above zero")),
        _ => Ok(value),
    }
}
