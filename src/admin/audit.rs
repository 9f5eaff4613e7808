//! What is left behind of every change.

use tracing::info;

use crate::escape;

/// The target of the events; what cannot be silenced through the admin service.
pub(super) const TARGET: &str = "tower_observability::audit";

/// The most characters of a principal that are told.
const MOST_SHOWN: usize = 256;

/// How a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Applied,
    /// Its time was over, and what was before is back.
    Expired,
    /// It was allowed, and could not be done.
    Failed,
    Unauthorized,
    Forbidden,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
        }
    }
}

/// A change, or the attempt of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub(super) what: &'a str,
    pub(super) old: Option<&'a str>,
    pub(super) new: Option<&'a str>,
    pub(super) time_to_live_seconds: Option<u64>,
    pub(super) principal: Option<&'a str>,
    pub(super) outcome: Outcome,
}

impl Change<'_> {
    pub(super) fn tell(&self) {
        let principal = self.principal.map(|name| escape::bounded(name.as_bytes(), MOST_SHOWN));
        info!(
            target: TARGET,
            what = self.what,
            old = self.old,
            new = self.new,
            time_to_live_seconds = self.time_to_live_seconds,
            principal,
            outcome = self.outcome.as_str(),
            "a change of the running program"
        );
    }
}
