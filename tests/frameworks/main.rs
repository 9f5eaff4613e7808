//! The exchange core over real transports: whatever they do, each exchange is recorded once and
//! truthfully.
#![cfg(all(feature = "testing", feature = "axum", feature = "tonic"))]

mod axum_server;
mod chains;
mod clients;
mod echo;
mod grpc_calls;
mod grpc_ends;
mod hyper_connections;
mod hyper_server;
mod kinds;
mod limits;
#[cfg(all(
    feature = "metrics",
    feature = "telemetry",
    feature = "access-log",
    feature = "reqwest"
))]
mod metrics;
#[cfg(feature = "reqwest")]
mod reqwest_client;
mod routes;
#[cfg(all(feature = "stack", feature = "reqwest"))]
mod stack;
mod support;
mod tower_http;
#[cfg(feature = "telemetry")]
mod traces;
#[cfg(feature = "telemetry")]
#[path = "../written/mod.rs"]
mod written;
