//! All results at one instant, judged.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::board::{About, Board, State};
use super::component::Rules;
use super::known::{Known, Last};
use super::{Group, Status};

/// All results as they were at one instant. It never changes, and reading it waits for nothing.
#[derive(Clone)]
pub struct Snapshot {
    board: Arc<Board>,
    state: Arc<State>,
    now: Instant,
}

impl Snapshot {
    pub(super) fn new(board: Arc<Board>, state: Arc<State>, now: Instant) -> Self {
        Self { board, state, now }
    }

    /// The worst of everything, by the rules of [`group`](Self::group).
    pub fn status(&self) -> Status {
        worst(self.parts(None))
    }

    /// The worst of what is in a group: of a component that is not critical a failure is a warning, and
    /// while the service drains, it is not ready. A group with nothing in it passes.
    pub fn group(&self, group: Group) -> Status {
        worst(self.parts(Some(group)))
    }

    /// Names and statuses of all components, in the order in which they were added.
    pub fn components(&self) -> impl Iterator<Item = (&str, Status)> {
        self.each().map(|(rules, known)| (rules.name.as_str(), known.status(rules, self.now)))
    }

    /// The status of one component; `None` where there is none of this name.
    pub fn component(&self, name: &str) -> Option<Status> {
        self.components().find(|(found, _)| *found == name).map(|(_, status)| status)
    }

    /// How long the last run of a component took; `None` where there is none of this name, or was none yet.
    pub fn took(&self, name: &str) -> Option<Duration> {
        self.each().find(|(rules, _)| rules.name == name).and_then(|(_, known)| known.took())
    }

    /// Whether [`drain`](super::Health::drain) was called.
    pub fn is_draining(&self) -> bool {
        self.state.is_draining
    }

    pub(super) fn about(&self) -> &About {
        &self.board.about
    }

    pub(super) fn of(&self, at: usize) -> Status {
        let found = self.each().nth(at);
        found.map_or(Status::Fail, |(rules, known)| known.status(rules, self.now))
    }

    /// Whether it passed or failed often enough for its status to be one that was found.
    pub(super) fn is_settled(&self, at: usize) -> bool {
        self.each().nth(at).is_some_and(|(_, known)| known.is_settled())
    }

    /// What is to be said of a component that does not pass, for those who may read it.
    #[cfg(all(feature = "admin", feature = "live"))]
    pub(crate) fn output(&self, name: &str) -> String {
        let found = self.each().find(|(rules, _)| rules.name == name);
        found.map_or_else(String::new, |(rules, known)| known.output(rules, self.now))
    }

    pub(super) fn output_of(&self, at: usize) -> String {
        self.each().nth(at).map_or_else(String::new, |(rules, known)| known.output(rules, self.now))
    }

    /// Whether there is, or may be, a part of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        name == super::DRAIN || self.each().any(|(rules, _)| rules.name == name)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&Rules, &Known)> {
        self.board.rules.iter().zip(self.state.known.iter().map(|known| &**known))
    }

    /// What makes up a group, or everything: the components, and the drain while there is one.
    pub(super) fn parts(&self, group: Option<Group>) -> impl Iterator<Item = Part<'_>> {
        let wanted =
            move |rules: &&(&Rules, &Known)| group.is_none_or(|group| rules.0.is_in(group));
        let components = self.each().filter(move |found| wanted(&found));
        let components = components.map(move |(rules, known)| {
            let status = match group {
                Some(Group::Startup) => known.startup(rules),
                _ => known.status(rules, self.now),
            };
            Part { status, what: What::Component { rules, known, now: self.now } }
        });
        let is_drained = self.state.is_draining && group.is_none_or(|group| group == Group::Ready);
        let drain = is_drained.then_some(Part { status: Status::Fail, what: What::Drain });
        components.chain(drain)
    }
}

/// What parts make of what they are parts of.
pub(super) fn worst<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Status {
    parts.into_iter().map(|part| part.weight()).min().unwrap_or(Status::Pass)
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("components", &self.components().collect::<Vec<_>>())
            .field("is_draining", &self.is_draining())
            .finish_non_exhaustive()
    }
}

/// A part of an answer.
pub(super) struct Part<'a> {
    /// As a part of the group that is asked for.
    pub(super) status: Status,
    what: What<'a>,
}

enum What<'a> {
    Component { rules: &'a Rules, known: &'a Known, now: Instant },
    Drain,
}

impl<'a> Part<'a> {
    pub(super) fn name(&self) -> &'a str {
        match self.what {
            What::Component { rules, .. } => &rules.name,
            What::Drain => super::DRAIN,
        }
    }

    pub(super) fn is_critical(&self) -> bool {
        match self.what {
            What::Component { rules, .. } => rules.is_critical,
            What::Drain => true,
        }
    }

    /// What it makes of its group.
    pub(super) fn weight(&self) -> Status {
        if self.is_critical() { self.status } else { self.status.max(Status::Warn) }
    }

    pub(super) fn rules(&self) -> Option<&'a Rules> {
        match self.what {
            What::Component { rules, .. } => Some(rules),
            What::Drain => None,
        }
    }

    pub(super) fn last(&self) -> Option<&'a Last> {
        match self.what {
            What::Component { known, .. } => known.last.as_ref(),
            What::Drain => None,
        }
    }

    pub(super) fn time(&self) -> Option<SystemTime> {
        self.last().map(|last| last.time)
    }

    /// What is to be said of it; nothing of what passes.
    pub(super) fn output(&self) -> Option<String> {
        if self.status == Status::Pass {
            return None;
        }
        match self.what {
            What::Component { rules, known, now } => Some(known.output(rules, now)),
            What::Drain => Some("the service is draining".to_owned()),
        }
        .filter(|output| !output.is_empty())
    }
}
