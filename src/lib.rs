//! Composable [Tower](https://docs.rs/tower) layers for observability, on any service that speaks
//! [`http`]: axum, hyper and tonic servers, reqwest, tonic and hyper clients.
//!
//! One exchange is measured once, judged once, and told everywhere: no two signals ever disagree
//! about it.
//!
//! | layer | what it does | feature |
//! |---|---|---|
//! | `request_id::RequestIdLayer` | gives each exchange one ID, and hands it on | `request-id` |
//! | `trace::TraceLayer` | records a span for each exchange, and hands the trace on | `trace` |
//! | `metrics::MetricsLayer` | counts and measures each exchange, for Prometheus and OpenTelemetry | `metrics` |
//! | `access_log::AccessLogLayer` | writes one event for each exchange, at its end | `access-log` |
//! | `slo::SloLayer` | counts each exchange as good or bad by what is promised | `slo` |
//! | `sentry::SentryLayer` | reports each panic and failure to Sentry, once | `sentry` |
//! | `catch_panic::CatchPanicLayer` | answers where a service panics | `catch-panic` |
//! | `debug_dump::DebugDumpLayer` | keeps whole exchanges, while a rule asks for them | `debug-dump` |
//! | `live::LiveLayer` | keeps what an engineer looks at first: what runs, what was slow, what failed | `live` |
//! | [`exchange::ObserveLayer`] | lets an [`Observer`](exchange::Observer) of your own see every exchange | always |
//!
//! Around them, `operation::Operation` (feature `operation`) records a span for any other future, and
//! `telemetry::Telemetry` (feature `telemetry`) sets up what spans and logs need. `admin::Admin` (feature
//! `admin`) is what an operator asks a process, `health` (feature `health`) what an orchestrator does, and
//! `pprof` (feature `pprof`) profiles it.
//!
//! Each layer stands alone and needs no other. Stacked or fused, they share one record of the
//! exchange, [`exchange::Facts`], which everything that runs inside finds without an argument.
//!
//! # What each layer is told, and when
//!
//! ```text
//!            request                                  response
//!               │                                        ▲
//!  begin ───────┤ outer to inner          inner to outer ├─────── response
//!               ▼                                        │
//!            call ──▶ polls ──▶ headers ──▶ body frames ─┴▶ end of body, or a drop ──▶ end
//! ```
//!
//! `end` comes exactly once for each exchange, however it ends:
//!
//! | what happened | outcome |
//! |---|---|
//! | the body yielded its end, or its trailers | completed |
//! | HEAD, 204, 304, a body that is over when wrapped | completed, at the headers |
//! | 101, and CONNECT answered with 2xx | completed at the headers, marked `upgraded` |
//! | the body was dropped after all of its Content-Length (or exact size hint); not for gRPC | completed |
//! | the body ended short of its Content-Length, or ran past it | failed, `content_length_mismatch` |
//! | the body was dropped before its end, on a server | aborted |
//! | the body was dropped before its end, on a client | completed, marked `unread` |
//! | the future was dropped before the headers | cancelled |
//! | dropped, or a client's `Err`, when the caller's time had run out | deadline_exceeded |
//! | the service or the body answered `Err`, or a final status 1xx other than 101 | failed |
//! | a panic in `call`, a poll, the body, or a drop of them | panicked |
//!
//! "End" means handed to the transport. What no layer can see: over HTTP/1 a client that leaves
//! while its request body is unread is noticed only when the handler ends; a small body that the
//! peer never reads counts as completed, and so does one whose Content-Length is met when more
//! would follow; a gRPC caller who drops the answers of a bidirectional call, but not the requests,
//! is noticed when those end too; an outer time-out decides what is sent, not this crate; tonic's
//! `Server::timeout` without a `grpc-timeout` header looks like a cancel, unless the layer is told
//! of it with [`deadline`](exchange::ObserveLayer::deadline).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod attribute;
#[cfg(any(feature = "live", feature = "metrics"))]
mod bounded;
#[cfg(any(feature = "request-id", feature = "access-log", feature = "trace", feature = "metrics"))]
pub mod caller;
pub mod classify;
pub mod clock;
pub mod config;
#[cfg(any(feature = "admin", feature = "telemetry"))]
mod directives;
mod error;
pub mod escape;
pub mod exchange;
pub mod grpc;
pub mod id;
#[cfg(any(
    feature = "access-log",
    feature = "admin",
    feature = "catch-panic",
    feature = "debug-dump",
    feature = "health",
    feature = "live",
    feature = "metrics",
    feature = "pprof",
    feature = "sentry",
    feature = "trace"
))]
mod message;
#[cfg(any(feature = "metrics", feature = "slo"))]
mod metric_name;
pub mod redact;
pub mod route;
mod shard;

#[cfg(feature = "access-log")]
pub mod access_log;
#[cfg(feature = "admin")]
pub mod admin;
#[cfg(feature = "catch-panic")]
pub mod catch_panic;
#[cfg(feature = "debug-dump")]
pub mod debug_dump;
#[cfg(feature = "health")]
pub mod health;
#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "operation")]
pub mod operation;
#[cfg(feature = "pprof")]
pub mod pprof;
#[cfg(feature = "request-id")]
pub mod request_id;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "sentry")]
pub mod sentry;
#[cfg(feature = "slo")]
pub mod slo;
#[cfg(feature = "stack")]
pub mod stack;
#[cfg(feature = "telemetry")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "trace")]
pub mod trace;

/// The code in the README and in `docs/` compiles.
#[cfg(all(
    doctest,
    feature = "stack",
    feature = "catch-panic",
    feature = "sentry",
    feature = "reqwest",
    feature = "tonic",
    feature = "pprof",
    feature = "testing",
    feature = "axum"
))]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/guide.md")]
    struct Guide;
    #[doc = include_str!("../docs/recipes.md")]
    struct GuideRecipes;
    #[doc = include_str!("../docs/layers.md")]
    struct GuideLayers;
    #[doc = include_str!("../docs/collectors.md")]
    struct GuideCollectors;
    #[doc = include_str!("../docs/incident.md")]
    struct GuideIncident;
    #[doc = include_str!("../docs/migration.md")]
    struct GuideMigration;
    #[doc = include_str!("../docs/alerting.md")]
    struct GuideAlerting;
}
