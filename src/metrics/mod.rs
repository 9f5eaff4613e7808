//! Metrics of each exchange.

pub(crate) mod exposition;
pub(crate) mod instrument;
pub(crate) mod names;
pub mod saturation;
