//! [Tower](https://docs.rs/tower) layers that observe any service or client that speaks [`http`]: request IDs,
//! traces, metrics, access logs, objectives, dumps, panics, errors.
//!
//! One exchange is measured once, judged once, and told everywhere, at its end, which is the end of the
//! body: no two signals ever disagree about it.
//!
#![cfg_attr(all(feature = "stack", feature = "axum"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "stack", feature = "axum")), doc = "```ignore")]
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use tokio::net::TcpListener;
//! use tower_observability::telemetry::{LogFormat, Telemetry};
//! use tower_observability::{admin::BearerToken, stack::termination};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let telemetry = Telemetry::builder("shop").logs(LogFormat::Auto).from_env().install()?;
//!
//!     // /metrics, /debug, probes and more, for operators
//!     let operators = BearerToken::from_env("ADMIN_TOKEN")?;
//!     let admin = telemetry.admin(operators).build().into_router();
//!     let private = TcpListener::bind("127.0.0.1:9464").await?;
//!     tokio::spawn(async { axum::serve(private, admin).await });
//!
//!     let app = Router::new().route("/users/{id}", get(async || "ada")).layer(telemetry.server());
//!     let public = TcpListener::bind("127.0.0.1:3000").await?;
//!     let server = axum::serve(public, app).with_graceful_shutdown(telemetry.draining());
//!     let told = telemetry.serve_until(termination(), server, Duration::from_secs(25)).await?;
//!     told.inspect_err(|lost| eprintln!("{lost}")).ok();
//!     Ok(())
//! }
//! ```
//!
//! `telemetry.server()` is the same layer for axum, tonic and hyper, `telemetry.client()` the one for
//! reqwest, tonic and hyper-util; [`stack`] is about both. Each layer stands alone, too, and needs no
//! other:
//!
//! | layer | what it does | feature |
//! |---|---|---|
//! | [`request_id`]`::RequestIdLayer` | gives each exchange one ID, and hands it on | `request-id` |
//! | [`trace`]`::TraceLayer` | records a span for each exchange, and hands the trace on | `trace` |
//! | [`access_log`]`::AccessLogLayer` | writes one event for each exchange, at its end | `access-log` |
//! | [`metrics`]`::MetricsLayer` | counts and measures each exchange, for Prometheus and OpenTelemetry | `metrics` |
//! | [`live`]`::LiveLayer` | keeps what an engineer looks at first: what runs, was slow, failed | `live` |
//! | [`slo`]`::SloLayer` | counts each exchange as good or bad by what is promised | `slo` |
//! | [`debug_dump`]`::DebugDumpLayer` | keeps whole exchanges, while a rule asks for them | `debug-dump` |
//! | [`sentry`]`::SentryLayer` | reports each panic and failure to Sentry, once | `sentry` |
//! | [`catch_panic`]`::CatchPanicLayer` | answers where a service panics | `catch-panic` |
//! | [`exchange::ObserveLayer`] | lets an [`Observer`](exchange::Observer) of your own see every exchange | always |
//!
//! | to | there is | feature |
//! |---|---|---|
//! | have all of it in one layer, and an orderly end | [`stack`] | `stack`, which brings all of these but `sentry` |
//! | set up spans, logs and metrics, and send them over OTLP | [`telemetry`]`::Telemetry` | `telemetry` |
//! | record a query, a message, any other future | [`operation`]`::Operation` | `operation` |
//! | be asked by operators, on an address of its own | [`admin`]`::Admin` | `admin` |
//! | be asked by an orchestrator | [`health`]`::Health` | `health`, `health-grpc` |
//! | take profiles | [`pprof`]`::PprofService` | `pprof`, `pprof-jemalloc` |
//! | let layers fit around a `reqwest::Client` | [`reqwest`]`::ReqwestService` | `reqwest` |
//! | know axum's routes and peers, tonic's statuses | nothing to call | `axum`, `tonic` |
//! | assert what was recorded | [`testing`] | `testing`, for `[dev-dependencies]` |
//!
//! No feature is on by default; `full` is all of them but `pprof-jemalloc`, which needs a C compiler.
//! Shared by all: [`exchange::Facts`], the one record of an exchange, which whatever runs inside finds
//! without an argument ([`annotate`](exchange::annotate), [`flag`](exchange::flag)); [`classify`], whose doing
//! an end was; [`redact`], what is a secret; [`route`], templates and never paths.
//!
//! The guide, with recipes, collectors, an incident and migrations, is in `docs/` of the repository.
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
#![cfg_attr(not(feature = "full"), allow(rustdoc::broken_intra_doc_links))]
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
    feature = "otel-metrics",
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
