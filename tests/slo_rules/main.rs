//! What is generated from objectives, read by those it is for.
#![cfg(feature = "slo")]

#[cfg(all(feature = "metrics", feature = "telemetry", target_os = "linux"))]
mod exported;
mod promtool;
mod scenario;
mod scenarios;
mod variants;
