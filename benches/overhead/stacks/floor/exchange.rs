//! What is known of an exchange, and told at its end.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::MatchedPath;
use http::header::{HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use opentelemetry::trace::{Span, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, ContextGuard, KeyValue};

use super::identity::{caller, request_id};
use super::{Shared, line};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A route that the program has, and the name of its spans.
struct Route {
    number: usize,
    route: &'static str,
    span: &'static str,
}

static USERS: Route = Route { number: 0, route: "/users/{id}", span: "GET /users/{id}" };
static OTHERS: Route = Route { number: 1, route: "_unmatched", span: "GET" };

pub(super) struct Exchange {
    shared: Arc<Shared>,
    start: Instant,
    started_at: SystemTime,
    id: HeaderValue,
    context: Context,
    is_sampled: bool,
    method: Method,
    uri: Uri,
    agent: Option<HeaderValue>,
    route: &'static Route,
    status: u16,
    to_headers: Duration,
    pub(super) sent: u64,
}

impl Exchange {
    pub(super) fn begin(shared: &Arc<Shared>, request: &mut Request<Body>) -> Self {
        let (start, started_at) = (Instant::now(), SystemTime::now());
        shared.series.begin();
        let id = request_id(since_1970(started_at));
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let route = if path == Some(USERS.route) { &USERS } else { &OTHERS };
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let agent = request.headers().get(USER_AGENT).cloned();

        let caller = caller(request.headers());
        // by the sampler's own rule: as the caller's, and always where there is none
        let is_sampled = caller.as_ref().is_none_or(|caller| caller.is_sampled());
        let mut builder = SpanBuilder::from_name(route.span)
            .with_kind(SpanKind::Server)
            .with_start_time(started_at);
        if is_sampled {
            builder = builder.with_attributes(attributes(request, &id, agent.as_ref(), route));
        }
        let parent = match caller {
            Some(caller) => Context::new().with_remote_span_context(caller),
            None => Context::new(),
        };
        let span = shared.tracer.build_with_context(builder, &parent);
        let context = match is_sampled {
            true => parent.with_span(span),
            false => parent.with_remote_span_context(span.span_context().clone()),
        };
        let shared = Arc::clone(shared);
        let (status, to_headers, sent) = (0, Duration::ZERO, 0);
        Self {
            shared,
            start,
            started_at,
            id,
            context,
            is_sampled,
            method,
            uri,
            agent,
            route,
            status,
            to_headers,
            sent,
        }
    }

    /// Makes its span the current one.
    pub(super) fn enter(&self) -> ContextGuard {
        self.context.clone().attach()
    }

    pub(super) fn answered(&mut self, response: &mut Response<Body>) {
        self.to_headers = self.start.elapsed();
        self.status = response.status().as_u16();
        response.headers_mut().insert(REQUEST_ID, self.id.clone());
    }

    pub(super) fn end(self, outcome: &'static str) {
        let duration = self.start.elapsed();
        self.shared.series.end(self.route.number, self.status, duration);
        if self.is_sampled {
            let span = self.context.span();
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(self.status)));
            if self.status >= 500 || outcome == "failed" {
                span.set_status(Status::error(""));
            }
            span.end_with_timestamp(self.started_at + duration);
        }
        self.log(outcome, duration);
    }

    fn log(&self, outcome: &'static str, duration: Duration) {
        line::write(|line| {
            line.raw(r#"{"timestamp":""#);
            line.moment(since_1970(self.started_at + duration));
            let span = self.context.span();
            let trace = span.span_context();
            line.raw(r#"","level":"INFO","trace_id":""#);
            line.hex(trace.trace_id().to_bytes());
            line.raw(r#"","span_id":""#);
            line.hex(trace.span_id().to_bytes());
            line.raw(r#"","request_id":""#);
            line.raw(self.id.to_str().unwrap_or_default());
            line.raw(r#"","http.request.method":""#);
            line.text(self.method.as_str());
            line.raw(r#"","url.path":""#);
            line.text(self.uri.path());
            if let Some(query) = self.uri.query() {
                line.raw(r#"","url.query":""#);
                line.text(query);
            }
            line.raw(r#"","http.route":""#);
            line.raw(self.route.route);
            if let Some(agent) = self.agent.as_ref().and_then(|agent| agent.to_str().ok()) {
                line.raw(r#"","user_agent.original":""#);
                line.text(agent);
            }
            line.raw(r#"","outcome":""#);
            line.raw(outcome);
            line.raw(r#"","http.response.status_code":"#);
            line.number(self.status.into());
            line.raw(r#","http.response.body.size":"#);
            line.number(self.sent);
            line.raw(r#","duration":"#);
            line.seconds(duration);
            line.raw(r#","time_to_headers":"#);
            line.seconds(self.to_headers);
            line.raw("}\n");
        });
    }
}

fn since_1970(moment: SystemTime) -> Duration {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// What our layer tells, too.
fn attributes(
    request: &Request<Body>,
    id: &HeaderValue,
    agent: Option<&HeaderValue>,
    route: &Route,
) -> Vec<KeyValue> {
    let mut list = Vec::with_capacity(12);
    let method = if request.method() == Method::GET { "GET" } else { "_OTHER" };
    list.push(KeyValue::new("http.request.method", method));
    list.push(KeyValue::new("url.scheme", "http"));
    list.push(KeyValue::new("url.path", request.uri().path().to_owned()));
    if let Some(query) = request.uri().query() {
        list.push(KeyValue::new("url.query", query.to_owned()));
    }
    list.push(KeyValue::new("http.route", route.route));
    list.push(KeyValue::new("network.protocol.version", "1.1"));
    if let Some(host) = request.headers().get(HOST) {
        list.push(KeyValue::new("server.address", kept(host)));
    }
    if let Some(agent) = agent {
        list.push(KeyValue::new("user_agent.original", kept(agent)));
    }
    if let Ok(id) = id.to_str() {
        list.push(KeyValue::new("request_id", id.to_owned()));
    }
    list
}

/// A text that comes again and again; a thread keeps the last few.
fn kept(value: &HeaderValue) -> Arc<str> {
    thread_local!(static KEPT: RefCell<Vec<Arc<str>>> = const { RefCell::new(Vec::new()) });
    KEPT.with_borrow_mut(|kept| {
        if let Some(known) = kept.iter().find(|known| known.as_bytes() == value.as_bytes()) {
            return Arc::clone(known);
        }
        let new: Arc<str> = value.to_str().unwrap_or_default().into();
        if kept.len() == 8 {
            kept.remove(0);
        }
        kept.push(Arc::clone(&new));
        new
    })
}
