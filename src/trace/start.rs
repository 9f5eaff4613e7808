//! How a span starts: whose child it is, and who is told of it.

use std::sync::Arc;

use http::request;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue, StringValue};

use super::describe::{Description, Name};
use super::finish::route_key;
use super::semconv::{self, key};
use super::settings::DoNotPropagate;
use super::tracer::Started;
use super::{Live, Pick, Trace, Traced, ambient, propagation, resend};
use crate::classify::{Protocol, Side};
use crate::exchange::{Facts, isolated};
use crate::id::TraceIdentity;

impl Trace {
    pub(super) fn begin_server(&self, head: &mut request::Parts, facts: &Facts) -> Traced {
        let is_public = is_picked(&self.public_endpoint, head);
        let traced = self.begin_received(head, facts, is_public);
        if is_public {
            // a handler that sends the request on must not send a stranger's trace with it
            for name in propagation::HEADERS {
                head.headers.remove(name);
            }
        }
        traced
    }

    fn begin_received(&self, head: &request::Parts, facts: &Facts, is_public: bool) -> Traced {
        let arrived = self.propagator.extract(&head.headers);
        if !self.wants(head) {
            // a stranger's trace is not handed on only because it is not recorded
            let onward = if is_public { Context::new() } else { arrived };
            self.annotate_baggage(&onward, facts);
            return Traced { context: Some(enter(facts, onward)), live: None };
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
        self.start(head, facts, &parent, links, None)
    }

    pub(super) fn begin_client(&self, head: &mut request::Parts, facts: &Facts) -> Traced {
        let parent = ambient::context(facts.parent().map(AsRef::as_ref));
        let may_inject = self.may_inject(head);
        if !self.wants(head) {
            if may_inject {
                self.propagator.inject(&parent, &mut head.headers);
            }
            enter(facts, parent);
            return Traced::default();
        }
        let resent = resend::count(head);
        let traced = self.start(head, facts, &parent, None, resent);
        if let Some(context) = traced.context.as_ref().filter(|_| may_inject) {
            self.propagator.inject(context, &mut head.headers);
        }
        traced
    }

    fn start(
        &self,
        head: &request::Parts,
        facts: &Facts,
        parent: &Context,
        links: Option<Vec<Link>>,
        resent: Option<u32>,
    ) -> Traced {
        let kind = match facts.side() {
            Side::Server => SpanKind::Server,
            Side::Client => SpanKind::Client,
        };
        let tells_method = tells_method_first(facts);
        let route = match facts.protocol() {
            Protocol::Grpc if !tells_method => None,
            _ => facts.route(),
        };
        let known = Name::of(facts, facts.protocol(), route);
        let method = known.route.filter(|_| tells_method);
        let chosen = self.span_name.as_ref().and_then(|choose| isolated(|| choose(head))?);
        let (name, conventional) = match chosen {
            Some(chosen) => (chosen, None),
            None => (known.name.clone(), Some(known.name)),
        };
        let mut builder = SpanBuilder {
            span_kind: Some(kind),
            name,
            start_time: Some(facts.started_at()),
            attributes: None,
            events: None,
            links,
        };
        let mut live = None;
        let mut describe = || {
            let Description { attributes, scheme, told } =
                self.describe(head, facts, method.clone(), resent);
            live = Some(Live { name: conventional.clone(), scheme, told });
            attributes
        };
        let Started { context, recording } = if self.sampled_first {
            self.spans.start_then(builder, parent, &mut describe)
        } else {
            builder.attributes = Some(describe());
            self.spans.start_then(builder, parent, &mut Vec::new)
        };
        let context = enter(facts, context);
        Traced { context: Some(context), live: live.filter(|_| recording) }
    }

    /// What a span says from its start.
    fn describe(
        &self,
        head: &request::Parts,
        facts: &Facts,
        method: Option<StringValue>,
        resent: Option<u32>,
    ) -> Description {
        let mut description = match facts.side() {
            Side::Server => self.describe_received(head, facts),
            Side::Client => self.describe_sent(head, facts),
        };
        let attributes = &mut description.attributes;
        if let Some(before) = resent {
            attributes.push(KeyValue::new(key::HTTP_REQUEST_RESEND_COUNT, i64::from(before)));
        }
        if let Some(method) = method {
            attributes.push(KeyValue::new(route_key(facts.side(), Protocol::Grpc), method));
        }
        if let Some(also) = &self.on_start {
            for one in isolated(|| also(head)).into_iter().flatten() {
                // the SDK would keep both of two values
                if !semconv::is_own(one.key.as_str()) && !description.told.contains(&one.key) {
                    description.told.push(one.key.clone());
                    attributes.push(one);
                }
            }
        }
        description
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

/// Whether a span tells its gRPC method from its start. On a server it is the caller's word until it is
/// answered.
pub(super) fn tells_method_first(facts: &Facts) -> bool {
    facts.protocol() == Protocol::Grpc && facts.side() == Side::Client
}

/// Makes the context known to whoever asks the exchange for it.
fn enter(facts: &Facts, context: Context) -> Context {
    if let Some(trace) = TraceIdentity::of(context.span().span_context()) {
        facts.set_trace(trace);
    }
    facts.set_trace_context(context.clone());
    context
}

/// Whether the user's rule, if there is one, picks the request.
fn is_picked(rule: &Option<Arc<Pick>>, head: &request::Parts) -> bool {
    rule.as_ref().is_some_and(|rule| isolated(|| rule(head)).unwrap_or(true))
}
