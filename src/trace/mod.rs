//! A span for each exchange, and one unbroken trace across processes.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_observability::trace::TraceLayer;
//! use tower_observability::trace::propagation::W3cPropagator;
//! # use opentelemetry_sdk::trace::SdkTracerProvider;
//! # let provider = SdkTracerProvider::builder().build();
//!
//! // the provider and the propagator may be left out: the global ones are used then
//! let layer = TraceLayer::server().tracer_provider(&provider).propagator(W3cPropagator::new());
//! let app: Router = Router::new().route("/users/{id}", get(|| async { "ada" })).layer(layer);
//! ```
//!
//! A server's layer reads `traceparent`, starts a SERVER span as a child of the caller's, keeps it
//! current in OpenTelemetry's [`Context`] while the handler and its
//! response body run and while they are dropped, and ends it when the body has ended. A client's
//! layer starts a CLIENT span for each attempt and writes `traceparent`. gRPC is recognised by its
//! content type. One exchange has one span, however many of these layers it passes.
//!
//! # What a span says
//!
//! Names and attributes follow OpenTelemetry's
//! [semantic conventions](https://opentelemetry.io/docs/specs/semconv/), version 1.44. The name is
//! `{method} {route}`, or the gRPC method; a path, a Host or an unknown method never is part of it.
//! What a handler [annotates](crate::exchange::annotate) becomes attributes, and so does the
//! `request_id`. Its [feature flags](crate::exchange::flag) become events `feature_flag.evaluation`.
//!
//! | outcome | status | `error.type` |
//! |---|---|---|
//! | completed, 1xx to 4xx | Unset | |
//! | completed, 5xx or a gRPC server error | Error | `503`, `UNAVAILABLE` |
//! | aborted, cancelled | Unset | `aborted`, `cancelled` |
//! | deadline_exceeded | Error | `deadline_exceeded` |
//! | failed | Error | `failed`, `content_length_mismatch`, or what the [classifier](crate::classify::Classify::error_name) says |
//! | panicked | Error | `panic` |
//!
//! On a client everything but success is an error, except the caller's own cancel. The span lasts
//! as long as the exchange: from its start to the end of the body, exactly as the access log tells.
//!
//! # Safe by default
//!
//! Path, query, URL and user agent pass the [`Redaction`] policy and are cut to 2048 bytes. Headers
//! are recorded by allow-list only, the text of an error or a panic only where
//! [`error_text`](TraceLayer::error_text) asks for it. The client's address is taken from a header
//! only behind [trusted proxies](TraceLayer::trusted_proxies). A service that strangers call should
//! not let them choose its traces: see [`public_endpoint`](TraceLayer::public_endpoint).
//!
//! # With `tracing`
//!
//! Spans of the `tracing` crate, exported by `tracing-opentelemetry`, become children of the
//! layer's span, as its context is current. A client called inside of such a span goes on from it;
//! where a level filter removed the span, from the layer's. With the feature
//! `tracing-opentelemetry` a layer outside of any other goes on from a `tracing` span where that
//! crate's context activation is off, too. Then, inside of a server's layer, clients are children
//! of the server's span and not of the `tracing` span around them, as only OpenTelemetry's own
//! context tells which of the two is the inner one; the trace is whole all the same.
//!
//! A layer that makes `tracing` spans itself, such as tower-http's `TraceLayer`, belongs inside of
//! this one. Outside, its span starts before `traceparent` is read: where a caller sent one, that
//! span stays a trace of its own beside the caller's, which goes on through this layer unbroken
//! (with activation off, the handler's `tracing` spans are in the other trace, too). Where no
//! caller sent one, it is the parent of the layer's span.
//!
//! # What it cannot do
//!
//! - A server on HTTP/1 is not told whether it was asked over TLS: `url.scheme` is `http`, unless
//!   the request's URI or a trusted proxy says otherwise.
//! - A client around a tonic `Channel` does not see where its requests go, as the channel adds that
//!   later: make the generated client `with_origin`, or tell it with
//!   [`server_address`](TraceLayer::server_address).
//! - A task that is spawned without the context has no trace: carry it with OpenTelemetry's
//!   `FutureExt::with_context`, or with [`in_exchange`](crate::exchange::InExchangeExt), from which a
//!   client's layer goes on as well.

pub(crate) mod ambient;
mod describe;
mod event;
mod finish;
pub(crate) mod foretold;
mod hosts;
mod intern;
mod name;
#[cfg(feature = "telemetry")]
pub mod processor;
pub mod propagation;
mod propagator;
mod resend;
pub(crate) mod semconv;
mod settings;
mod start;
mod text;
pub(crate) mod tracer;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{request, response};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, Key, KeyValue, StringValue};

use self::describe::{header_attributes, response_headers};
use self::hosts::Hosts;
use self::name::Name;
use self::propagator::Propagator;
use self::semconv::{HTTP, RESPONSE_HEADER};
use self::tracer::Spans;
use crate::caller::TrustedProxies;
use crate::classify::Side;
use crate::exchange::{End, Facts, ObserveLayer, Observer};
use crate::message::headers::HeaderNames;
use crate::message::shown::Shown;
use crate::redact::Redaction;

pub use event::event;
pub use resend::{ResendCount, ResendCountLayer};
pub use settings::{DoNotPropagate, TraceResponse};

/// The layer that records a span for each exchange.
pub type TraceLayer = ObserveLayer<Trace>;

/// The observer that records spans; configured as a [`TraceLayer`].
#[derive(Clone)]
pub struct Trace {
    spans: Spans,
    propagator: Propagator,
    filter: Option<Arc<Pick>>,
    public_endpoint: Option<Arc<Pick>>,
    span_name: Option<Arc<ChooseName>>,
    on_start: Option<Arc<Describe>>,
    on_end: Option<Arc<DescribeEnd>>,
    inject_to: Option<Hosts>,
    trace_response: Option<TraceResponse>,
    proxies: TrustedProxies,
    request_headers: HeaderNames,
    response_headers: HeaderNames,
    shown: Shown,
    server: Option<(StringValue, u16)>,
    baggage: Arc<[Box<str>]>,
    error_text: bool,
    sampled_first: bool,
}

type Pick = dyn Fn(&request::Parts) -> bool + Send + Sync;
type ChooseName = dyn Fn(&request::Parts) -> Option<Cow<'static, str>> + Send + Sync;
type Describe = dyn Fn(&request::Parts) -> Vec<KeyValue> + Send + Sync;
type DescribeEnd = dyn Fn(&End<'_>) -> Vec<KeyValue> + Send + Sync;

impl Default for Trace {
    fn default() -> Self {
        Self {
            spans: Spans::default(),
            propagator: Propagator::default(),
            filter: None,
            public_endpoint: None,
            span_name: None,
            on_start: None,
            on_end: None,
            inject_to: None,
            trace_response: None,
            proxies: TrustedProxies::none(),
            request_headers: HeaderNames::default(),
            response_headers: HeaderNames::default(),
            shown: Shown::new(Redaction::default()),
            server: None,
            baggage: Arc::default(),
            error_text: false,
            sampled_first: false,
        }
    }
}

/// What is kept of a traced exchange.
#[derive(Default)]
pub struct Traced {
    /// Current while the exchange runs.
    context: Option<Context>,
    /// The exchange's span, if it was started here and is recording.
    live: Option<Live>,
}

struct Live {
    /// By the conventions.
    name: Name,
    /// Whether the user chose another one.
    is_chosen: bool,
    /// Boxed, as most have nothing of it: this moves along with each exchange.
    rare: Option<Box<Rare>>,
}

/// What only few spans have.
#[derive(Default)]
struct Rare {
    /// Of a gRPC call, where it is not `http`.
    scheme: Option<StringValue>,
    /// What the user's own rule told at the start.
    told: Vec<Key>,
}

impl Live {
    fn scheme(&self) -> StringValue {
        self.rare.as_ref().and_then(|rare| rare.scheme.clone()).unwrap_or_else(|| HTTP.into())
    }

    fn told(&self) -> &[Key] {
        self.rare.as_ref().map(|rare| rare.told.as_slice()).unwrap_or_default()
    }
}

impl Observer for Trace {
    type Exchange = Traced;
    const WANTS_REQUEST_BODY: bool = false;

    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Traced {
        if let Some(context) = facts.trace_context() {
            // an outer layer has the span; its context is missing where a task lies between
            let is_missing = !Context::map_current(ambient::has_span);
            return Traced { context: is_missing.then(|| context.clone()), live: None };
        }
        match facts.side() {
            Side::Server => self.begin_server(head, facts),
            Side::Client => self.begin_client(head, facts),
        }
    }

    #[inline]
    fn scope<R>(&self, traced: &mut Traced, inner: impl FnOnce() -> R) -> R {
        let _current = traced.context.clone().map(Context::attach);
        inner()
    }

    fn response(&self, traced: &mut Traced, head: &mut response::Parts, facts: &Arc<Facts>) {
        let Some(context) = &traced.context else { return };
        if traced.live.is_some()
            && let Some(captured) = response_headers(&self.response_headers, &head.headers)
        {
            let redaction = self.shown.redaction();
            let attributes = header_attributes(RESPONSE_HEADER, &captured, redaction);
            context.span().set_attributes(attributes);
        }
        // what a client is answered is the server's word
        if let Some(how) = self.trace_response.filter(|_| facts.side() == Side::Server) {
            how.tell(context.span().span_context(), &mut head.headers);
        }
    }

    fn end(&self, traced: Traced, end: &End<'_>) {
        if let (Some(context), Some(live)) = (&traced.context, &traced.live) {
            self.finish(context, live, end);
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("spans", &self.spans)
            .field("propagator", &self.propagator)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "testing", feature = "telemetry"))]
mod tests;
