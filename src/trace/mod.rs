//! Traces.
#[cfg(feature = "telemetry")]
pub mod processor;
pub mod propagation;
mod tracer;
