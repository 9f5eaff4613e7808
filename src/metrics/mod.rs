//! Metrics of each exchange.

pub(crate) mod exposition;
pub(crate) mod instrument;

pub use exposition::{Format, MetricsBody, MetricsFuture, MetricsService, encode};
