//! Exchanges in Sentry: one event for each panic and each failure, with no secret in it.
//!
//! [`SentryLayer`] binds a Sentry hub to each exchange, so that whatever is captured in it is its own,
//! and adds to each event what the exchange is known by: method, route, URL and headers by the redaction
//! policy, the IDs of the request and of the trace. When the exchange ends badly it captures an event
//! itself, with what only the end can know: the status after the body, the gRPC status, the outcome.
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "access-log", feature = "catch-panic"))] {
//! use axum::{Router, routing::get};
//! use tower_observability::access_log::AccessLogLayer;
//! use tower_observability::catch_panic::CatchPanicLayer;
//! use tower_observability::sentry::{OneEvent, SentryLayer};
//!
//! // in `main`, with the crate `sentry` (the guard sends what is left when it is dropped):
//! // let _guard = sentry::init(
//! //     sentry::ClientOptions::new().dsn(&dsn).add_integration(OneEvent),
//! // );
//! # let _ = OneEvent;
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "ada" }))
//!     .layer(CatchPanicLayer::server())
//!     .layer(SentryLayer::server()) // outside of what catches panics
//!     .layer(AccessLogLayer::server()); // and inside of what records
//! # }
//! ```
//!
//! # What is reported
//!
//! | an exchange | is reported |
//! |---|---|
//! | panicked, caught or not | always, once, as *fatal* where it was not caught |
//! | is an error by the [judgement](crate::classify) of every signal: 5xx, a gRPC code of the server's, an error of the service or the body | by default ([`report_if`](SentryLayer::report_if)), unless an error was captured in it already |
//!
//! Errors are [sampled](SentryLayer::sample_rate), and of those that are alike, by route and error type,
//! one is reported in each [window](SentryLayer::window), with the number of those that were not. Panics
//! are neither.
//!
//! # Exactly one event
//!
//! - Where the client has Sentry's own panic integration, as it has by default, what that captures of a
//!   panic in an exchange is kept until the end, when it is known whether something caught it, and how
//!   that was answered. Its event and the layer's are one then, with the calls that led to the panic; and
//!   the request does not wait until it is sent, which that integration does for up to two seconds. A
//!   panic that the handler catches itself is the integration's, as ever. At most eight are kept; what
//!   comes after them is sent at once. In Sentry's own statistics each of them counts as discarded once,
//!   as it is captured again at the end.
//! - What is captured while a panic unwinds is left out if that is reported: it is of the same panic.
//! - With `sentry-tracing`, the access log's line of a failed exchange would become an event, too:
//!   [`OneEvent`] leaves that out. Without it there are two.
//! - [`catch_panic::PanicHook`](crate::catch_panic::PanicHook) tells the location, and the backtrace if
//!   that is asked for, as text of at most 16 KiB, in the event's `extra`.
//!
//! # What is hidden
//!
//! In the URL, headers, texts, breadcrumbs, tags and extras of every event: what the redaction policy
//! finds. Headers that tell a person, such as the addresses of `x-forwarded-for`, are left out unless the
//! client is set to `send_default_pii`. Breadcrumbs are those of the exchange alone.
//!
//! # What it costs
//!
//! Where no client is bound: nothing is copied, nothing allocated. Otherwise a hub, and a copy of the
//! request's headers. Sending is the client's: its queue is bounded and never waited for. The calls that
//! led to a panic are looked up by the panic integration while it happens: some 0.2 ms, and for the first
//! panic of a process, which reads what is known for debugging, up to a second.
//!
//! # What it cannot do
//!
//! - A panic outside of the layer, such as in a spawned task or in a layer around this one, is the panic
//!   integration's alone: without the exchange's IDs, and with its wait.
//! - Where a second panic ends the process before the end, the first one is not reported either. With
//!   `panic = "abort"` the panic integration reports all, and waits, as it does without the layer.
//! - The guard of `sentry::init` waits longer than its time-out where the endpoint never answers: it joins
//!   the thread that sends, and `sentry`'s transports have no time-out of their own.
//! - What a handler tells Sentry's logs or metrics (features of `sentry`) in the last seconds before the
//!   process ends may be lost while the panic integration is on.
//! - Performance traces are OpenTelemetry's: the layer makes no Sentry transactions. What `sentry-tower`
//!   has for hubs is used ([`HubProvider`](sentry_tower::HubProvider)); its HTTP layer is not, as it copies
//!   every header whether or not there is a client, and ends at the response headers.

mod alike;
mod client;
mod enrich;
mod event;
mod observer;
mod scrub;
mod settings;

#[cfg(all(test, feature = "testing"))]
mod tests;

pub use client::OneEvent;
pub use observer::{Reporting, Sentry};

use crate::exchange::ObserveLayer;

/// The layer that reports to Sentry. See the [module](self).
pub type SentryLayer = ObserveLayer<Sentry>;
