//! Panics over real transports: what the client gets, and what every signal and Sentry tell of them.
#![cfg(all(
    feature = "access-log",
    feature = "axum",
    feature = "catch-panic",
    feature = "metrics",
    feature = "request-id",
    feature = "sentry",
    feature = "telemetry",
    feature = "testing",
    feature = "tonic"
))]

mod calls;
mod cancelled;
mod endpoint;
mod expected;
#[path = "../../src/metrics/tests/gathered.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod gathered;
mod many;
mod mines;
mod once;
mod servers;
mod signals;
mod stalled;
#[path = "../frameworks/support.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod support;
mod table;
mod told;
#[path = "../written/mod.rs"]
mod written;
