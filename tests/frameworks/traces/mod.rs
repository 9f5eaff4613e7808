//! Traces over real transports.

#[cfg(feature = "tracing-opentelemetry")]
mod interop;
mod w3c;
