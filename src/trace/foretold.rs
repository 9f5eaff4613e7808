//! What a sampler says of itself, so that nobody describes a span which it drops unseen.

use std::cell::Cell;
use std::sync::OnceLock;

use opentelemetry::trace::SpanContext;

/// The spans that a sampler drops whatever they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "telemetry"), expect(dead_code, reason = "no sampler of this crate"))]
pub(crate) enum Drops {
    /// Those below a span that is not sampled.
    BelowUnsampled,
    /// Those that are not below a sampled one.
    UnlessSampled,
}

thread_local! {
    /// What was said last, and how often something was.
    static SAID: Cell<(Option<Drops>, u32)> = const { Cell::new((None, 0)) };
}

/// Said by a provider's sampler each time that it is asked. The API lets nobody see a provider's
/// sampler: this is how one that this crate made is known again behind whatever stands around it.
#[cfg(feature = "telemetry")]
pub(crate) fn say(drops: Option<Drops>) {
    let (_, times) = SAID.get();
    SAID.set((drops, times.saturating_add(1)));
}

/// Forgets what any sampler said.
#[inline]
pub(super) fn listen() {
    SAID.set((None, 0));
}

/// What the sampler of one tracer said, once it did.
#[derive(Debug, Default)]
pub(super) struct Foretold(OnceLock<Drops>);

impl Foretold {
    #[inline]
    pub(super) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// Keeps what the sampler said since [`listen`]. Where several spoke, as one around another does, or that
    /// of a span which a processor started meanwhile, nobody knows whose word it is.
    #[inline]
    pub(super) fn hear(&self) {
        if let (Some(drops), 1) = SAID.take() {
            let _ = self.0.set(drops);
        }
    }

    /// Whether it is known that a span below this one is dropped, whatever it says.
    #[inline]
    pub(super) fn is_dropped_below(&self, parent: &SpanContext) -> bool {
        match self.0.get() {
            None => false,
            Some(Drops::BelowUnsampled) => parent.is_valid() && !parent.is_sampled(),
            Some(Drops::UnlessSampled) => !parent.is_sampled(),
        }
    }
}
