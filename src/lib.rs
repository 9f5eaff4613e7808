//! Composable Tower layers for observability.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod attribute;
#[cfg(any(feature = "request-id", feature = "access-log"))]
pub mod caller;
pub mod classify;
pub mod clock;
pub mod config;
mod error;
pub mod escape;
pub mod exchange;
pub mod grpc;
pub mod id;
pub mod redact;
pub mod route;

#[cfg(feature = "access-log")]
pub mod access_log;
#[cfg(feature = "request-id")]
pub mod request_id;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "testing")]
pub mod testing;
