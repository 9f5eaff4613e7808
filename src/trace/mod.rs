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
//! `request_id`.
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
//!   later: tell it with [`server_address`](TraceLayer::server_address).
//! - A task that is spawned without the context has no trace: carry it with OpenTelemetry's
//!   `FutureExt::with_context`, or with [`in_exchange`](crate::exchange::InExchangeExt), from which a
//!   client's layer goes on as well.

pub(crate) mod ambient;
mod describe;
mod event;
mod finish;
mod hosts;
mod intern;
#[cfg(feature = "telemetry")]
pub mod processor;
pub mod propagation;
mod propagator;
mod resend;
mod semconv;
mod settings;
pub(crate) mod tracer;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{request, response};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt};
use opentelemetry::{Context, Key, KeyValue, StringValue};

use self::describe::{Description, Name, header_attributes, response_headers};
use self::finish::route_key;
use self::hosts::Hosts;
use self::propagator::Propagator;
use self::semconv::{RESPONSE_HEADER, key};
use self::tracer::{Spans, Started};
use crate::caller::TrustedProxies;
use crate::classify::{Protocol, Side};
use crate::exchange::{End, Facts, ObserveLayer, Observer, isolated};
use crate::id::TraceIdentity;
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
    /// By the conventions; `None` where the user chose one.
    name: Option<Cow<'static, str>>,
    /// Whether the gRPC method was told at the start.
    method_told: bool,
    scheme: StringValue,
    /// What the user's own rule told at the start.
    told: Vec<Key>,
}

impl Trace {
    fn begin_server(&self, head: &mut request::Parts, facts: &Facts) -> Traced {
        let is_public = is_picked(&self.public_endpoint, head);
        let traced = self.begin_received(head, facts, is_public);
        if is_public {
            // a handler that sends the request on must not send a stranger's baggage with it
            head.headers.remove("baggage");
        }
        traced
    }

    fn begin_received(&self, head: &request::Parts, facts: &Facts, is_public: bool) -> Traced {
        let arrived = self.propagator.extract(&head.headers);
        if !self.wants(head) {
            // a stranger's trace is not handed on only because it is not recorded
            let onward = if is_public { Context::new() } else { arrived };
            self.annotate_baggage(&onward, facts);
            let trace = identity(onward.span().span_context());
            return Traced { context: Some(enter(facts, onward, trace)), live: None };
        }
        let mut links = None;
        let parent = if is_public {
            let caller = arrived.span().span_context().clone();
            links = caller.is_remote().then(|| vec![Link::with_context(caller)]);
            Context::new()
        } else if ambient::has_span(&arrived) {
            arrived
        } else {
            // the headers say nothing: what is current goes on, baggage included
            match ambient::of_tracing() {
                Some(around) => {
                    arrived.with_remote_span_context(around.span().span_context().clone())
                }
                None => arrived,
            }
        };
        self.annotate_baggage(&parent, facts);
        let description = self.describe_received(head, facts);
        self.start(SpanKind::Server, head, facts, &parent, description, links)
    }

    fn begin_client(&self, head: &mut request::Parts, facts: &Facts) -> Traced {
        let parent = ambient::context(facts.parent().map(AsRef::as_ref));
        let may_inject = self.may_inject(head);
        if !self.wants(head) {
            if may_inject {
                self.propagator.inject(&parent, &mut head.headers);
            }
            let trace = identity(parent.span().span_context());
            enter(facts, parent, trace);
            return Traced::default();
        }
        let mut description = self.describe_sent(head, facts);
        if let Some(before) = resend::count(head) {
            let count = KeyValue::new(key::HTTP_REQUEST_RESEND_COUNT, i64::from(before));
            description.attributes.push(count);
        }
        let traced = self.start(SpanKind::Client, head, facts, &parent, description, None);
        if let Some(context) = traced.context.as_ref().filter(|_| may_inject) {
            self.propagator.inject(context, &mut head.headers);
        }
        traced
    }

    fn start(
        &self,
        kind: SpanKind,
        head: &request::Parts,
        facts: &Facts,
        parent: &Context,
        Description { mut attributes, scheme }: Description,
        links: Option<Vec<Link>>,
    ) -> Traced {
        // a server's gRPC method is the caller's word until it is answered
        let method_told = facts.protocol() == Protocol::Grpc && kind == SpanKind::Client;
        let route = match facts.protocol() {
            Protocol::Grpc if !method_told => None,
            _ => facts.route(),
        };
        let known = Name::of(facts, facts.protocol(), route);
        if let Some(method) = known.route.filter(|_| method_told) {
            attributes.push(KeyValue::new(route_key(facts.side(), Protocol::Grpc), method));
        }
        let mut told = Vec::new();
        if let Some(also) = &self.on_start {
            for one in isolated(|| also(head)).into_iter().flatten() {
                // the SDK would keep both of two values
                if !semconv::is_own(one.key.as_str()) && !told.contains(&one.key) {
                    told.push(one.key.clone());
                    attributes.push(one);
                }
            }
        }
        let chosen = self.span_name.as_ref().and_then(|choose| isolated(|| choose(head))?);
        let (name, conventional) = match chosen {
            Some(chosen) => (chosen, None),
            None => (known.name.clone(), Some(known.name)),
        };
        let builder = SpanBuilder {
            span_kind: Some(kind),
            name,
            start_time: Some(facts.started_at()),
            attributes: Some(attributes),
            events: None,
            links,
        };
        let Started { context, recording } = self.spans.start(builder, parent);
        // a provider that was shut down makes spans without IDs: the trace goes on past them
        let context = if ambient::has_span(&context) { context } else { parent.clone() };
        let trace = identity(context.span().span_context());
        let context = enter(facts, context, trace);
        let live = recording.then_some(Live { name: conventional, method_told, scheme, told });
        Traced { context: Some(context), live }
    }

    fn wants(&self, head: &request::Parts) -> bool {
        match &self.filter {
            Some(filter) => isolated(|| filter(head)).unwrap_or(true),
            None => true,
        }
    }

    fn may_inject(&self, head: &request::Parts) -> bool {
        if head.extensions.get::<DoNotPropagate>().is_some() {
            return false;
        }
        let Some(hosts) = &self.inject_to else { return true };
        let configured = || self.server.as_ref().map(|(name, _)| name.as_str());
        head.uri.host().or_else(configured).is_some_and(|host| hosts.contain(host))
    }

    /// Lets what the caller says of itself, and is on the list, be told by every signal.
    fn annotate_baggage(&self, context: &Context, facts: &Facts) {
        for key in self.baggage.iter() {
            if let Some(value) = context.baggage().get(&**key)
                && !value.as_str().is_empty()
            {
                facts.annotate(String::from(&**key), value.as_str().to_owned());
            }
        }
    }
}

/// Makes the context known to whoever asks the exchange for it.
fn enter(facts: &Facts, context: Context, trace: Option<TraceIdentity>) -> Context {
    if let Some(trace) = trace {
        facts.set_trace(trace);
    }
    facts.set_trace_context(context.clone());
    context
}

fn identity(span: &SpanContext) -> Option<TraceIdentity> {
    let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
    let span_id = u64::from_be_bytes(span.span_id().to_bytes());
    TraceIdentity::new(trace_id, span_id, span.is_sampled())
}

/// Whether the user's rule, if there is one, picks the request.
fn is_picked(rule: &Option<Arc<Pick>>, head: &request::Parts) -> bool {
    rule.as_ref().is_some_and(|rule| isolated(|| rule(head)).unwrap_or(true))
}

impl Observer for Trace {
    type Exchange = Traced;

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
