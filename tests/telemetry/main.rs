//! Telemetry against real receivers of OTLP, built on the official protocol.
#![cfg(feature = "telemetry")]

mod collector;
mod failing;
mod flushing;
mod kit;
mod logs;
mod settings;
mod traces;
