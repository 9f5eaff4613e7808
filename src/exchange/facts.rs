//! The one shared record of an exchange.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use http::{Method, request};

use super::scope;
use crate::attribute::{Attributes, Value};
use crate::classify::{Classify, Protocol, Side};
use crate::clock::Clock;
use crate::grpc;
use crate::id::{RequestId, TraceIdentity};
use crate::route::Route;

/// The shared record of one exchange: what is known of it so far.
///
/// Everything polled inside an exchange finds its facts with [`Facts::current`].
pub struct Facts {
    side: Side,
    protocol: Protocol,
    method: Method,
    started: Instant,
    started_at: SystemTime,
    deadline: Option<Duration>,
    clock: Clock,
    classify: Classify,
    parent: Option<Arc<Facts>>,
    level: AtomicU32,
    route: OnceLock<Route>,
    request_id: OnceLock<RequestId>,
    trace: OnceLock<TraceIdentity>,
    caught_panic: OnceLock<CaughtPanic>,
    added: Mutex<Added>,
}

#[derive(Default)]
struct Added {
    attributes: Attributes,
    ended: bool,
}

/// Where and how a panic was caught; told by whoever turned it into an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaughtPanic {
    /// The panic's message, if it had one. Never sent to a peer.
    pub message: Option<String>,
    /// `file:line:column`, if known.
    pub location: Option<String>,
}

impl CaughtPanic {
    /// A panic of which nothing further is known.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Facts {
    /// The exchange in scope: the one whose handler, client call or body is being polled.
    pub fn current() -> Option<Arc<Self>> {
        scope::current()
    }

    /// Which side of the exchange this is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// What the exchange speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The request's method, as sent.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The time of day at which the exchange started.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// The monotonic reading at which the exchange started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Time since the start, on the exchange's own clock.
    pub fn elapsed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.started)
    }

    /// How long the caller is ready to wait, as far as it was told.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The exchange in whose scope this one was started.
    pub fn parent(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref()
    }

    /// The route, once somebody who knows it was reached.
    pub fn route(&self) -> Option<&Route> {
        self.route.get()
    }

    /// Fills the route; `false` when it was known already.
    pub fn set_route(&self, route: impl Into<Route>) -> bool {
        self.route.set(route.into()).is_ok()
    }

    /// The request ID.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.request_id.get()
    }

    /// Fills the request ID; `false` when it was known already.
    pub fn set_request_id(&self, id: RequestId) -> bool {
        self.request_id.set(id).is_ok()
    }

    /// The trace and span this exchange is recorded under.
    pub fn trace(&self) -> Option<&TraceIdentity> {
        self.trace.get()
    }

    /// Fills the trace identity; `false` when it was known already.
    pub fn set_trace(&self, trace: TraceIdentity) -> bool {
        self.trace.set(trace).is_ok()
    }

    /// The panic that an inner part caught and turned into an answer.
    pub fn caught_panic(&self) -> Option<&CaughtPanic> {
        self.caught_panic.get()
    }

    /// Tells that a panic was caught; the exchange is judged as panicked then. `false` when one
    /// was told already.
    pub fn set_caught_panic(&self, panic: CaughtPanic) -> bool {
        self.caught_panic.set(panic).is_ok()
    }

    /// Sets an attribute; `false` when the exchange has ended or a bound of [`Attributes`]
    /// refuses it.
    pub fn annotate(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> bool {
        let mut added = self.added();
        !added.ended && added.attributes.set(key, value)
    }

    /// Reads the attributes in place. `read` must not annotate this exchange.
    pub fn with_attributes<R>(&self, read: impl FnOnce(&Attributes) -> R) -> R {
        read(&self.added().attributes)
    }

    /// Reads the attributes in place, unless they are being read or changed at this moment, maybe by
    /// this very thread: `None` then. For code that may run inside of
    /// [`with_attributes`](Self::with_attributes), as a formatter of log events does.
    pub fn try_with_attributes<R>(&self, read: impl FnOnce(&Attributes) -> R) -> Option<R> {
        match self.added.try_lock() {
            Ok(added) => Some(read(&added.attributes)),
            Err(TryLockError::Poisoned(poisoned)) => Some(read(&poisoned.into_inner().attributes)),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whether the wrapper that started the exchange has seen its end.
    pub fn has_ended(&self) -> bool {
        self.added().ended
    }

    pub(super) fn end(&self) {
        self.added().ended = true;
    }

    pub(super) fn classify(&self) -> &Classify {
        &self.classify
    }

    fn added(&self) -> MutexGuard<'_, Added> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("side", &self.side)
            .field("protocol", &self.protocol)
            .field("method", &self.method)
            .field("route", &self.route())
            .field("request_id", &self.request_id())
            .field("trace", &self.trace())
            .finish_non_exhaustive()
    }
}

/// Sets an attribute on the exchange in scope, such as `annotate("user.id", id)`; `false` when
/// there is none, it has ended, or a bound of [`Attributes`] refuses it.
pub fn annotate(key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> bool {
    scope::with_current(|facts| facts.annotate(key, value)).unwrap_or(false)
}

/// How an exchange's identity travels: in the extensions of its request.
#[derive(Clone)]
struct Link {
    facts: Arc<Facts>,
    /// How many wrappers the request has passed.
    level: u32,
}

/// What an exchange is started with.
pub(super) struct Start<'a> {
    pub(super) side: Side,
    pub(super) clock: &'a Clock,
    pub(super) classify: &'a Classify,
    pub(super) deadline: Option<Duration>,
}

/// The exchange a request belongs to, and whether the asking wrapper started it.
///
/// A wrapper joins the exchange it finds only from the same side, before its end, and as the
/// first to take this step inwards: a replayed clone, a forwarded request and a nested call are
/// exchanges of their own.
pub(super) fn join_or_start(head: &mut request::Parts, start: &Start<'_>) -> (Arc<Facts>, bool) {
    if let Some(link) = head.extensions.get_mut::<Link>() {
        let facts = &link.facts;
        let next = link.level.wrapping_add(1);
        let joins = facts.side == start.side
            && facts.level.compare_exchange(link.level, next, Ordering::Relaxed, Ordering::Relaxed)
                == Ok(link.level)
            && !facts.has_ended();
        if joins {
            let facts = Arc::clone(facts);
            link.level = next;
            return (facts, false);
        }
    }
    let facts = Arc::new(Facts::start(head, start));
    head.extensions.insert(Link { facts: Arc::clone(&facts), level: 0 });
    (facts, true)
}

impl Facts {
    fn start(head: &request::Parts, start: &Start<'_>) -> Self {
        let protocol = if grpc::is_grpc(&head.headers) { Protocol::Grpc } else { Protocol::Http };
        let asked = match protocol {
            Protocol::Grpc => grpc::timeout(&head.headers),
            Protocol::Http => None,
        };
        Self {
            side: start.side,
            protocol,
            method: head.method.clone(),
            started: start.clock.now(),
            started_at: start.clock.wall(),
            deadline: [asked, start.deadline].into_iter().flatten().min(),
            clock: start.clock.clone(),
            classify: start.classify.clone(),
            parent: scope::current(),
            level: AtomicU32::new(0),
            route: OnceLock::new(),
            request_id: OnceLock::new(),
            trace: OnceLock::new(),
            caught_panic: OnceLock::new(),
            added: Mutex::default(),
        }
    }
}
