//! How a trace travels: [W3C Trace Context], levels 1 and 2, and [W3C Baggage], read strictly.
//!
//! [`W3cPropagator`] is an OpenTelemetry
//! [`TextMapPropagator`] that anyone can use, with this crate's layers or without them:
//!
//! ```
//! use http::HeaderMap;
//! use opentelemetry::Context;
//! use opentelemetry::propagation::TextMapPropagator;
//! use opentelemetry::trace::TraceContextExt;
//! use tower_observability::trace::propagation::{HeaderExtractor, HeaderInjector, W3cPropagator};
//!
//! let mut received = HeaderMap::new();
//! let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
//! received.insert("traceparent", parent.parse().unwrap());
//! received.append("tracestate", "rojo=00f067aa0ba902b7".parse().unwrap());
//! received.append("tracestate", "congo@=t61rcWkgMzE".parse().unwrap());
//!
//! let propagator = W3cPropagator::new();
//! let context = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&received));
//! assert!(context.span().span_context().is_sampled());
//!
//! let mut sent = HeaderMap::new();
//! propagator.inject_context(&context, &mut HeaderInjector(&mut sent));
//! assert_eq!(sent["traceparent"], parent);
//! assert_eq!(sent["tracestate"], "rojo=00f067aa0ba902b7,congo@=t61rcWkgMzE");
//! ```
//!
//! For an [`http::HeaderMap`], [`W3cPropagator::extract_headers`] and
//! [`W3cPropagator::inject_headers`] do the same with fewer allocations.
//!
//! # What is read, and what is not
//!
//! | received | what becomes of it |
//! |---|---|
//! | `traceparent` of version `00` that is exactly 55 characters of the format | continued |
//! | a later version: the same 55 characters, then the end or `-` | continued, sent as `00` |
//! | version `ff`, upper-case digits, an ID of zeros, any other length | no parent |
//! | two `traceparent` headers, equal or not | no parent |
//! | flags other than sampled (`01`) and random trace ID (`02`) | not passed on |
//! | `tracestate` without a valid `traceparent` | ignored |
//! | several `tracestate` headers | combined in their order; empty ones and empty members skipped |
//! | a member that is not `key=value`, a value that is empty or over 256 bytes, a 33rd member | the whole `tracestate` discarded |
//! | a key twice | passed on as received; a sampler sees the first |
//! | `tracestate` of more than 8192 bytes | members over 128 bytes dropped, the last ones first |
//! | several `baggage` headers | combined in their order |
//! | a `baggage` header that is not ASCII | ignored, the other headers kept |
//! | a `baggage` member that is malformed, a 65th, or beyond 8192 bytes in all | dropped, the others kept |
//!
//! Where the levels differ, level 2 rules: a `tracestate` key is up to 256 of `a-z0-9_-*/@`, begins
//! with a letter or a digit, and `@` means nothing special in it.
//!
//! OpenTelemetry's own [`TraceState`](opentelemetry::trace::TraceState) refuses some keys of level
//! 2, and its SDK forgets the random flag on spans that are not sampled. So what was received
//! travels beside the span in the [`Context`]: as long as nobody changed the span's `TraceState`, it
//! is sent as it came, and neither it nor the flag is ever sent with another trace's ID.
//!
//! [W3C Trace Context]: https://www.w3.org/TR/trace-context-2/
//! [W3C Baggage]: https://www.w3.org/TR/baggage/

use std::sync::LazyLock;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

mod baggage;
mod carrier;
mod named;
mod trace_context;
mod traceparent;
mod tracestate;

#[cfg(test)]
mod tests;

pub use baggage::BaggagePropagator;
pub use carrier::{HeaderExtractor, HeaderInjector};
pub(super) use named::Named;
pub use trace_context::TraceContextPropagator;
pub(crate) use trace_context::traceparent;
pub(crate) use traceparent::RANDOM;

/// The headers that are read and sent.
pub(crate) const HEADERS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// The optional whitespace of RFC 9110, section 5.6.3.
const OWS: [char; 2] = [' ', '\t'];

/// Passes on the trace and the baggage, as W3C Trace Context (levels 1 and 2) and W3C Baggage say.
///
/// By default both; [`TraceContextPropagator`] and [`BaggagePropagator`] are its two parts.
#[derive(Clone, Debug)]
pub struct W3cPropagator {
    trace: Option<TraceContextPropagator>,
    baggage: Option<BaggagePropagator>,
}

impl W3cPropagator {
    /// Both parts.
    pub fn new() -> Self {
        Self { trace: Some(TraceContextPropagator::new()), baggage: Some(BaggagePropagator::new()) }
    }

    /// Neither reads nor sends a trace.
    #[must_use]
    pub fn without_trace_context(self) -> Self {
        Self { trace: None, ..self }
    }

    /// Neither reads nor sends baggage.
    #[must_use]
    pub fn without_baggage(self) -> Self {
        Self { baggage: None, ..self }
    }

    /// `parent` with what `headers` say; the same as
    /// [`extract_with_context`](TextMapPropagator::extract_with_context) with a
    /// [`HeaderExtractor`].
    ///
    /// A valid `traceparent` alone costs one allocation.
    pub fn extract_headers(&self, parent: &Context, headers: &HeaderMap) -> Context {
        self.extract_named(parent, headers, &Named::among(headers))
    }

    /// As [`extract_headers`](Self::extract_headers), with what is known of their names.
    #[inline]
    pub(super) fn extract_named(
        &self,
        parent: &Context,
        headers: &HeaderMap,
        named: &Named<'_>,
    ) -> Context {
        let trace = self.trace.as_ref().and_then(|part| part.read_headers(parent, headers, named));
        let baggage = self.baggage.as_ref().filter(|_| named.has_baggage);
        let below = trace.as_ref().unwrap_or(parent);
        let both = baggage.and_then(|part| part.read_headers(below, headers));
        both.or(trace).unwrap_or_else(|| parent.clone())
    }

    /// Adds what `context` says to `headers`; the same as
    /// [`inject_context`](TextMapPropagator::inject_context) with a [`HeaderInjector`].
    ///
    /// A `traceparent` alone costs one allocation, and what the map needs to hold it.
    pub fn inject_headers(&self, context: &Context, headers: &mut HeaderMap) {
        if let Some(trace) = &self.trace {
            trace.inject_headers(context, headers);
        }
        if let Some(baggage) = &self.baggage {
            baggage.inject_headers(context, headers);
        }
    }
}

impl Default for W3cPropagator {
    fn default() -> Self {
        Self::new()
    }
}

impl TextMapPropagator for W3cPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if let Some(trace) = &self.trace {
            trace.inject_context(cx, injector);
        }
        if let Some(baggage) = &self.baggage {
            baggage.inject_context(cx, injector);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let trace = self.trace.as_ref().map(|part| part.extract_with_context(cx, extractor));
        let trace = trace.unwrap_or_else(|| cx.clone());
        match &self.baggage {
            Some(baggage) => baggage.extract_with_context(&trace, extractor),
            None => trace,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: LazyLock<[String; 3]> = LazyLock::new(|| HEADERS.map(String::from));
        let fields: &[String] = match (&self.trace, &self.baggage) {
            (Some(_), Some(_)) => &*FIELDS,
            (Some(_), None) => &FIELDS[..2],
            (None, Some(_)) => &FIELDS[2..],
            (None, None) => &[],
        };
        FieldIter::new(fields)
    }
}
