//! The handle by which dumps are switched on and off, and looked at.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::armed::Armed;
use super::capture::{Capture, CaptureId};
use super::live::{Broadcast, Live, TooManyWatchers};
use super::ring::Ring;
use super::rule::Rule;
use crate::clock::Clock;
use crate::exchange::isolated;

/// Switches dumps on and off, and has what was captured. Clones are the same handle; layers that are made
/// with it are switched together.
///
/// ```
/// use std::time::Duration;
///
/// use tower_observability::debug_dump::{DebugDumpLayer, DumpControl, Rule};
///
/// let control = DumpControl::new();
/// let layer = DebugDumpLayer::server(&control);
/// control.arm(Rule::new(Duration::from_secs(60))?);
/// // ... requests come and go ...
/// for capture in control.captures() {
///     println!("{} {}", capture.request.method, capture.request.uri);
/// }
/// control.disarm();
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct DumpControl(Arc<Inner>);

struct Inner {
    /// What an exchange looks at while nothing is dumped.
    is_armed: AtomicBool,
    armed: RwLock<Option<Arc<Armed>>>,
    ring: Mutex<Ring>,
    live: Broadcast,
    next: AtomicU64,
    sinks: Vec<Box<Sink>>,
    clock: Clock,
}

type Sink = dyn Fn(&Capture) + Send + Sync;

/// What a control does now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DumpStatus {
    /// Nothing is dumped.
    Disarmed,
    /// A rule is in force.
    #[non_exhaustive]
    Armed {
        /// The rule.
        rule: Rule,
        /// When it was armed.
        since: SystemTime,
        /// After how long it disarms itself.
        left: Duration,
        /// How many exchanges it captured so far.
        captured: u32,
    },
}

/// Sets up a [`DumpControl`].
pub struct DumpControlBuilder {
    ring_bytes: usize,
    sinks: Vec<Box<Sink>>,
    clock: Clock,
}

impl DumpControl {
    /// A handle that keeps the last captures, of at most 4 MiB in all.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up a handle.
    pub fn builder() -> DumpControlBuilder {
        DumpControlBuilder { ring_bytes: 4 << 20, sinks: Vec::new(), clock: Clock::system() }
    }

    /// Dumps by this rule from now on; the one that was in force is over, also for what is under way. What
    /// was captured stays.
    pub fn arm(&self, rule: Rule) {
        self.replace(Some(rule));
    }

    /// Dumps nothing any more, of what is under way neither; `false` where nothing was dumped. What was
    /// captured stays.
    pub fn disarm(&self) -> bool {
        self.replace(None).is_some()
    }

    /// Puts a rule in the place of the one that was in force, if there was one.
    pub(crate) fn replace(&self, rule: Option<Rule>) -> Option<Rule> {
        let now = self.0.clock.now();
        let armed = rule.map(|rule| {
            let (since, until) = (self.0.clock.wall(), now + rule.time_to_live);
            Arc::new(Armed::new(rule, since, until))
        });
        let mut slot = self.0.armed.write().unwrap_or_else(PoisonError::into_inner);
        self.0.is_armed.store(armed.is_some(), Ordering::Relaxed);
        let was = std::mem::replace(&mut *slot, armed)?;
        was.end();
        (was.until > now && !was.is_spent()).then(|| was.rule.clone())
    }

    /// What it does now: a rule whose time is over is in force no more, whether or not anybody asks.
    pub fn status(&self) -> DumpStatus {
        let Some(armed) = self.armed() else { return DumpStatus::Disarmed };
        DumpStatus::Armed {
            rule: armed.rule.clone(),
            since: armed.since,
            left: armed.until.saturating_duration_since(self.0.clock.now()),
            captured: armed.captured(),
        }
    }

    /// The captures that are kept, the oldest first.
    pub fn captures(&self) -> Vec<Arc<Capture>> {
        self.ring().all()
    }

    /// One of them.
    pub fn capture(&self, id: CaptureId) -> Option<Arc<Capture>> {
        self.ring().all().into_iter().find(|capture| capture.id == id)
    }

    /// Forgets them, and tells how many there were.
    pub fn clear(&self) -> usize {
        self.ring().clear()
    }

    /// Watches the captures that are made from now on, by whatever rule.
    ///
    /// # Errors
    /// When [`Live::MAX_WATCHERS`] watch already.
    pub fn live(&self) -> Result<Live, TooManyWatchers> {
        self.0.live.watch()
    }

    /// How many watch.
    pub fn watchers(&self) -> usize {
        self.0.live.watchers()
    }

    /// The rule in force, if there is one: a load where there is none.
    #[inline]
    pub(super) fn armed(&self) -> Option<Arc<Armed>> {
        if self.0.is_armed.load(Ordering::Relaxed) { self.still_armed() } else { None }
    }

    #[cold]
    fn still_armed(&self) -> Option<Arc<Armed>> {
        let armed = self.0.armed.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        if self.0.clock.now() < armed.until && !armed.is_spent() {
            return Some(armed);
        }
        self.retire(&armed);
        None
    }

    /// Disarms a rule, unless another one took its place.
    fn retire(&self, spent: &Arc<Armed>) {
        let mut slot = self.0.armed.write().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|armed| Arc::ptr_eq(armed, spent)) {
            *slot = None;
            self.0.is_armed.store(false, Ordering::Relaxed);
        }
    }

    /// Takes what was captured by a rule, if that is in force still and has room for it.
    pub(super) fn take(&self, armed: &Arc<Armed>, make: impl FnOnce(CaptureId) -> Capture) {
        let is_over = armed.is_over() || self.0.clock.now() >= armed.until;
        if is_over || !armed.reserve() {
            return;
        }
        let id = CaptureId(self.0.next.fetch_add(1, Ordering::Relaxed));
        let capture = Arc::new(make(id));
        armed.count(capture.body_bytes());
        if armed.is_spent() {
            self.retire(armed);
        }
        for sink in &self.0.sinks {
            isolated(|| sink(&capture));
        }
        isolated(|| self.0.live.tell(&capture));
        self.ring().push(capture);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DumpControlBuilder {
    /// Keeps captures of so many bytes in all, their heads and bodies together; the oldest go first.
    pub fn keeps_bytes(self, bytes: usize) -> Self {
        Self { ring_bytes: bytes, ..self }
    }

    /// Hands every capture on, before it is kept; one that panics costs the others nothing. It runs where
    /// the exchange ends: hand on what takes long.
    pub fn sink(mut self, sink: impl Fn(&Capture) + Send + Sync + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Tells times by this clock; the system's by default.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The handle.
    pub fn build(self) -> DumpControl {
        DumpControl(Arc::new(Inner {
            is_armed: AtomicBool::new(false),
            armed: RwLock::new(None),
            ring: Mutex::new(Ring::new(self.ring_bytes)),
            live: Broadcast::default(),
            next: AtomicU64::new(1),
            sinks: self.sinks,
            clock: self.clock,
        }))
    }
}

impl Default for DumpControl {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DumpControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DumpControl").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl fmt::Debug for DumpControlBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DumpControlBuilder")
            .field("ring_bytes", &self.ring_bytes)
            .finish_non_exhaustive()
    }
}
