//! What every event of an exchange is told.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use http::{HeaderMap, HeaderName, Uri, request};
use sentry_core::Level;
use sentry_core::protocol::{Context, Event, Request, TraceContext, Url, User, Values};
use sentry_core::utils::is_sensitive_header;

use super::client::ACCESS_LOG;
use super::scrub::scrub;
use super::settings::Settings;
use crate::attribute::Value;
use crate::exchange::Facts;
use crate::id::TraceIdentity;
use crate::message::method::{OTHER, known_method};
use crate::message::url;
use crate::route::Route;

/// What is known of an exchange, and what was captured in it.
pub(super) struct Known {
    facts: Arc<Facts>,
    uri: Uri,
    headers: HeaderMap,
    /// Whether the client sends what tells a person, such as an address.
    tells_persons: bool,
    settings: Arc<Settings>,
    has_error: AtomicBool,
    has_panic: AtomicBool,
    kept: Mutex<Kept>,
}

/// Events that wait for the end.
#[derive(Default)]
pub(super) struct Kept {
    /// Those that the panic integration made of panics in the exchange, in their order.
    pub(super) panics: Vec<Event<'static>>,
    /// What was captured while a panic unwound.
    pub(super) meanwhile: Vec<Event<'static>>,
    has_ended: bool,
}

/// How Sentry's integrations mark the event of a panic; ours are marked alike.
pub(super) const PANIC: &str = "panic";

/// The most events of a kind that are kept until the end.
const MOST: usize = 8;

thread_local! {
    /// What runs on this thread.
    static RUNS: Cell<Runs> = const { Cell::new(Runs { known: 0, facts: 0 }) };
}

/// A piece of an exchange, by where what is known of it stands; nothing at all is 0.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Runs {
    known: usize,
    facts: usize,
}

impl Known {
    pub(super) fn of(
        head: &request::Parts,
        facts: &Arc<Facts>,
        settings: &Arc<Settings>,
        tells_persons: bool,
    ) -> Self {
        Self {
            facts: Arc::clone(facts),
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            tells_persons,
            settings: Arc::clone(settings),
            has_error: AtomicBool::new(false),
            has_panic: AtomicBool::new(false),
            kept: Mutex::default(),
        }
    }

    /// Whether an error was captured in the exchange.
    pub(super) fn has_error(&self) -> bool {
        self.has_error.load(Ordering::Relaxed)
    }

    /// Whether a panic was, and was sent.
    pub(super) fn has_panic(&self) -> bool {
        self.has_panic.load(Ordering::Relaxed)
    }

    /// What was kept until the end, which this is.
    pub(super) fn take_kept(&self) -> Kept {
        let ended = Kept { has_ended: true, ..Kept::default() };
        std::mem::replace(&mut *self.kept(), ended)
    }

    /// Runs a piece of the exchange, or what follows its end.
    #[inline]
    pub(super) fn run<R>(&self, piece: impl FnOnce() -> R) -> R {
        struct Outer(Runs);
        impl Drop for Outer {
            fn drop(&mut self) {
                RUNS.set(self.0);
            }
        }
        let _outer = Outer(RUNS.replace(self.runs()));
        piece()
    }

    fn runs(&self) -> Runs {
        let facts = Arc::as_ptr(&self.facts).addr();
        Runs { known: std::ptr::from_ref(self).addr(), facts }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to an event what it does not tell itself, unless it is kept until the end.
    pub(super) fn enrich(&self, event: Event<'static>) -> Option<Event<'static>> {
        let runs = RUNS.get();
        if runs.facts != 0 && runs.facts != self.runs().facts {
            // of an exchange inside of this one, which tells its own
            return Some(event);
        }
        // where a panic ends the process, there is no end to wait for
        let can_wait = runs == self.runs() && !cfg!(panic = "abort");
        let is_panic = is_panic(&event);
        if can_wait && (is_panic || thread::panicking()) {
            let mut kept = self.kept();
            let Kept { panics, meanwhile, has_ended } = &mut *kept;
            // whether somebody catches it is known at the end, and so is how that went; what a hook or
            // a drop says meanwhile is of the same panic, if that is told
            let events = if is_panic { panics } else { meanwhile };
            if !*has_ended && events.len() < MOST {
                // it gets the breadcrumbs when it is captured again
                events.push(Event { breadcrumbs: Values::new(), ..event });
                return None;
            }
        }
        if is_panic {
            self.has_panic.store(true, Ordering::Relaxed);
        } else if event.logger.as_deref() == Some(ACCESS_LOG) {
            // it reports nothing of this exchange, or what is reported anyway
        } else if matches!(event.level, Level::Error | Level::Fatal) {
            self.has_error.store(true, Ordering::Relaxed);
        }
        Some(self.told(event))
    }

    fn told(&self, mut event: Event<'static>) -> Event<'static> {
        scrub(&mut event, &self.settings.redaction);
        event.request = Some(self.request());
        let facts = &*self.facts;
        if let Some(route) = facts.route() {
            if event.transaction.is_none() {
                event.transaction = Some(transaction(facts, route));
            }
            event.tags.entry("route".into()).or_insert_with(|| route.as_str().to_owned());
        }
        if let Some(id) = facts.request_id() {
            event.tags.entry("request_id".into()).or_insert_with(|| id.as_str().to_owned());
        }
        if let Some(trace) = facts.trace() {
            let id = trace.trace_id_hex();
            event.tags.entry("trace_id".into()).or_insert(id);
            event.contexts.insert("trace".into(), trace_context(trace));
        }
        let Settings { environment, release, users, .. } = &*self.settings;
        if event.environment.is_none() {
            event.environment = environment.as_ref().map(|name| name.to_string().into());
        }
        if event.release.is_none() {
            event.release = release.as_ref().map(|name| name.to_string().into());
        }
        if *users && event.user.is_none() {
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

    fn request(&self) -> Request {
        let redaction = &self.settings.redaction;
        let is_told = |name: &HeaderName| self.tells_persons || !is_sensitive_header(name.as_str());
        let headers = self.headers.iter().filter(|(name, _)| is_told(name)).map(|(name, value)| {
            (name.as_str().to_owned(), redaction.header_value(name, value).into_owned())
        });
        Request {
            url: self.url(),
            method: Some(self.facts.method().to_string()),
            headers: headers.collect(),
            ..Request::default()
        }
    }

    /// The URL without its secrets.
    fn url(&self) -> Option<Url> {
        let url = url::absolute(&self.uri, &self.headers)?;
        self.settings.redaction.url(&url).parse().ok()
    }
}

/// What Sentry groups by: no word of the caller's.
pub(super) fn transaction(facts: &Facts, route: &Route) -> String {
    let method = known_method(facts.method()).unwrap_or(OTHER);
    format!("{method} {}", route.as_str())
}

/// Whether an event is that of a panic.
fn is_panic(event: &Event<'_>) -> bool {
    let marks = event.exception.values.iter().filter_map(|one| one.mechanism.as_ref());
    marks.map(|mechanism| &*mechanism.ty).any(|mark| mark == PANIC)
}

fn trace_context(trace: &TraceIdentity) -> Context {
    let context = TraceContext {
        trace_id: trace.trace_id().to_be_bytes().into(),
        span_id: trace.span_id().to_be_bytes().into(),
        ..TraceContext::default()
    };
    context.into()
}
