//! Every exchange counted once, with its duration, by labels that nobody can blow up.

mod builder;
mod collect;
mod collector;
mod definitions;
pub(crate) mod exposition;
pub(crate) mod instrument;
mod instruments;
pub(crate) mod names;
mod observer;
#[cfg_attr(not(feature = "otel-metrics"), path = "otel/off.rs")]
mod otel;
mod routes;
mod series;

pub use builder::{MetricsBuilder, RegisterError};
pub use observer::{Measuring, Metrics};

use crate::exchange::ObserveLayer;

/// The layer that measures each exchange.
pub type MetricsLayer = ObserveLayer<Metrics>;
