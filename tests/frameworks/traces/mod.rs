//! Traces over real transports.

mod endings;
mod grpc;
#[cfg(feature = "tracing-opentelemetry")]
mod interop;
mod kit;
mod w3c;
