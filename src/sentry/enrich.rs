//! What every event of an exchange is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::HOST;
use http::{HeaderMap, Uri, request};
use sentry_core::Level;
use sentry_core::protocol::{Context, Event, Request, TraceContext, Url, User};

use super::settings::Settings;
use crate::attribute::Value;
use crate::exchange::Facts;
use crate::id::TraceIdentity;

/// What is known of an exchange, and what was captured in it.
pub(super) struct Known {
    facts: Arc<Facts>,
    uri: Uri,
    headers: HeaderMap,
    settings: Arc<Settings>,
    has_error: AtomicBool,
    has_panic: AtomicBool,
}

/// How Sentry's integrations mark the event of a panic; ours are marked alike.
pub(super) const PANIC: &str = "panic";

impl Known {
    pub(super) fn of(head: &request::Parts, facts: &Arc<Facts>, settings: &Arc<Settings>) -> Self {
        Self {
            facts: Arc::clone(facts),
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            settings: Arc::clone(settings),
            has_error: AtomicBool::new(false),
            has_panic: AtomicBool::new(false),
        }
    }

    /// Whether an error was captured in the exchange.
    pub(super) fn has_error(&self) -> bool {
        self.has_error.load(Ordering::Relaxed)
    }

    /// Whether a panic was.
    pub(super) fn has_panic(&self) -> bool {
        self.has_panic.load(Ordering::Relaxed)
    }

    /// Adds to an event what it does not tell itself.
    pub(super) fn enrich(&self, mut event: Event<'static>) -> Event<'static> {
        self.note(&event);
        if event.request.is_none() {
            event.request = Some(self.request());
        }
        for exception in &mut event.exception.values {
            if let Some(value) = &mut exception.value {
                *value = self.settings.redaction.query(value).into_owned();
            }
        }
        if let Some(message) = &mut event.message {
            *message = self.settings.redaction.query(message).into_owned();
        }
        let facts = &*self.facts;
        if let Some(route) = facts.route() {
            if event.transaction.is_none() {
                event.transaction = Some(format!("{} {}", facts.method(), route.as_str()));
            }
            event.tags.entry("route".into()).or_insert_with(|| route.as_str().to_owned());
        }
        if let Some(id) = facts.request_id() {
            event.tags.entry("request_id".into()).or_insert_with(|| id.as_str().to_owned());
        }
        if let Some(trace) = facts.trace() {
            let id = format!("{:032x}", trace.trace_id());
            event.tags.entry("trace_id".into()).or_insert(id);
            event.contexts.insert("trace".into(), trace_context(trace));
        }
        if event.environment.is_none() {
            event.environment =
                self.settings.environment.as_ref().map(|name| name.to_string().into());
        }
        if event.release.is_none() {
            event.release = self.settings.release.as_ref().map(|name| name.to_string().into());
        }
        if self.settings.users && event.user.is_none() {
            // an event may be captured while the attributes are read
            let id = facts.try_with_attributes(|attributes| match attributes.get("user.id")? {
                Value::Text(id) => Some(id.to_string()),
                Value::Int(id) => Some(id.to_string()),
                Value::Float(_) | Value::Bool(_) => None,
            });
            event.user = id.flatten().map(|id| User { id: Some(id), ..User::default() });
        }
        event
    }

    fn note(&self, event: &Event<'static>) {
        let marks = event.exception.values.iter().filter_map(|one| one.mechanism.as_ref());
        if marks.map(|mechanism| &*mechanism.ty).any(|mark| mark == PANIC) {
            self.has_panic.store(true, Ordering::Relaxed);
        } else if matches!(event.level, Level::Error | Level::Fatal) {
            self.has_error.store(true, Ordering::Relaxed);
        }
    }

    fn request(&self) -> Request {
        let redaction = &self.settings.redaction;
        let headers = self.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), redaction.header_value(name, value).into_owned())
        });
        Request {
            url: self.url(),
            method: Some(self.facts.method().to_string()),
            headers: headers.collect(),
            ..Request::default()
        }
    }

    /// The URL without its secrets; a server knows the host from the header alone.
    fn url(&self) -> Option<Url> {
        // `://host/` is a URI, too
        let scheme = self.uri.scheme_str().filter(|scheme| !scheme.is_empty()).unwrap_or("http");
        let host = match self.uri.host() {
            Some(_) => self.uri.authority()?.as_str(),
            None => self.headers.get(HOST)?.to_str().ok()?,
        };
        let target = self.uri.path_and_query().map_or("/", |target| target.as_str());
        self.settings.redaction.url(&format!("{scheme}://{host}{target}")).parse().ok()
    }
}

fn trace_context(trace: &TraceIdentity) -> Context {
    let context = TraceContext {
        trace_id: trace.trace_id().to_be_bytes().into(),
        span_id: trace.span_id().to_be_bytes().into(),
        ..TraceContext::default()
    };
    context.into()
}
