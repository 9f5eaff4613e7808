//! Traces.
#[cfg(feature = "telemetry")]
pub mod processor;
pub mod propagation;
pub(crate) mod tracer;
