//! What a scrape is answered: the metrics of a registry in the format that was asked for.
//!
//! ```text
//! Registry ──▶ extras::gather ──▶ clean ──▶ text | openmetrics (names) | protobuf ──▶ MetricsService
//! ```

mod clean;
pub(crate) mod extras;
mod format;
mod lines;
mod names;
mod number;
mod openmetrics;
mod points;
#[cfg(feature = "metrics-protobuf")]
mod protobuf;
mod service;
mod text;

#[cfg(test)]
mod tests;

pub use format::{Format, encode};
pub use service::{MetricsBody, MetricsFuture, MetricsService};
