//! Where results are published, and what changed is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::component::Rules;
use super::known::{Known, Last};
use super::snapshot::Snapshot;
use super::{Group, Report, Status};
use crate::clock::Clock;
use crate::escape;
use crate::exchange::isolated;
use crate::redact::Redaction;

/// The most characters of an output that are told.
const MOST: usize = 512;

/// What the service says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) version: Option<String>,
    pub(super) release_id: Option<String>,
    pub(super) service_id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) notes: Vec<String>,
}

/// What the tasks write and the probes read.
pub(super) struct Board {
    pub(super) about: About,
    pub(super) rules: Vec<Rules>,
    pub(super) clock: Clock,
    redaction: Redaction,
    /// Replaced whole; whoever reads it takes a reference and holds no lock.
    state: watch::Sender<Arc<State>>,
    /// What was told last; whoever writes holds it.
    told: Mutex<Told>,
    /// For each component how often it became fail, warn and pass.
    transitions: Vec<[AtomicU64; 3]>,
}

/// All that is known at one time.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) known: Vec<Arc<Known>>,
    pub(super) is_draining: bool,
}

struct Told {
    components: Vec<Status>,
    /// Of which a result was told: the first one is, even where it changes nothing.
    heard: Vec<bool>,
    groups: [Status; 3],
}

/// A component or a group that is not what it was.
enum Change {
    Component { at: usize, from: Status, to: Status, output: String },
    Group { group: Group, from: Status, to: Status, is_draining: bool },
}

impl Board {
    pub(super) fn new(
        about: About,
        rules: Vec<Rules>,
        clock: Clock,
        redaction: Redaction,
    ) -> Arc<Self> {
        let known = rules.iter().map(|_| Arc::default()).collect();
        let state = Arc::new(State { known, is_draining: false });
        let (state, _) = watch::channel(state);
        let transitions = rules.iter().map(|_| Default::default()).collect();
        let told = Mutex::new(Told {
            components: Vec::new(),
            heard: Vec::new(),
            groups: [Status::Fail; 3],
        });
        let board = Arc::new(Self { about, rules, clock, redaction, state, told, transitions });
        let first = board.snapshot();
        let components = (0..board.rules.len()).map(|at| first.of(at)).collect();
        let groups = Group::ALL.map(|group| first.group(group));
        let heard = vec![false; board.rules.len()];
        *lock(&board.told) = Told { components, heard, groups };
        board
    }

    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    /// Is told when anything changed, the passing of time included.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        self.state.subscribe()
    }

    pub(super) fn snapshot(self: &Arc<Self>) -> Snapshot {
        Snapshot::new(Arc::clone(self), self.state(), self.clock.now())
    }

    #[cfg(any(feature = "metrics", all(test, feature = "testing")))]
    pub(super) fn transitions(&self, at: usize, to: Status) -> u64 {
        let counts = self.transitions.get(at);
        counts
            .and_then(|counts| counts.get(place(to)))
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Publishes what a run found; whether the component need not be run again.
    pub(super) fn record(self: &Arc<Self>, at: usize, report: Report, took: Duration) -> bool {
        let (ended, time) = (self.clock.now(), self.clock.wall());
        let output = cut(&self.redaction.text(report.output()));
        let last = Last { report: report.with_output(output), ended, time, took };
        let mut is_done = false;
        self.publish(|state| {
            if let (Some(known), Some(rules)) = (state.known.get_mut(at), self.rules.get(at)) {
                *known = Arc::new(known.after(rules, last));
                is_done = known.is_done(rules);
            }
        });
        is_done
    }

    pub(super) fn drain(self: &Arc<Self>) {
        self.publish(|state| state.is_draining = true);
    }

    /// Tells what changed by the passing of time alone.
    pub(super) fn tick(self: &Arc<Self>) {
        let mut told = lock(&self.told);
        let changes = self.changes(&mut told);
        if !changes.is_empty() {
            self.state.send_replace(self.state());
        }
        drop(told);
        self.tell(&changes);
    }

    fn publish(self: &Arc<Self>, change: impl FnOnce(&mut State)) {
        let mut told = lock(&self.told);
        let mut state = State::clone(&self.state());
        change(&mut state);
        self.state.send_replace(Arc::new(state));
        let changes = self.changes(&mut told);
        if !changes.is_empty() {
            // so that who watches sees what was judged a moment later, too
            self.state.send_replace(self.state());
        }
        drop(told);
        self.tell(&changes);
    }

    /// Counts and notes what is not what it was.
    fn changes(self: &Arc<Self>, told: &mut Told) -> Vec<Change> {
        let now = self.snapshot();
        let mut changes = Vec::new();
        for (at, (from, heard)) in told.components.iter_mut().zip(&mut told.heard).enumerate() {
            let to = now.of(at);
            let is_first = !*heard && now.is_settled(at);
            *heard |= is_first;
            if to == *from && is_first && to != Status::Pass {
                changes.push(Change::Component { at, from: to, to, output: now.output_of(at) });
            }
            if to != *from {
                let counts = self.transitions.get(at);
                if let Some(count) = counts.and_then(|counts| counts.get(place(to))) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                changes.push(Change::Component { at, from: *from, to, output: now.output_of(at) });
                *from = to;
            }
        }
        for (group, from) in Group::ALL.into_iter().zip(&mut told.groups) {
            let to = now.group(group);
            if to != *from {
                let is_draining = group == Group::Ready && now.is_draining();
                changes.push(Change::Group { group, from: *from, to, is_draining });
                *from = to;
            }
        }
        changes
    }

    /// Tells it in events, with no lock held.
    fn tell(&self, changes: &[Change]) {
        const TARGET: &str = "tower_observability::health";
        for change in changes {
            // a subscriber that panics ends no check
            let _ = isolated(|| match change {
                Change::Component { at, from, to, output } => {
                    let check = self.rules.get(*at).map_or("", |rules| rules.name.as_str());
                    let (from, status) = (from.as_str(), to.as_str());
                    if *to == Status::Pass {
                        tracing::info!(target: TARGET, check, from, status, "a health check passes");
                    } else {
                        let output = escape::bounded(output.as_bytes(), 2 * MOST);
                        tracing::warn!(target: TARGET, check, from, status, output, "a health check does not pass");
                    }
                }
                Change::Group { group, from, to, is_draining } => {
                    let (group, from, status) = (group.as_str(), from.as_str(), to.as_str());
                    if *is_draining {
                        tracing::info!(target: TARGET, group, from, status, "the service drains");
                    } else if *to == Status::Fail {
                        tracing::warn!(target: TARGET, group, from, status, "the service is not healthy");
                    } else {
                        tracing::info!(target: TARGET, group, from, status, "the service is healthy");
                    }
                }
            });
        }
    }
}

/// The first characters of a text.
fn cut(text: &str) -> String {
    let end = text.char_indices().nth(MOST).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default().to_owned()
}

fn place(status: Status) -> usize {
    match status {
        Status::Fail => 0,
        Status::Warn => 1,
        Status::Pass => 2,
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
