//! The handle that counts, and knows what follows.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::objective::Objective;
use super::report::{ObjectiveReport, Tally};
use super::rolling::At;
use super::told::event;
use super::tracked::{AlertChange, Change, Tracked};
use crate::classify::Goodness;
use crate::clock::{Clock, nanos};
use crate::config::ConfigError;
use crate::exchange::{End, isolated};
use crate::shard;
use crate::shard::cells::Cells;

/// Counts what is good and bad by each objective, and tells how its budget does, as this instance sees it.
/// Clones are the same tracker.
///
/// It needs no thread: what changes with time is gone through where an exchange ends, or somebody asks.
///
/// ```
/// use tower_observability::slo::{Objective, SloLayer, SloTracker, Target};
///
/// let tracker = SloTracker::builder()
///     .objective(Objective::availability("checkout", Target::percent("99.9")?).build()?)
///     .build()?;
/// let layer = SloLayer::server(&tracker);
/// for report in tracker.reports() {
///     println!("{}: {:?} left", report.objective.name(), report.budget.remaining);
/// }
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SloTracker(Arc<Inner>);

struct Inner {
    objectives: Vec<Objective>,
    /// Good and bad of each objective, by turns.
    counts: Cells,
    clock: Clock,
    origin: Instant,
    #[cfg(feature = "metrics")]
    created: std::time::SystemTime,
    /// When the next slot of any objective ends, in nanoseconds from the origin.
    next_turn: AtomicU64,
    state: Mutex<State>,
    on_change: Vec<Box<OnChange>>,
}

type OnChange = dyn Fn(&AlertChange) + Send + Sync;

/// What changes with time.
pub(super) struct State {
    /// When the tracker's scale of time was set, since the origin.
    pub(super) set: Duration,
    /// What it was set to.
    pub(super) set_to: At,
    /// In the order of the objectives.
    pub(super) tracked: Vec<Tracked>,
}

impl State {
    /// A time since the origin, on the tracker's scale.
    pub(super) fn at(&self, since_origin: Duration) -> At {
        self.set_to + since_origin.saturating_sub(self.set)
    }

    fn since_origin(&self, at: At) -> Duration {
        self.set.saturating_add(at.saturating_sub(self.set_to))
    }
}

impl SloTracker {
    /// Sets up a tracker.
    pub fn builder() -> SloTrackerBuilder {
        SloTrackerBuilder { objectives: Vec::new(), clock: Clock::system(), on_change: Vec::new() }
    }

    /// The objectives, in the order in which they were given.
    pub fn objectives(&self) -> &[Objective] {
        &self.0.objectives
    }

    /// What this instance knows of its objectives now.
    pub fn reports(&self) -> Vec<ObjectiveReport> {
        let mut state = self.state();
        let now = self.0.clock.now();
        let changes = self.turn(&mut state, now);
        let (at, wall) = (state.at(self.since_origin(now)), self.0.clock.wall());
        let all = self.0.objectives.iter().zip(&state.tracked).enumerate();
        let reports = all
            .map(|(index, (objective, tracked))| {
                tracked.report(objective, at, wall, self.counted(index))
            })
            .collect();
        drop(state);
        self.tell(now, changes);
        reports
    }

    /// What was counted since this process started, by objective.
    pub fn tallies(&self) -> impl Iterator<Item = (&Objective, Tally)> {
        let all = self.0.objectives.iter().enumerate();
        all.map(|(index, objective)| (objective, self.counted(index)))
    }

    /// Goes through the time that passed since the last exchange; for a service that nothing asks
    /// ([`reports`](Self::reports) does it, too), so that alarms end in time.
    pub fn look(&self) {
        let now = self.0.clock.now();
        let changes = self.turn(&mut self.state(), now);
        self.tell(now, changes);
    }

    /// Counts an exchange.
    #[inline]
    pub(super) fn count(&self, end: &End<'_>) {
        let inner = &*self.0;
        let now = end.facts.started() + end.duration;
        if nanos(self.since_origin(now)) >= inner.next_turn.load(Ordering::Relaxed) {
            self.turn_unless_another_does(now);
        }
        let share = inner.counts.of(shard::of_this_thread());
        for (index, objective) in inner.objectives.iter().enumerate() {
            match objective.judge(end) {
                Goodness::Good => share.add(2 * index, 1),
                Goodness::Bad => share.add(2 * index + 1, 1),
                Goodness::LeftOut => {}
            }
        }
    }

    #[cold]
    fn turn_unless_another_does(&self, now: Instant) {
        let mut state = match self.0.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let changes = self.turn(&mut state, now);
        drop(state);
        self.tell(now, changes);
    }

    /// Goes through the slots that ended.
    pub(super) fn turn(&self, state: &mut State, now: Instant) -> Vec<(Objective, Change)> {
        let inner = &*self.0;
        let at = state.at(self.since_origin(now));
        let mut told = Vec::new();
        let mut next = At::MAX;
        for (index, (objective, tracked)) in
            inner.objectives.iter().zip(&mut state.tracked).enumerate()
        {
            let changes = tracked.turn(objective, at, self.counted(index));
            told.extend(changes.into_iter().map(|change| (objective.clone(), change)));
            next = next.min(tracked.next_turn());
        }
        inner.next_turn.store(nanos(state.since_origin(next)), Ordering::Relaxed);
        told.iter_mut().for_each(|(_, change)| change.at = state.since_origin(change.at));
        told
    }

    pub(super) fn tell(&self, now: Instant, changes: Vec<(Objective, Change)>) {
        if changes.is_empty() {
            return;
        }
        let (now, wall) = (self.since_origin(now), self.0.clock.wall());
        for (objective, Change { severity, from, to, at, short, long }) in changes {
            let at = wall - now.saturating_sub(at);
            let change = AlertChange { objective, severity, from, to, at, short, long };
            event(&change);
            for told in &self.0.on_change {
                isolated(|| told(&change));
            }
        }
    }

    pub(super) fn counted(&self, index: usize) -> Tally {
        let counts = &self.0.counts;
        Tally { good: counts.sum(2 * index), bad: counts.sum(2 * index + 1) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// When it was made.
    #[cfg(feature = "metrics")]
    pub(super) fn created(&self) -> std::time::SystemTime {
        self.0.created
    }

    pub(super) fn since_origin(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.0.origin)
    }
}

/// Sets up an [`SloTracker`].
#[must_use]
pub struct SloTrackerBuilder {
    objectives: Vec<Objective>,
    clock: Clock,
    on_change: Vec<Box<OnChange>>,
}

impl SloTrackerBuilder {
    /// One more objective.
    pub fn objective(self, objective: Objective) -> Self {
        self.objectives([objective])
    }

    /// More objectives.
    pub fn objectives(mut self, objectives: impl IntoIterator<Item = Objective>) -> Self {
        self.objectives.extend(objectives);
        self
    }

    /// Tells whenever a condition of alarm comes or goes. It runs where an exchange ends, or somebody
    /// asks: hand on what takes long. One that panics costs the others nothing.
    pub fn on_change(mut self, told: impl Fn(&AlertChange) + Send + Sync + 'static) -> Self {
        self.on_change.push(Box::new(told));
        self
    }

    /// Tells times by this clock, which is to be the one of the layers; the system's by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The tracker; an error where two objectives have one name.
    pub fn build(self) -> Result<SloTracker, ConfigError> {
        let Self { objectives, clock, on_change } = self;
        for (index, objective) in objectives.iter().enumerate() {
            if objectives.iter().take(index).any(|other| other.name() == objective.name()) {
                let allowed = "objectives of different names";
                return Err(ConfigError::new("objectives", objective.name(), allowed));
            }
        }
        let tracked = objectives.iter().map(|of| Tracked::new(of, At::ZERO)).collect();
        let tracker = SloTracker(Arc::new(Inner {
            counts: Cells::new(2 * objectives.len()),
            origin: clock.now(),
            #[cfg(feature = "metrics")]
            created: clock.wall(),
            next_turn: AtomicU64::new(0),
            state: Mutex::new(State { set: Duration::ZERO, set_to: At::ZERO, tracked }),
            objectives,
            clock,
            on_change,
        }));
        tracker.look();
        Ok(tracker)
    }
}

impl fmt::Debug for SloTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SloTracker").field("objectives", &self.0.objectives).finish_non_exhaustive()
    }
}

impl fmt::Debug for SloTrackerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SloTrackerBuilder")
            .field("objectives", &self.objectives)
            .finish_non_exhaustive()
    }
}
