//! What an operator asks a process, and tells it: a service to put on a listener of its own.
//!
//! [`Admin`] is a ready tower service; it mounts under axum (`nest_service`, `fallback_service`), in hyper,
//! or stands alone. What it has is what it was [built](AdminBuilder) with, and an [`Authorizer`] decides
//! who may do it:
//!
//! | endpoint | what it does | [`Access`] | part |
//! |---|---|---|---|
//! | `GET /`, `GET /debug` | lists the endpoints | read | always |
//! | `GET /metrics` | tells the metrics | scrape | `AdminBuilder::metrics` (feature `metrics`) |
//! | `GET /debug/log` | tells the `tracing` filter | read | [`AdminBuilder::log`] |
//! | `POST /debug/log` | sets the filter for a while | change | |
//! | `DELETE /debug/log` | puts the default back in force | change | |
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::Router;
//! use tower_observability::admin::{Admin, BearerToken, LogControl};
//! use tracing_subscriber::{EnvFilter, reload};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = "c2VjcmV0IG9mIHRoZSBvcGVyYXRvcnM=";
//! let (filter, handle) = reload::Layer::new(EnvFilter::new("info"));
//! # let subscriber = tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), filter);
//! let admin = Admin::builder(BearerToken::new(secret)?).log(LogControl::reload(handle)?).build();
//! let app: Router = Router::new().fallback_service(admin); // or .nest_service("/admin", admin)
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! ```text
//! curl -H "Authorization: Bearer $TOKEN" --json '{"filter":"info,hyper=debug","time_to_live_seconds":600}' \
//!     http://127.0.0.1:9464/debug/log
//! ```
//!
//! # What is sent and answered
//!
//! All is JSON in UTF-8, but for the metrics. Members not named here are refused.
//!
//! `GET /` and `GET /debug`: the endpoints, in no promised order, and which access each method needs (one of
//! `probe`, `scrape`, `read`, `change`). `HEAD` goes wherever `GET` does.
//!
//! ```json
//! {"endpoints": [{"path": "/debug/log", "methods": {"GET": "read", "POST": "change", "DELETE": "change"}}]}
//! ```
//!
//! `GET`, `POST` and `DELETE /debug/log`: the filter in force, the one that comes back, and when, or `null`
//! where that is in force. `after_seconds` is rounded up; `at_unix_seconds` is for display, as the end
//! is measured by a monotonic clock.
//!
//! ```json
//! {"filter": "info,hyper=debug", "default": "info", "falls_back": {"after_seconds": 600, "at_unix_seconds": 1767226200}}
//! ```
//!
//! `POST /debug/log` takes both of:
//!
//! | member | type | |
//! |---|---|---|
//! | `filter` | string | directives as in `RUST_LOG`, at most 4096 bytes; fields by name, not by value |
//! | `time_to_live_seconds` | integer | 1 to 86400 (24 hours); then the default comes back by itself |
//!
//! Whatever is refused is told as `application/problem+json` ([RFC 9457]) with the members `type`
//! (`about:blank`), `title`, `status`, `detail` and, where a member of the body is at fault, `field`:
//!
//! | status | why |
//! |---|---|
//! | 400 | the body is no JSON object, or the member `field` is missing, unknown, doubled or out of range |
//! | 401 | no credentials, or wrong ones; `WWW-Authenticate` names those that would do |
//! | 403 | whoever asks may not |
//! | 404 | there is nothing at the path |
//! | 405 | there is, but not for this method; `Allow` lists those it takes |
//! | 413 | the body has more than 64 KiB ([`MAX_BODY_BYTES`]); what comes after is not read |
//! | 415 | the body is not said to be `application/json` |
//! | 503 | the change was allowed and could not be made |
//!
//! In that order: an unknown path is told before a wrong method, that before missing credentials, and
//! those before anything of the body is read.
//!
//! # The audit
//!
//! Every change, and every attempt at one without the right, is a `tracing` event at INFO with the target
//! `tower_observability::audit` and the fields `what` (`log_filter`, or method and path of an attempt),
//! `old`, `new`, `time_to_live_seconds`, `principal` and `outcome` (`applied`, `expired`, `failed`,
//! `unauthorized`, `forbidden`); fields that do not apply are left out. No filter that is set here silences it.
//!
//! What it cannot do: no TLS, no time-outs and no limit on connections, which are the listener's.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

mod access;
mod answer;
mod audit;
mod bearer;
#[cfg(feature = "debug-dump")]
mod dumps;
mod fields;
mod index;
mod json;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "pprof")]
mod profiles;
mod section;
mod service;

#[cfg(all(test, feature = "testing"))]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use access::{Access, Authorizer, Closed, Decision};
pub use answer::AdminBody;
pub use bearer::BearerToken;
pub use log::{FallBack, LogControl, LogError, LogStatus};
pub use service::AdminFuture;

use self::index::Index;
use self::section::Section;
use self::service::Shared;

/// The most bytes that are read of a request's body: 64 KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The admin service. A clone is the same service. See the [module](self).
#[derive(Clone)]
pub struct Admin(Arc<Shared>);

impl Admin {
    /// Begins a service whose every request this authoriser decides on.
    pub fn builder(authorizer: impl Authorizer) -> AdminBuilder {
        AdminBuilder { authorizer: Box::new(authorizer), parts: Parts::default() }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// Puts an [`Admin`] together. Without further parts it has nothing but the list of its endpoints.
#[must_use]
pub struct AdminBuilder {
    authorizer: Box<dyn Authorizer>,
    parts: Parts,
}

#[derive(Default)]
struct Parts {
    #[cfg(feature = "metrics")]
    metrics: Option<crate::metrics::MetricsService>,
    log: Option<LogControl>,
    #[cfg(feature = "debug-dump")]
    dumps: Option<crate::debug_dump::DumpControl>,
    #[cfg(feature = "pprof")]
    profiles: Option<crate::pprof::PprofService>,
}

impl AdminBuilder {
    /// Answers scrapes at `/metrics`.
    #[cfg(feature = "metrics")]
    pub fn metrics(mut self, metrics: crate::metrics::MetricsService) -> Self {
        self.parts.metrics = Some(metrics);
        self
    }

    /// Tells and sets the filter of the log at `/debug/log`.
    pub fn log(mut self, log: LogControl) -> Self {
        self.parts.log = Some(log);
        self
    }

    /// Switches dumps of exchanges on and off, and tells what was captured, at `/debug/dump` and below.
    #[cfg(feature = "debug-dump")]
    pub fn dumps(mut self, dumps: crate::debug_dump::DumpControl) -> Self {
        self.parts.dumps = Some(dumps);
        self
    }

    /// Answers with profiles at `/debug/pprof/profile` and `/debug/pprof/heap`.
    #[cfg(feature = "pprof")]
    pub fn profiles(mut self, profiles: crate::pprof::PprofService) -> Self {
        self.parts.profiles = Some(profiles);
        self
    }

    /// The service.
    #[must_use]
    pub fn build(self) -> Admin {
        let mut sections: Vec<Box<dyn Section>> = Vec::new();
        #[cfg(feature = "metrics")]
        sections.extend(self.parts.metrics.map(|part| Box::new(part) as Box<dyn Section>));
        sections.extend(self.parts.log.map(|part| Box::new(part) as Box<dyn Section>));
        #[cfg(feature = "debug-dump")]
        sections.extend(self.parts.dumps.map(|part| Box::new(part) as Box<dyn Section>));
        #[cfg(feature = "pprof")]
        sections.extend(self.parts.profiles.map(|part| Box::new(part) as Box<dyn Section>));
        sections.push(Box::new(Index::of(&sections)));
        Admin(Arc::new(Shared { authorizer: self.authorizer, sections }))
    }
}

impl fmt::Debug for AdminBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminBuilder").finish_non_exhaustive()
    }
}
