//! The one shared record of an exchange.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime};

#[cfg(feature = "metrics")]
use http::uri::Authority;
use http::{Method, request};

use super::caught::CaughtPanic;
use super::flag::{Flag, Flags};
use super::layer::Options;
use super::routing::{Answered, Routing};
use super::scope;
use crate::attribute::{Attributes, Value};
use crate::classify::{Classify, Protocol, Side};
use crate::clock::nanos;
use crate::grpc;
use crate::id::{RequestId, TraceIdentity};
use crate::route::{Route, Routes};

/// The shared record of one exchange: what is known of it so far.
///
/// Everything polled inside an exchange finds its facts with [`Facts::current`].
pub struct Facts {
    protocol: Protocol,
    method: Method,
    started: Instant,
    started_at: SystemTime,
    deadline: Option<Duration>,
    /// Of the wrapper that started the exchange.
    options: Arc<Options>,
    parent: Option<Arc<Facts>>,
    level: AtomicU32,
    /// What the clock said to the innermost wrapper that asked while a piece of the exchange runs.
    reading: AtomicU64,
    /// How long it took the wrapper that started it, once that has seen its end.
    ended_after: AtomicU64,
    routing: Routing,
    request_id: OnceLock<RequestId>,
    trace: OnceLock<TraceIdentity>,
    /// In which the span of the exchange is current.
    #[cfg(feature = "trace")]
    trace_context: OnceLock<opentelemetry::Context>,
    /// Where a client's request goes.
    #[cfg(feature = "metrics")]
    target: OnceLock<Authority>,
    /// Whether a panic passed through a wrapper.
    has_panicked: AtomicBool,
    /// Boxed, as there is hardly ever one.
    caught_panic: OnceLock<Box<CaughtPanic>>,
    added: Mutex<Added>,
    /// Whether there are flags, so that an exchange without any is not locked to see that.
    has_flags: AtomicBool,
}

#[derive(Default)]
struct Added {
    attributes: Attributes,
    flags: Flags,
    ended: bool,
}

impl Facts {
    /// The exchange in scope: the one whose handler, client call or body is being polled.
    pub fn current() -> Option<Arc<Self>> {
        scope::current()
    }

    /// Which side of the exchange this is.
    pub fn side(&self) -> Side {
        self.routing.side
    }

    /// What the request claims to speak; [`End::protocol`](super::End) has what it proved to be.
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
        self.options.clock.now().saturating_duration_since(self.started)
    }

    /// How long the caller is ready to wait, as far as it was told.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The exchange in whose scope this one was started. A chain of more than 16 is cut: the next
    /// one's parent is the first of the chain.
    pub fn parent(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref()
    }

    /// The route as far as it is known; [`End::route`](super::End) has the one to tell. A server's
    /// gRPC method is not known before its answer, unless it is listed or was
    /// [learned](Routes#grpc-methods-of-a-server).
    pub fn route(&self) -> Option<&Route> {
        self.routing.so_far(&self.options.learned)
    }

    /// Tells the route, which goes before what frameworks say; `false` when it was told already.
    pub fn set_route(&self, route: impl Into<Route>) -> bool {
        self.routing.tell(route.into())
    }

    /// The route of an exchange that ended so.
    pub(super) fn route_at_end(&self, answered: Answered) -> Option<&Route> {
        self.routing.at_end(answered, &self.options.learned)
    }

    /// Adds what a wrapper can see of the route.
    pub(super) fn find_route(&self, routes: &Routes, head: &mut request::Parts) {
        self.routing.find(routes, head);
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

    /// The OpenTelemetry context in which the exchange's span is current.
    #[cfg(feature = "trace")]
    pub fn trace_context(&self) -> Option<&opentelemetry::Context> {
        self.trace_context.get()
    }

    /// Fills the trace context, for whoever cannot find it on the thread.
    #[cfg(feature = "trace")]
    pub(crate) fn set_trace_context(&self, context: opentelemetry::Context) {
        let _ = self.trace_context.set(context);
    }

    /// Where a client's request goes, as far as it was told.
    #[cfg(feature = "metrics")]
    pub(crate) fn target(&self) -> Option<&Authority> {
        self.target.get()
    }

    /// Tells where a client's request goes; only the first time counts.
    #[cfg(feature = "metrics")]
    pub(crate) fn set_target(&self, target: &Authority) {
        self.target.get_or_init(|| target.clone());
    }

    /// Tells that a panic passed through a wrapper: whatever a layer outside of it makes of that, the
    /// wrappers further out tell the same.
    pub(super) fn note_panic(&self) {
        self.has_panicked.store(true, Ordering::Relaxed);
    }

    /// Whether something panicked, caught or not.
    pub(super) fn has_panicked(&self) -> bool {
        self.has_panicked.load(Ordering::Relaxed) || self.caught_panic.get().is_some()
    }

    /// The panic that an inner part caught and turned into an answer.
    pub fn caught_panic(&self) -> Option<&CaughtPanic> {
        self.caught_panic.get().map(Box::as_ref)
    }

    /// Tells that a panic was caught; the exchange is judged as panicked then. `false` when one
    /// was told already.
    pub fn set_caught_panic(&self, panic: CaughtPanic) -> bool {
        self.caught_panic.set(Box::new(panic)).is_ok()
    }

    /// Sets an attribute; `false` when the exchange has ended or a bound of [`Attributes`]
    /// refuses it.
    pub fn annotate(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> bool {
        // the caller's conversions run before the lock is taken: they may annotate themselves
        let (key, value) = (key.into(), value.into());
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

    /// Tells that a feature flag was evaluated; `false` when the exchange has ended or a bound of
    /// [`Flag`] or of [`Attributes`] refuses it. See [`flag`](super::flag).
    pub fn flag(
        &self,
        key: impl Into<Cow<'static, str>>,
        variant: impl Into<Cow<'static, str>>,
    ) -> bool {
        let (key, variant, after) = (key.into(), variant.into(), self.elapsed());
        let mut added = self.added();
        let Added { attributes, flags, ended } = &mut *added;
        let told = !*ended && flags.count(key, variant, after, attributes);
        if told {
            self.has_flags.store(true, Ordering::Relaxed);
        }
        told
    }

    /// Reads the feature flags in place, in the order in which their results first came. `read` must
    /// neither annotate this exchange nor flag it.
    pub fn with_flags<R>(&self, read: impl FnOnce(&[Flag]) -> R) -> R {
        match self.has_flags.load(Ordering::Relaxed) {
            true => read(self.added().flags.as_slice()),
            false => read(&[]),
        }
    }

    /// Whether the wrapper that started the exchange has seen its end.
    pub fn has_ended(&self) -> bool {
        self.added().ended
    }

    pub(super) fn end(&self, after: Duration) {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(NO_READING);
        self.ended_after.store(nanos, Ordering::Relaxed);
        self.added().ended = true;
    }

    pub(super) fn classify(&self) -> &Classify {
        &self.options.classify
    }

    fn added(&self) -> MutexGuard<'_, Added> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("side", &self.side())
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

const NO_READING: u64 = u64::MAX;

/// The most ancestors an exchange keeps.
const MAX_ANCESTORS: usize = 16;

/// The parent, or the first of the chain where it would grow without end: a task that starts its
/// successor for ever.
fn bounded(parent: Arc<Facts>) -> Arc<Facts> {
    let ancestors = || std::iter::successors(parent.parent(), |facts| facts.parent());
    match ancestors().nth(MAX_ANCESTORS - 1).and_then(|_| ancestors().last()) {
        Some(first) => Arc::clone(first),
        None => parent,
    }
}

impl Facts {
    pub(super) fn start(head: &request::Parts, side: Side, options: &Arc<Options>) -> Arc<Self> {
        let (protocol, asked) = match grpc::is_call(&head.method, &head.headers) {
            true => (Protocol::Grpc, grpc::timeout(&head.headers)),
            false => (Protocol::Http, None),
        };
        Arc::new(Self {
            protocol,
            method: head.method.clone(),
            started: options.clock.now(),
            started_at: options.clock.wall(),
            deadline: [asked, options.deadline].into_iter().flatten().min(),
            options: Arc::clone(options),
            parent: scope::current().map(bounded),
            level: AtomicU32::new(0),
            reading: AtomicU64::new(NO_READING),
            ended_after: AtomicU64::new(NO_READING),
            routing: Routing::start(head, side, protocol),
            request_id: OnceLock::new(),
            trace: OnceLock::new(),
            #[cfg(feature = "trace")]
            trace_context: OnceLock::new(),
            #[cfg(feature = "metrics")]
            target: OnceLock::new(),
            has_panicked: AtomicBool::new(false),
            caught_panic: OnceLock::new(),
            added: Mutex::default(),
            has_flags: AtomicBool::new(false),
        })
    }

    /// Lets the clock be asked again: another piece of the exchange runs.
    #[inline]
    pub(super) fn forget_reading(&self) {
        self.reading.store(NO_READING, Ordering::Relaxed);
    }

    /// Time since the start. Wrappers that are told of the same moment, one inside of the other, are
    /// told the same time.
    pub(super) fn reading(&self) -> Duration {
        match self.reading.load(Ordering::Relaxed) {
            NO_READING => {
                let elapsed = self.elapsed();
                self.reading.store(nanos(elapsed), Ordering::Relaxed);
                elapsed
            }
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// Time from the start to an end that comes now. A wrapper whose end comes after that of the one
    /// which started the exchange, as inside of a tower `Buffer`, is told the same time.
    pub(super) fn reading_at_end(&self) -> Duration {
        match self.ended_after.load(Ordering::Relaxed) {
            NO_READING => self.reading(),
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// Steps from this level to the next, if nobody has.
    pub(super) fn step(&self, level: u32) -> Option<u32> {
        let next = level.wrapping_add(1);
        let stepped =
            self.level.compare_exchange(level, next, Ordering::Relaxed, Ordering::Relaxed);
        stepped.is_ok().then_some(next)
    }
}
