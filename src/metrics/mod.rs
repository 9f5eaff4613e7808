//! Every exchange counted once, with its duration, by labels that nobody can blow up.

mod builder;
pub(crate) mod collect;
mod collector;
mod definitions;
pub(crate) mod exposition;
mod flags;
pub(crate) mod instrument;
mod instruments;
pub(crate) mod names;
mod observer;
mod routes;
mod series;

pub use builder::{MetricsBuilder, RegisterError};
pub use observer::{Measuring, Metrics};

use crate::exchange::ObserveLayer;

/// The layer that measures each exchange.
pub type MetricsLayer = ObserveLayer<Metrics>;
