//! What is promised, and which exchanges it is about.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::builder::ObjectiveBuilder;
use super::severity::Severity;
use super::target::Target;
use super::window::Window;
use crate::classify::{Goodness, Outcome, Side};
use crate::exchange::{End, isolated};
use crate::grpc::Code;

/// What makes an exchange good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Indicator {
    /// That it did not go wrong by our own doing: see [`Goodness`].
    Availability,
    /// That it took no longer than the threshold; those that went wrong by our own doing are bad.
    #[non_exhaustive]
    Latency {
        /// The longest that is good.
        threshold: Duration,
        /// What is timed.
        at: Moment,
    },
}

/// Until when the time of an exchange is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The end of the body, or whatever end came.
    #[default]
    End,
    /// The response headers: for streams and long polls.
    FirstByte,
}

/// What is made of exchanges that the peer ended: cancelled and aborted ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PeersEnds {
    /// They are not counted.
    #[default]
    LeftOut,
    /// They are bad; in a latency objective those that had run past the threshold when the peer had
    /// enough, and the others are not counted.
    Counted,
}

/// One promise: which exchanges, what is good, and how many of them should be.
///
/// ```
/// use std::time::Duration;
///
/// use tower_observability::slo::{Objective, Target};
///
/// let available = Objective::availability("checkout-availability", Target::percent("99.9")?)
///     .route("/checkout")
///     .runbook_url("https://runbooks.example/checkout")
///     .build()?;
/// let fast = Objective::latency("checkout-latency", Target::percent("95")?, Duration::from_millis(300))
///     .route("/checkout")
///     .build()?;
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Objective(Arc<Parts>);

#[derive(Clone)]
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) side: Side,
    pub(super) target: Target,
    pub(super) window: Window,
    pub(super) indicator: Indicator,
    pub(super) selection: Selection,
    pub(super) peers_ends: PeersEnds,
    pub(super) rules: Vec<Rule>,
    pub(super) severities: Vec<Severity>,
    pub(super) unreachable: Vec<Severity>,
    pub(super) least_bad: NonZeroU64,
    pub(super) runbook_url: Option<String>,
}

/// Which exchanges an objective is about.
#[derive(Clone)]
pub(super) enum Selection {
    All,
    /// Those of one of these routes.
    Routes(Vec<String>),
    Matching(Arc<dyn Fn(&End<'_>) -> bool + Send + Sync>),
}

type Judge = dyn Fn(&End<'_>) -> Option<Goodness> + Send + Sync;

/// What changes the judgement; the first that fits decides.
#[derive(Clone)]
pub(super) enum Rule {
    Status(StatusCode, Goodness),
    Outcome(Outcome, Goodness),
    Grpc(Code, Goodness),
    Own(Arc<Judge>),
}

impl Objective {
    pub(super) fn of(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// That exchanges do not go wrong. The name is the label `slo`: at most 63 of `a-z`, `0-9` and `-`,
    /// beginning with a letter.
    pub fn availability(name: impl Into<String>, target: Target) -> ObjectiveBuilder {
        ObjectiveBuilder::new(name.into(), target, Indicator::Availability)
    }

    /// That exchanges take no longer than the threshold, to the end unless [told](ObjectiveBuilder::at).
    pub fn latency(
        name: impl Into<String>,
        target: Target,
        threshold: Duration,
    ) -> ObjectiveBuilder {
        let indicator = Indicator::Latency { threshold, at: Moment::End };
        ObjectiveBuilder::new(name.into(), target, indicator)
    }

    /// The name, which is the label `slo`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it promises, in words.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// Whose exchanges it is about.
    pub fn side(&self) -> Side {
        self.0.side
    }

    /// How many should be good.
    pub fn target(&self) -> Target {
        self.0.target
    }

    /// Over how long.
    pub fn window(&self) -> Window {
        self.0.window
    }

    /// What makes an exchange good.
    pub fn indicator(&self) -> Indicator {
        self.0.indicator
    }

    /// The routes it is about; `None` where it is about all, or those that a closure picks.
    pub fn routes(&self) -> Option<&[String]> {
        match &self.0.selection {
            Selection::Routes(routes) => Some(routes),
            Selection::All | Selection::Matching(_) => None,
        }
    }

    /// The conditions of alarm that can be reached.
    pub fn severities(&self) -> &[Severity] {
        &self.0.severities
    }

    /// The conditions that are left out: not even a total outage would burn that fast.
    pub fn unreachable(&self) -> &[Severity] {
        &self.0.unreachable
    }

    /// How many exchanges must be bad in the long window until anybody is told.
    pub fn least_bad(&self) -> NonZeroU64 {
        self.0.least_bad
    }

    /// What to do, for whoever is told.
    pub fn runbook_url(&self) -> Option<&str> {
        self.0.runbook_url.as_deref()
    }

    /// What is promised, but for how much of it: what was counted by another promise is not of this one.
    pub(super) fn promise(&self) -> String {
        format!("{} {:?} of {:?}", self.0.side.as_str(), self.0.indicator, self.routes())
    }

    /// What this objective makes of an exchange; `LeftOut` of one that it is not about.
    #[inline]
    pub fn judge(&self, end: &End<'_>) -> Goodness {
        let parts = &*self.0;
        if parts.side != end.facts.side() || !parts.selection.has(end) {
            return Goodness::LeftOut;
        }
        let goodness = match parts.ruled(end) {
            Some(ruled) => ruled,
            None if end.goodness == Goodness::LeftOut => return parts.peers_end(end),
            None => end.goodness,
        };
        match (goodness, parts.indicator) {
            (Goodness::Good, Indicator::Latency { threshold, at }) => match timed(end, at) {
                time if time <= threshold => Goodness::Good,
                _ => Goodness::Bad,
            },
            (goodness, _) => goodness,
        }
    }
}

impl Parts {
    /// What the first rule that fits says.
    #[inline]
    fn ruled(&self, end: &End<'_>) -> Option<Goodness> {
        if self.rules.is_empty() {
            return None;
        }
        self.rules.iter().find_map(|rule| rule.judge(end))
    }

    fn peers_end(&self, end: &End<'_>) -> Goodness {
        match (self.peers_ends, self.indicator) {
            (PeersEnds::LeftOut, _) => Goodness::LeftOut,
            (PeersEnds::Counted, Indicator::Availability) => Goodness::Bad,
            (PeersEnds::Counted, Indicator::Latency { threshold, at }) => match timed(end, at) {
                time if time <= threshold => Goodness::LeftOut,
                _ => Goodness::Bad,
            },
        }
    }
}

fn timed(end: &End<'_>, at: Moment) -> Duration {
    match at {
        Moment::End => end.duration,
        Moment::FirstByte => end.time_to_headers.unwrap_or(end.duration),
    }
}

impl Selection {
    #[inline]
    fn has(&self, end: &End<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Routes(routes) => {
                let route = end.route.map(|route| route.as_str());
                route.is_some_and(|route| routes.iter().any(|of| of == route))
            }
            // what panics picks nothing, and keeps no other objective from counting
            Self::Matching(fits) => isolated(|| fits(end)).unwrap_or(false),
        }
    }
}

impl Rule {
    fn judge(&self, end: &End<'_>) -> Option<Goodness> {
        match self {
            Self::Status(status, goodness) => (end.status == Some(*status)).then_some(*goodness),
            Self::Outcome(outcome, goodness) => (end.outcome == *outcome).then_some(*goodness),
            Self::Grpc(code, goodness) => (end.grpc_status == Some(*code)).then_some(*goodness),
            Self::Own(judge) => isolated(|| judge(end)).flatten(),
        }
    }
}

impl fmt::Debug for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objective")
            .field("name", &self.0.name)
            .field("target", &self.0.target)
            .field("window", &self.0.window)
            .field("indicator", &self.0.indicator)
            .finish_non_exhaustive()
    }
}
