//! What an operator asks a process, and tells it: a service to put on a listener of its own.
//!
//! [`Admin`] is a ready tower service; it mounts under axum (`nest_service`, `fallback_service`), in hyper,
//! or stands alone. What it has is what it was [built](AdminBuilder) with, and an [`Authorizer`] decides
//! who may do it:
//!
//! | endpoint | what it does | [`Access`] | part |
//! |---|---|---|---|
//! | `GET /`, `GET /debug` | lists the endpoints | read | always |
//! | `GET /debug`, `GET /debug/families/{id}` | tells what runs, was slow or failed, as a page or as JSON | read | `AdminBuilder::live` (feature `live`), in place of the list at `/debug` |
//! | `GET /metrics` | tells the metrics | scrape | `AdminBuilder::metrics` (feature `metrics`) |
//! | `GET /debug/log` | tells the `tracing` filter | read | [`AdminBuilder::log`] |
//! | `POST /debug/log` | sets the filter for a while | change | |
//! | `DELETE /debug/log` | puts the default back in force | change | |
//! | `GET /debug/dump` | tells the rule in force, and the captures in short | read | `AdminBuilder::dumps` (feature `debug-dump`) |
//! | `POST /debug/dump` | dumps by a rule for a while | change | |
//! | `DELETE /debug/dump` | dumps nothing any more | change | |
//! | `GET /debug/dump/captures` | tells all captures | read | |
//! | `DELETE /debug/dump/captures` | forgets them | change | |
//! | `GET /debug/dump/captures/{id}` | tells one, as JSON, HAR, text or a curl command | read | |
//! | `GET /debug/dump/stream` | tells captures as they are made | read | |
//! | `GET /slo` | tells the objectives, as JSON or as a page | read | `AdminBuilder::objectives` (feature `slo`) |
//! | `GET /livez`, `/readyz`, `/startupz`, `/health` | answers probes, see `health::HealthService` | probe | `AdminBuilder::health` (feature `health`) |
//! | `GET /debug/pprof/profile` | takes a CPU profile | read | `AdminBuilder::profiles` (feature `pprof`) |
//! | `GET /debug/pprof/heap` | tells what is allocated | read | |
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
//! let app: Router = Router::new().fallback_service(admin);
//! // or .nest_service("/admin", admin): it still tells its paths without that prefix
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
//! All is JSON in UTF-8 unless something else is said. Members not named here are refused.
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
//! | `filter` | string | directives as in `RUST_LOG`, at most 4096 bytes; fields by name, not by value. A word that is no level (`dbug`) is a target, as ever |
//! | `time_to_live_seconds` | integer | 1 to 86400 (24 hours); then the default comes back by itself |
//!
//! ## Dumps
//!
//! `GET`, `POST` and `DELETE /debug/dump`, and `DELETE /debug/dump/captures`: what is in force, or `null` in
//! `armed`; how many watch the stream; and the captures that are kept, the newest first. `left_seconds` is
//! rounded up. `route`, `status`, `grpc_status`, `error_type`, `request_id`, `trace_id` and `response_bytes` may be `null`; bytes
//! are those of the bodies as they passed. Times are as in RFC 3339.
//!
//! ```json
//! {
//!   "armed": {
//!     "rule": {"match": {"status": {"from": 500, "to": 599}}, "time_to_live_seconds": 300, "captures": 10, "bytes": 1048576, "body_cap": 1024},
//!     "since": "2026-01-01T00:00:00Z", "left_seconds": 299, "captured": 1
//!   },
//!   "watchers": 0,
//!   "captures": [{
//!     "id": 1, "started_at": "2026-01-01T00:00:01Z", "side": "server", "method": "POST", "uri": "/orders?token=REDACTED",
//!     "route": "/orders", "status": 503, "outcome": "completed", "grpc_status": null, "error_type": "503", "duration_seconds": 0.25, "request_id": null,
//!     "trace_id": null, "request_bytes": 120, "response_bytes": 0
//!   }]
//! }
//! ```
//!
//! `POST /debug/dump` takes a rule, as it is told:
//!
//! | member | type | |
//! |---|---|---|
//! | `time_to_live_seconds` | integer | 1 to 86400 (24 hours); needed |
//! | `match` | condition | which exchanges; all of them unless said |
//! | `captures` | integer | 1 to 1000 exchanges, then it is over; 10 unless said |
//! | `bytes` | integer | 1024 to 67108864 (64 MiB) of bodies, then it is over; 1048576 unless said |
//! | `body_cap` | integer | 0 to 1048576 bytes that are kept of each body; 1024 unless said |
//!
//! One control may have several layers: then one request is several exchanges (server, client, ...), of which the
//! innermost ends first. A condition is an object with one of these members, or none, which fits all
//! exchanges. At most 100 in
//! a rule, 32 deep in one another, and texts of at most 4096 bytes. They are what
//! `debug_dump::Match` says of them.
//!
//! | member | type | fits |
//! |---|---|---|
//! | `all`, `any` | list of conditions | what all of them fit, or any |
//! | `not` | condition | what it does not fit |
//! | `method` | string | the method |
//! | `route` | string | the template or gRPC method |
//! | `path_prefix` | string | the beginning of the path |
//! | `status` | integer, or `{"from": integer, "to": integer}` | the status, 100 to 999, both ends included |
//! | `request_header`, `response_header` | `{"name": string, "value": string}` | who has the header, with this value if one is given; a secret (such as that of `authorization`) cannot be asked for by its value |
//! | `request_id` | string | the one of this ID |
//! | `slower_ms` | integer | what takes so many milliseconds or more |
//! | `one_in` | integer | one in so many, 1 to 4294967295 |
//! | `outcome` | string | `completed`, `aborted`, `cancelled`, `deadline_exceeded`, `failed` or `panicked` |
//! | `grpc_status` | string | the name of the status of a gRPC call, such as `UNAVAILABLE` |
//! | `error` | `true` | what every signal tells as an error, 4xx of clients and gRPC's codes included |
//! | `side` | string | `server` or `client`: one control may have the layers of both |
//!
//! ```text
//! curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:9464/debug/dump --json '{
//!   "match": {"all": [{"route": "/orders"}, {"any": [{"slower_ms": 500}, {"status": {"from": 500, "to": 599}}]}]},
//!   "time_to_live_seconds": 300, "captures": 5}'
//! ```
//!
//! `GET /debug/dump/captures/{id}?format=`:
//!
//! | format | answered |
//! |---|---|
//! | `json`, or none | the capture, with the keys of `debug_dump::render` |
//! | `har` | an HTTP archive 1.2, see `debug_dump::har` |
//! | `text` | `text/plain`, for people |
//! | `curl` | `text/plain`: a command line that sends the request again, safe to paste; 409 where body or trailers are not known as they were sent. It sends the same IDs again |
//!
//! `GET /debug/dump/captures`: all that are kept, whole, the newest first, as `{"captures": [...]}`; with
//! `?format=har` as an archive, the oldest first.
//!
//! `GET /debug/dump/stream` (`application/x-ndjson`): a line for each capture that is made from now on, as
//! `json` tells it, until the client goes. For a client that reads too slowly 256 captures, of at most
//! 4 MiB, wait; how many more came is told where they would have stood, as `{"lost": 3}`. At most
//! 8 may watch at a time; one more is told 503.
//!
//! ## Objectives
//!
//! `GET /slo`: the objectives, in the order in which the tracker was given them, as this instance sees them;
//! of the fleet Prometheus knows, by the counter `slo_events_total`. JSON, unless `Accept` wants
//! `text/html` more, or `?format=json` or `?format=html` says which. Times are as in RFC 3339, durations in
//! seconds. Exact decimals are texts.
//!
//! ```json
//! {
//!   "scope": "instance",
//!   "scope_note": "Counted by this instance alone, not by the fleet; of that Prometheus knows, by slo_events_total.",
//!   "objectives": [{
//!     "name": "checkout-latency", "description": "95% of the exchanges of /checkout end within 300ms, over 30d.",
//!     "side": "server", "target": "95%", "error_budget": "0.05", "window_seconds": 2592000,
//!     "indicator": {"kind": "latency", "threshold_seconds": 0.3, "at": "end"}, "routes": ["/checkout"],
//!     "least_bad": 5, "runbook_url": "https://runbooks.example/checkout",
//!     "at": "2026-01-07T00:00:00Z", "since_start": {"good": 990, "bad": 10},
//!     "budget": {"good": 990, "bad": 10, "coverage": 0.2, "remaining": 0.8},
//!     "burn_rates": [{"window": "5m", "window_seconds": 300, "good": 0, "bad": 0, "coverage": 1.0, "rate": null}],
//!     "alerts": [{
//!       "severity": "page", "window": "5m/1h", "short_seconds": 300, "long_seconds": 3600, "factor": "14.4",
//!       "state": "inactive", "since": "2026-01-01T00:00:00Z"
//!     }],
//!     "unreachable": [],
//!     "history": [{"at": "2026-01-07T00:00:00Z", "remaining": 0.8}]
//!   }]
//! }
//! ```
//!
//! | member | |
//! |---|---|
//! | `side` | `server` or `client` |
//! | `indicator` | `{"kind": "availability"}`, or latency, whose `at` is `end` or `first_byte` |
//! | `routes` | `null` where it is about all, or those that a closure picks |
//! | `coverage` | the share of the window, 0 to 1, in which somebody was there to count |
//! | `remaining` | 1 of a whole budget, less than 0 of one that is overdrawn; `null` where the data does not suffice: less than a tenth of the period is covered, or nothing was counted |
//! | `rate` | how many times as fast as would use up the budget in one period; `null` where nothing was counted |
//! | `factor` | the burn rate from which it holds: a decimal, or a fraction such as `14/15` |
//! | `state` | `inactive`, `pending` or `firing`; `since` when |
//! | `unreachable` | the conditions left out, as in `alerts`, with a `reason` in place of `state` and `since` |
//! | `history` | what remained at the beginning of the period and at the end of each sixtieth of it, the oldest first |
//!
//! The page runs no script and fetches nothing: its `Content-Security-Policy` allows its one stylesheet,
//! by its hash. Whatever objectives are called stands there as text.
//!
//! ## Profiles
//!
//! `GET /debug/pprof/profile` takes `seconds` and `frequency`, as `pprof::PprofService` says, and answers with
//! a gzipped protobuf of pprof's (`application/octet-stream`), as `GET /debug/pprof/heap` does. `HEAD` of
//! the former samples nothing.
//!
//! ## Refusals
//!
//! Whatever is refused is told as `application/problem+json` ([RFC 9457]) with the members `type`
//! (`about:blank`), `title`, `status`, `detail` and, where a member of the body or a parameter is at fault,
//! `field`: its path from the outermost, such as `match.all[1].status.from`.
//!
//! | status | why |
//! |---|---|
//! | 400 | the body is no JSON object, or `field` (of the body or the query) is missing, unknown, doubled or out of range |
//! | 401 | no credentials, or wrong ones; `WWW-Authenticate` names those that would do |
//! | 403 | whoever asks may not |
//! | 404 | there is nothing at the path; or no such capture |
//! | 405 | there is, but not for this method; `Allow` lists those it takes |
//! | 409 | another profile is taken; or no command sends the request again |
//! | 413 | the body has more than 64 KiB ([`MAX_BODY_BYTES`]); what comes after is not read |
//! | 415 | the body is not said to be `application/json` |
//! | 500 | the profiler failed |
//! | 501 | there is no such profile in this program |
//! | 503 | the change was allowed and could not be made; or as many watch as may |
//!
//! In that order: an unknown path is told before a wrong method, that before missing credentials, and
//! those before anything of the body is read.
//!
//! # The audit
//!
//! Every change, and every attempt at one without the right, is a `tracing` event at INFO with the target
//! `tower_observability::audit` and the fields `what` (`log_filter`; `debug_dump`, whose `old` and `new` are
//! the rule as JSON, cut after 4096 bytes, or `disarmed`; `debug_dump_captures`, which are their numbers; or
//! method and path of an attempt), `old`, `new`, `time_to_live_seconds`, `principal` and `outcome` (`applied`, `expired`, `failed`,
//! `unauthorized`, `forbidden`); fields that do not apply are left out. No filter that is set here silences it.
//!
//! # What it cannot do
//!
//! - No TLS, no time-outs and no limit on connections, which are the listener's.
//! - A dump's rule that is over by itself, by its time, its captures or its bytes, leaves no audit event.
//! - A stream lasts as long as its client: a listener that is shut down gracefully waits for it.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

mod access;
mod answer;
mod audit;
mod bearer;
mod builder;
#[cfg(feature = "debug-dump")]
mod dumps;
mod fields;
#[cfg(feature = "health")]
mod health;
mod index;
mod json;
#[cfg(feature = "live")]
mod live;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(any(feature = "live", feature = "slo"))]
mod page;
#[cfg(feature = "pprof")]
mod profiles;
mod section;
mod service;
#[cfg(feature = "slo")]
mod slo;

#[cfg(all(test, feature = "testing"))]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use access::{Access, Authorizer, Closed, Decision};
pub use answer::AdminBody;
pub use bearer::BearerToken;
pub use builder::AdminBuilder;
#[cfg(feature = "live")]
pub use live::{HealthLine, HealthStatus, LivePage};
pub use log::{FallBack, LogControl, LogError, LogStatus};
pub use service::AdminFuture;

use self::service::Shared;

/// The most bytes that are read of a request's body: 64 KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The admin service. A clone is the same service. See the [module](self).
#[derive(Clone)]
pub struct Admin(Arc<Shared>);

impl Admin {
    /// Begins a service whose every request this authoriser decides on.
    pub fn builder(authorizer: impl Authorizer) -> AdminBuilder {
        AdminBuilder::new(authorizer)
    }
}

#[cfg(feature = "axum")]
impl Admin {
    /// A [`Router`](axum::Router) that is this service, for `axum::serve` (feature `axum`).
    pub fn into_router(self) -> axum::Router {
        axum::Router::new().fallback_service(self)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}
