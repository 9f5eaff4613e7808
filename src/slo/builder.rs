//! How an objective is put together, and what of it is refused.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::objective::{Indicator, Moment, Objective, Parts, PeersEnds, Rule, Selection};
use super::severity::Severity;
use super::target::Target;
use super::window::Window;
use crate::classify::{Goodness, Outcome, Side};
use crate::config::ConfigError;
use crate::exchange::End;
use crate::grpc::Code;

/// Sets up an [`Objective`].
#[derive(Clone)]
#[must_use]
pub struct ObjectiveBuilder {
    parts: Parts,
}

impl ObjectiveBuilder {
    pub(super) fn new(name: String, target: Target, indicator: Indicator) -> Self {
        Self {
            parts: Parts {
                name,
                description: String::new(),
                side: Side::Server,
                target,
                window: Window::default(),
                indicator,
                selection: Selection::All,
                peers_ends: PeersEnds::default(),
                rules: Vec::new(),
                severities: Severity::DEFAULTS.to_vec(),
                unreachable: Vec::new(),
                least_bad: NonZeroU64::new(5).unwrap_or(NonZeroU64::MIN),
                runbook_url: None,
            },
        }
    }

    /// About the exchanges of this route alone, a template or a gRPC method as every signal tells it;
    /// said again, of a group of routes.
    pub fn route(self, route: impl Into<String>) -> Self {
        self.routes([route])
    }

    /// About the exchanges of these routes alone.
    pub fn routes<R: Into<String>>(mut self, routes: impl IntoIterator<Item = R>) -> Self {
        let mut all = match self.parts.selection {
            Selection::Routes(routes) => routes,
            Selection::All | Selection::Matching(_) => Vec::new(),
        };
        all.extend(routes.into_iter().map(Into::into));
        self.parts.selection = Selection::Routes(all);
        self
    }

    /// About the exchanges that the closure picks, instead of by route. It is asked where they end; one
    /// that panics picks nothing.
    pub fn matching(mut self, fits: impl Fn(&End<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.parts.selection = Selection::Matching(Arc::new(fits));
        self
    }

    /// About a client's calls instead of a server's exchanges: what a dependency keeps.
    pub fn client(mut self) -> Self {
        self.parts.side = Side::Client;
        self
    }

    /// When the time of a latency objective is taken; without effect in an availability objective.
    pub fn at(mut self, moment: Moment) -> Self {
        if let Indicator::Latency { at, .. } = &mut self.parts.indicator {
            *at = moment;
        }
        self
    }

    /// Over how long it is to hold; 30 days unless told.
    pub fn window(mut self, window: Window) -> Self {
        self.parts.window = window;
        self
    }

    /// What is made of exchanges that the peer ended; left out unless told.
    pub fn peers_ends(mut self, peers_ends: PeersEnds) -> Self {
        self.parts.peers_ends = peers_ends;
        self
    }

    /// What is made of this status, whatever came of the exchange. What is said first holds.
    pub fn status_is(mut self, status: StatusCode, goodness: Goodness) -> Self {
        self.parts.rules.push(Rule::Status(status, goodness));
        self
    }

    /// What is made of this outcome. What is said first holds.
    pub fn outcome_is(mut self, outcome: Outcome, goodness: Goodness) -> Self {
        self.parts.rules.push(Rule::Outcome(outcome, goodness));
        self
    }

    /// What is made of this gRPC status. What is said first holds.
    pub fn grpc_is(mut self, code: Code, goodness: Goodness) -> Self {
        self.parts.rules.push(Rule::Grpc(code, goodness));
        self
    }

    /// What the closure makes of an exchange; `None` leaves it to what is said later, and the default.
    /// What is good may still be too slow for a latency objective. One that panics says `None`.
    pub fn judge(
        mut self,
        judge: impl Fn(&End<'_>) -> Option<Goodness> + Send + Sync + 'static,
    ) -> Self {
        self.parts.rules.push(Rule::Own(Arc::new(judge)));
        self
    }

    /// The conditions of alarm, instead of [`Severity::DEFAULTS`]; with none, nobody is told.
    pub fn severities(mut self, severities: impl IntoIterator<Item = Severity>) -> Self {
        self.parts.severities = severities.into_iter().collect();
        self
    }

    /// How many exchanges must be bad in a condition's long window until anybody is told: 5 unless told,
    /// so that one error in a quiet night wakes nobody.
    pub fn least_bad(mut self, least_bad: NonZeroU64) -> Self {
        self.parts.least_bad = least_bad;
        self
    }

    /// What it promises, for those who read the rules; a sentence made from the rest unless told.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.parts.description = description.into();
        self
    }

    /// Where it says what to do.
    pub fn runbook_url(mut self, url: impl Into<String>) -> Self {
        self.parts.runbook_url = Some(url.into());
        self
    }

    /// The objective; an error where it could never be kept, or broken, or its name cannot be a label's
    /// value in a rule's name.
    pub fn build(mut self) -> Result<Objective, ConfigError> {
        let parts = &mut self.parts;
        if !is_name(&parts.name) {
            let allowed = "1 to 63 of a-z, 0-9 and '-', beginning with a letter";
            return Err(ConfigError::new("name", &parts.name, allowed));
        }
        if let Indicator::Latency { threshold: Duration::ZERO, .. } = parts.indicator {
            let allowed = "more than 0: nothing takes no time, so that all exchanges were bad";
            return Err(ConfigError::new("threshold", "0", allowed));
        }
        if let Selection::Routes(routes) = &parts.selection
            && (routes.is_empty() || routes.iter().any(String::is_empty))
        {
            let allowed = "at least one route, none of them empty: no exchange would be counted";
            return Err(ConfigError::new("routes", format!("{routes:?}"), allowed));
        }
        if let Some(url) = &parts.runbook_url
            && !is_page(url)
        {
            return Err(ConfigError::new("runbook_url", url, "an absolute URL of http or https"));
        }
        let labels = |severity: &Severity| (severity.urgency(), severity.window_text(parts.window));
        let mut told: Vec<_> = parts.severities.iter().map(labels).collect();
        told.sort_unstable();
        if let Some((twice, _)) =
            told.iter().zip(told.iter().skip(1)).find(|(one, next)| one == next)
        {
            let allowed = "conditions that differ in urgency or windows, which are their labels";
            return Err(ConfigError::new("severities", twice.1.clone(), allowed));
        }
        if parts.description.is_empty() {
            parts.description = described(parts);
        }
        let (target, window) = (parts.target, parts.window);
        let reachable = |severity: &Severity| severity.is_reachable(target, window);
        let severities = std::mem::take(&mut parts.severities);
        (parts.severities, parts.unreachable) = severities.into_iter().partition(reachable);
        Ok(Objective::of(self.parts))
    }
}

/// Whether somebody can be sent there.
pub(super) fn is_page(url: &str) -> bool {
    url.parse::<http::Uri>()
        .is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
}

fn is_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn described(parts: &Parts) -> String {
    let of = match (&parts.selection, parts.side) {
        (Selection::Routes(routes), _) => format!("exchanges of {}", routes.join(", ")),
        (_, Side::Server) => "exchanges".to_owned(),
        (_, Side::Client) => "calls".to_owned(),
    };
    let good = match parts.indicator {
        Indicator::Availability => "do not fail".to_owned(),
        Indicator::Latency { threshold, at: Moment::End } => format!("end within {threshold:?}"),
        Indicator::Latency { threshold, at: Moment::FirstByte } => {
            format!("are answered within {threshold:?}")
        }
    };
    format!("{} of the {of} {good}, over {}.", parts.target, parts.window)
}

impl fmt::Debug for ObjectiveBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectiveBuilder").field("name", &self.parts.name).finish_non_exhaustive()
    }
}
