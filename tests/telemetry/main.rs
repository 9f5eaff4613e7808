//! Telemetry against real receivers of OTLP, built on the official protocol.
#![cfg(feature = "telemetry")]

mod collector;
mod failing;
mod flushing;
mod kit;
mod logs;
mod metrics;
mod metrics_failing;
mod settings;
mod traces;
