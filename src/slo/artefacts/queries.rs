//! Expressions of PromQL, and the names in them.

use std::time::Duration;

use crate::metric_name::prefixed;
use crate::slo::Objective;
use crate::slo::window::duration_text;

/// Names and selectors of one service's metrics.
pub(super) struct Queries<'a> {
    pub(super) job: &'a str,
    pub(super) prefix: &'a str,
}

/// What is counted of exchanges: HTTP requests, or gRPC calls.
#[derive(Clone, Copy)]
pub(super) enum Protocol {
    Http,
    Rpc,
}

impl Protocol {
    pub(super) const ALL: [Self; 2] = [Self::Http, Self::Rpc];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Rpc => "rpc",
        }
    }

    /// The label that tells what was asked for.
    pub(super) fn route_label(self) -> &'static str {
        match self {
            Self::Http => "http_route",
            Self::Rpc => "rpc_method",
        }
    }

    pub(super) fn duration(self) -> &'static str {
        match self {
            Self::Http => "http_server_request_duration_seconds",
            Self::Rpc => "rpc_server_call_duration_seconds",
        }
    }

    pub(super) fn time_to_first_byte(self) -> &'static str {
        match self {
            Self::Http => "http_server_time_to_first_byte_seconds",
            Self::Rpc => "rpc_server_time_to_first_byte_seconds",
        }
    }

    pub(super) fn active(self) -> &'static str {
        match self {
            Self::Http => "http_server_active_requests",
            Self::Rpc => "rpc_server_active_calls",
        }
    }
}

/// What picks the exchanges that went wrong by the service's own doing; those that the peer ended
/// are left out, as objectives do.
pub(super) const OURS: &str = r#",error_type!="",error_type!~"aborted|cancelled""#;
/// What picks the exchanges that the peer ended.
pub(super) const PEERS: &str = r#",error_type=~"aborted|cancelled""#;

impl Queries<'_> {
    /// A metric of a layer or a collector of this service, with more matchers, each after a comma.
    pub(super) fn metric(&self, name: &str, matchers: &str) -> String {
        format!("{}{{job=\"{}\"{matchers}}}", prefixed(self.prefix, name), self.job)
    }

    /// Something that is no metric of the crate's, or recorded by a rule.
    pub(super) fn plain(&self, name: &str, matchers: &str) -> String {
        Queries { prefix: "", ..*self }.metric(name, matchers)
    }

    /// The counter of events of an objective, of one outcome or all.
    pub(super) fn events(&self, objective: &Objective, outcome: Option<&str>) -> String {
        let outcome = outcome.map(|outcome| format!(",outcome=\"{outcome}\"")).unwrap_or_default();
        self.plain("slo_events_total", &format!(",slo=\"{}\"{outcome}", objective.name()))
    }

    /// A series that a rule recorded of an objective.
    pub(super) fn recorded(&self, record: &str, objective: &Objective) -> String {
        self.plain(record, &format!(",slo=\"{}\"", objective.name()))
    }
}

/// The name of the sum of all events over a window.
pub(super) fn events_record(window: Duration) -> String {
    format!("slo:events:increase{}", duration_text(window))
}

/// The name of the sum of bad events over a window.
pub(super) fn bad_record(window: Duration) -> String {
    format!("slo:events_bad:increase{}", duration_text(window))
}

/// The name of the burn rate over a window.
pub(super) fn burn_record(window: Duration) -> String {
    format!("slo:burn_rate:ratio{}", duration_text(window))
}

/// The name of what remains of the period's budget.
pub(super) const REMAINING: &str = "slo:error_budget_remaining:ratio";
