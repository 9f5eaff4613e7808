//! How a span starts: whose child it is, and who is told of it.

use std::borrow::Cow;
use std::sync::Arc;

use http::request;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::describe::Description;
use super::finish::route_key;
use super::name::Name;
use super::propagation::Named;
use super::semconv;
use super::settings::DoNotPropagate;
use super::tracer::Started;
use super::{Live, Pick, Trace, Traced, ambient, propagation, resend};
use crate::classify::{Protocol, Side};
use crate::exchange::{Facts, isolated};
use crate::id::TraceIdentity;

/// What is known of a request by which side of it this is.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Received(&'a Named<'a>),
    Sent {
        /// How often before.
        resent: Option<u32>,
    },
}

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

    #[inline]
    fn begin_received(&self, head: &request::Parts, facts: &Facts, is_public: bool) -> Traced {
        let named = Named::among(&head.headers);
        let arrived = self.propagator.extract(&head.headers, &named);
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
        self.start(head, facts, &parent, links, Asked::Received(&named))
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
        let traced = self.start(head, facts, &parent, None, Asked::Sent { resent });
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
        asked: Asked<'_>,
    ) -> Traced {
        let kind = match asked {
            Asked::Received(_) => SpanKind::Server,
            Asked::Sent { .. } => SpanKind::Client,
        };
        let mut builder = SpanBuilder::from_name("");
        builder.span_kind = Some(kind);
        builder.start_time = Some(facts.started_at());
        builder.links = links;
        if self.spans.drops_below(parent) {
            let Started { context, recording } = self.spans.start(builder, parent);
            // kept only where somebody around the provider hands on another parent
            let live = recording.then(|| {
                let (name, chosen) = self.name(head, facts);
                let Description { attributes, rare } = self.describe(head, facts, &name, asked);
                let is_chosen = chosen.is_some();
                let span = context.span();
                span.update_name(chosen.unwrap_or_else(|| name.text.clone()));
                span.set_attributes(attributes);
                Live { name, is_chosen, rare }
            });
            return Traced { context: Some(enter(facts, context)), live };
        }
        let (name, chosen) = self.name(head, facts);
        let is_chosen = chosen.is_some();
        builder.name = chosen.unwrap_or_else(|| name.text.clone());
        if self.sampled_first {
            let Started { context, recording } = self.spans.start(builder, parent);
            let live = recording.then(|| {
                let Description { attributes, rare } = self.describe(head, facts, &name, asked);
                context.span().set_attributes(attributes);
                Live { name, is_chosen, rare }
            });
            return Traced { context: Some(enter(facts, context)), live };
        }
        let Description { attributes, rare } = self.describe(head, facts, &name, asked);
        builder.attributes = Some(attributes);
        let Started { context, recording } = self.spans.start(builder, parent);
        let live = if recording { Some(Live { name, is_chosen, rare }) } else { None };
        Traced { context: Some(enter(facts, context)), live }
    }

    /// By the conventions, and as the user chose.
    #[inline]
    fn name(&self, head: &request::Parts, facts: &Facts) -> (Name, Option<Cow<'static, str>>) {
        let route = match facts.protocol() {
            Protocol::Grpc if !tells_method_first(facts) => None,
            _ => facts.route(),
        };
        let chosen = self.span_name.as_ref().and_then(|choose| isolated(|| choose(head))?);
        (Name::of(facts, facts.protocol(), route), chosen)
    }

    /// What a span says from its start.
    fn describe(
        &self,
        head: &request::Parts,
        facts: &Facts,
        name: &Name,
        asked: Asked<'_>,
    ) -> Description {
        let mut description = match asked {
            Asked::Received(named) => self.describe_received(head, named, facts),
            Asked::Sent { resent } => self.describe_sent(head, facts, resent),
        };
        let attributes = &mut description.attributes;
        if let Some(method) = name.route.clone().filter(|_| tells_method_first(facts)) {
            attributes.push(KeyValue::new(route_key(facts.side(), Protocol::Grpc), method));
        }
        if let Some(also) = &self.on_start {
            let told = &mut description.rare.get_or_insert_default().told;
            for one in isolated(|| also(head)).into_iter().flatten() {
                // the SDK would keep both of two values
                if !semconv::is_own(one.key.as_str()) && !told.contains(&one.key) {
                    told.push(one.key.clone());
                    attributes.push(one);
                }
            }
        }
        description
    }

    #[inline]
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
    #[inline]
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
#[inline]
fn enter(facts: &Facts, context: Context) -> Context {
    if let Some(trace) = TraceIdentity::of(context.span().span_context()) {
        facts.set_trace(trace);
    }
    facts.set_trace_context(context.clone());
    context
}

/// Whether the user's rule, if there is one, picks the request.
#[inline]
fn is_picked(rule: &Option<Arc<Pick>>, head: &request::Parts) -> bool {
    rule.as_ref().is_some_and(|rule| isolated(|| rule(head)).unwrap_or(true))
}
