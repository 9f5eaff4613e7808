//! W3C Trace Context: both headers together.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceId, TraceState};

use super::carrier::{put, text};
use super::named::Named;
use super::traceparent::Traceparent;
use super::tracestate::{Members, is_pair};

pub(super) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Passes on the trace, as [W3C Trace Context](https://www.w3.org/TR/trace-context-2/) says, levels
/// 1 and 2.
#[derive(Clone, Debug, Default)]
pub struct TraceContextPropagator {
    _private: (),
}

/// What was received of a trace and no span holds.
#[derive(Debug)]
struct Received {
    /// Of which trace; what a span of another one sends has nothing to do with this.
    trace_id: TraceId,
    random: bool,
    tracestate: Option<HeaderValue>,
    /// What the remote span's context was given of the `tracestate`.
    state: TraceState,
}

/// The `traceparent` of a span; a `traceresponse` has the same format. None if it is not valid.
pub(crate) fn traceparent(span: &SpanContext) -> Option<HeaderValue> {
    Traceparent::of(span, false)?.header()
}

/// What is sent.
struct Outgoing {
    traceparent: Traceparent,
    tracestate: Option<HeaderValue>,
}

impl TraceContextPropagator {
    /// A new propagator.
    pub fn new() -> Self {
        Self::default()
    }

    /// `parent` with the trace that `headers` name; the same as
    /// [`extract_with_context`](TextMapPropagator::extract_with_context) with a
    /// [`HeaderExtractor`](super::HeaderExtractor).
    pub fn extract_headers(&self, parent: &Context, headers: &HeaderMap) -> Context {
        let named = Named::among(headers);
        self.read_headers(parent, headers, &named).unwrap_or_else(|| parent.clone())
    }

    /// Adds the trace of `context` to `headers`; the same as
    /// [`inject_context`](TextMapPropagator::inject_context) with a
    /// [`HeaderInjector`](super::HeaderInjector).
    ///
    /// Without a valid span, the headers stay as they are.
    pub fn inject_headers(&self, context: &Context, headers: &mut HeaderMap) {
        let Some(outgoing) = Outgoing::of(context) else { return };
        if let Some(value) = outgoing.traceparent.header() {
            put(headers, &TRACEPARENT, value);
        }
        if let Some(value) = outgoing.tracestate {
            put(headers, &TRACESTATE, value);
        }
    }

    #[inline]
    pub(super) fn read_headers(
        &self,
        parent: &Context,
        headers: &HeaderMap,
        named: &Named<'_>,
    ) -> Option<Context> {
        let traceparent = named.traceparent.filter(|_| !named.is_repeated)?;
        let traceparent = Traceparent::parse(traceparent.as_bytes())?;
        let members = if named.has_tracestate {
            Members::parse(headers.get_all(&TRACESTATE).iter().map(text))
        } else {
            None
        };
        Some(below(parent, traceparent, members))
    }
}

impl TextMapPropagator for TraceContextPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let Some(outgoing) = Outgoing::of(cx) else { return };
        injector.set(TRACEPARENT.as_str(), outgoing.traceparent.text());
        if let Some(Ok(value)) = outgoing.tracestate.as_ref().map(HeaderValue::to_str) {
            injector.set(TRACESTATE.as_str(), value.to_owned());
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let all = |name: &HeaderName| extractor.get_all(name.as_str()).unwrap_or_default();
        let traceparent = match all(&TRACEPARENT)[..] {
            [only] => Traceparent::parse(only.as_bytes()),
            _ => None,
        };
        match traceparent {
            Some(read) => below(cx, read, Members::parse(all(&TRACESTATE).into_iter())),
            None => cx.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: LazyLock<[String; 2]> =
            LazyLock::new(|| ["traceparent", "tracestate"].map(String::from));
        FieldIter::new(&*FIELDS)
    }
}

/// `parent` with the trace that the headers name.
#[inline]
fn below(parent: &Context, first: Traceparent, tracestate: Option<Members<'_>>) -> Context {
    let (tracestate, state) = match tracestate {
        Some(members) => (members.header(), members.state()),
        None => (None, TraceState::NONE),
    };

    // most requests bring nothing but a traceparent, which the span's context holds
    let beside = first.random() || tracestate.is_some() || parent.get::<Received>().is_some();
    let received = beside.then(|| Received {
        trace_id: first.trace_id,
        random: first.random(),
        tracestate,
        state: state.clone(),
    });
    let context = parent.with_remote_span_context(first.span_context(state));
    match received {
        Some(received) => context.with_value(received),
        None => context,
    }
}

impl Outgoing {
    fn of(context: &Context) -> Option<Self> {
        let span = context.span();
        let span = span.span_context();
        let received = context.get::<Received>().filter(|it| it.trace_id == span.trace_id());
        let tracestate = match received {
            Some(received) if received.state == *span.trace_state() => received.tracestate.clone(),
            _ => changed(span.trace_state(), received),
        };
        let random = received.is_some_and(|it| it.random);
        Some(Self { traceparent: Traceparent::of(span, random)?, tracestate })
    }
}

/// What somebody made of the `TraceState`, followed by what that type could not hold.
fn changed(state: &TraceState, received: Option<&Received>) -> Option<HeaderValue> {
    // a sampler clears it by leaving nothing
    if *state == TraceState::NONE {
        return None;
    }
    let own: Vec<_> = state
        .into_iter()
        .filter(|(key, value)| is_pair(key, value))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let came = received.and_then(|it| it.tracestate.as_ref()).map(text);
    let before = Members::parse(came.into_iter()).unwrap_or(Members::new());
    let missing = |key: &str| {
        let held = received.and_then(|it| it.state.get(key));
        held.is_none() && state.get(key).is_none()
    };

    let mut members = Members::new();
    let left = before.keyed().filter(|(key, _)| missing(key)).map(|(_, member)| member);
    for member in own.iter().map(String::as_str).chain(left) {
        // what is beyond the limit is the oldest
        if members.push(member).is_none() {
            break;
        }
    }
    members.header()
}
