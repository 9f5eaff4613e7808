//! What a page is set up with.

use std::fmt;
use std::sync::Arc;

use crate::exchange::isolated;
use crate::live::Board;

type Health = dyn Fn() -> Vec<HealthLine> + Send + Sync;

/// The live page of an [`Admin`](super::super::Admin), at `/debug`: active exchanges, families, errors, and what else
/// is given to the service.
///
/// ```
/// # use tower_observability::config::ConfigError;
/// use tower_observability::admin::{Admin, Closed, HealthLine, HealthStatus, LivePage};
/// use tower_observability::live::Board;
///
/// let board = Board::builder().build()?;
/// let page = LivePage::new(board)
///     .service(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
///     .health(|| vec![HealthLine::new("database", HealthStatus::Pass, "2 of 10 connections in use")]);
/// let admin = Admin::builder(Closed).live(page).build();
/// # Ok::<(), ConfigError>(())
/// ```
///
/// # What is answered
///
/// A page where `Accept` wants `text/html` more than JSON, or at `?format=html`; else, or at `?format=json`, the same as
/// JSON. `?refresh=5` lets a browser ask again every 5 seconds (1 to 60), by the header `Refresh`. `?window=minute`,
/// `hour` or `day` is what the page's table of families is about. `GET /debug/families/{id}` tells one family.
/// All is built at once into one buffer, of at most some megabytes.
///
/// `GET /debug` as JSON; times are as in RFC 3339, durations in seconds, and what is not known is `null`:
///
/// ```json
/// {
///   "scope": "instance", "scope_note": "What this process remembers; of the other instances it knows nothing.",
///   "service": {"name": "checkout", "version": "1.2.3"},
///   "at": "2026-01-01T00:01:00Z", "since": "2026-01-01T00:00:00Z", "uptime_seconds": 60.0,
///   "active": {
///     "count": 1, "unlisted": 0,
///     "exchanges": [{
///       "age_seconds": 12.5, "started_at": "2026-01-01T00:00:47.5Z", "waited_seconds": 0.0, "stage": "body",
///       "response_bytes": 4096, "side": "server", "family": "/users/{id}", "method": "GET", "path": "/users/7",
///       "request_id": null, "trace_id": null
///     }]
///   },
///   "families": [{
///     "id": 4, "side": "server", "name": "/users/{id}",
///     "since_start": {"count": 2, "errors": 1, "peer_ended": 0, "duration_seconds": 0.5, "mean_seconds": 0.25,
///                     "p50_seconds": 0.25, "p95_seconds": 0.475},
///     "buckets": [{"upper_seconds": 0.005, "count": 0}],
///     "minute": {"window_seconds": 60.0, "slot_seconds": 1.0, "rate": 0.03, "whole": {"count": 2}},
///     "hour": {}, "day": {}
///   }],
///   "errors": [{"family_id": 4, "family": "/users/{id}", "error_type": "503"}],
///   "objectives": null,
///   "health": [{"name": "database", "status": "pass", "detail": ""}],
///   "runtime": {"os": "linux"},
///   "endpoints": [{"path": "/slo", "methods": {"GET": "read"}}]
/// }
/// ```
///
/// | member | |
/// |---|---|
/// | `stage` | `handler`, or `body` with the `response_bytes` so far |
/// | `unlisted` | how many are under way that had no place, or are beyond the oldest 1000 |
/// | `upper_seconds` | `null` of the last bucket |
/// | `whole` | as `since_start`, over the window |
/// | `errors` | the newest 20 errors and panics of all families, as `errors` of a family |
/// | `objectives` | as `/slo` tells them |
///
/// `GET /debug/families/{id}`: `family`, as above, whose windows have their `slots`, the oldest first; and `samples`:
/// `buckets` (one or `null` for each bucket), `errors` and `panics`, the newest first. Each has `started_at`,
/// `duration_seconds`, `method`, `path`, `outcome`, `blame`, `status`, `grpc_status`, `error_type`, `error`,
/// `panic_location`, `response_bytes`, `request_id`, `trace_id`, `attributes` (an object) and `attributes_left_out`.
#[derive(Clone)]
pub struct LivePage {
    pub(super) board: Board,
    pub(super) service: Option<(String, String)>,
    pub(super) facts: Vec<(String, String)>,
    health: Option<Arc<Health>>,
}

impl LivePage {
    /// The page of this board.
    pub fn new(board: Board) -> Self {
        Self { board, service: None, facts: Vec::new(), health: None }
    }

    /// What the service is called, and its version.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.service = Some((name.into(), version.into()));
        self
    }

    /// One more fact of the build or the runtime, such as the commit, or the version of the compiler.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// Tells what is healthy. It is asked for each page, and must not wait: answer from what is known.
    #[must_use]
    pub fn health(mut self, told: impl Fn() -> Vec<HealthLine> + Send + Sync + 'static) -> Self {
        self.health = Some(Arc::new(told));
        self
    }

    /// Tells what these checks found, unless somebody tells something else.
    #[cfg(feature = "health")]
    pub(in crate::admin) fn health_unless_told(self, health: &crate::health::Health) -> Self {
        use crate::health::Status;

        if self.health.is_some() {
            return self;
        }
        let health = health.clone();
        self.health(move || {
            let snapshot = health.snapshot();
            let line = |(name, status): (&str, Status)| {
                let status = match status {
                    Status::Pass => HealthStatus::Pass,
                    Status::Warn => HealthStatus::Warn,
                    Status::Fail => HealthStatus::Fail,
                };
                let detail = match (status, snapshot.took(name)) {
                    (HealthStatus::Pass, Some(took)) => format!("its last run took {took:?}"),
                    _ => snapshot.output(name),
                };
                HealthLine::new(name, status, detail)
            };
            let mut lines: Vec<_> = snapshot.components().map(line).collect();
            if snapshot.is_draining() {
                lines.push(HealthLine::new("drain", HealthStatus::Fail, "it takes on no more"));
            }
            lines
        })
    }

    /// What is healthy, if somebody tells; one that panics says so.
    pub(super) fn told_health(&self) -> Option<Vec<HealthLine>> {
        let told = self.health.as_ref()?;
        let panicked = || {
            vec![HealthLine::new("health", HealthStatus::Fail, "what tells the health panicked")]
        };
        Some(isolated(|| told()).unwrap_or_else(panicked))
    }
}

impl From<Board> for LivePage {
    fn from(board: Board) -> Self {
        Self::new(board)
    }
}

impl fmt::Debug for LivePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePage").field("service", &self.service).finish_non_exhaustive()
    }
}

/// How a component does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthStatus {
    /// It is healthy.
    Pass,
    /// It works, with something to look at.
    Warn,
    /// It does not work.
    Fail,
}

impl HealthStatus {
    /// As it is told: `pass`, `warn` or `fail`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What the live page tells of the health of one component.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthLine {
    /// Which component.
    pub name: String,
    /// How it does.
    pub status: HealthStatus,
    /// What there is to say of it.
    pub detail: String,
}

impl HealthLine {
    /// A component and how it does.
    pub fn new(name: impl Into<String>, status: HealthStatus, detail: impl Into<String>) -> Self {
        Self { name: name.into(), status, detail: detail.into() }
    }
}
