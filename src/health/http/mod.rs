//! Answers to probes over HTTP.

mod asked;
mod json;
mod service;
mod text;

pub use service::HealthService;
