//! What a service tells when things end: its receiver, its disk, the service itself. Requests are
//! answered all the same, and nothing is lost silently.
#![cfg(all(feature = "stack", feature = "axum", target_os = "linux"))]

#[path = "../telemetry/collector/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of telemetry, which use all of it")]
mod collector;
mod disk;
mod hanging;
mod kit;
mod load;
mod process;
mod receiver;
mod sigterm;
