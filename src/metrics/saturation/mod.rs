//! How full the process is, read at each scrape: no task runs in the background, and nothing that
//! serves requests ever waits for a scrape.
//!
//! | collector | what it tells |
//! |---|---|
//! | [`ProcessCollector`] | CPU time, memory, file descriptors, threads: the standard `process_*` metrics |
//! | [`RuntimeCollector`] | a tokio runtime: its workers, how busy they are, what waits for them |
//! | [`Gauges`] | whatever else can be full: a pool, a queue, a limit, by a closure each |
//!
//! ```
//! use std::sync::Arc;
//!
//! use prometheus::Registry;
//! use tokio::sync::Semaphore;
//! use tower_observability::metrics::saturation::{Gauges, ProcessCollector, RuntimeCollector};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! ProcessCollector::builder().register(&registry)?;
//! RuntimeCollector::current()?.register(&registry)?;
//!
//! // a limit on what is done at once, and how much of it is left
//! let limit = Arc::new(Semaphore::new(100));
//! let left = Arc::clone(&limit);
//! Gauges::builder()
//!     .gauge("payments_concurrency_limit", "Payments that may be made at once.", || 100.0)
//!     .gauge("payments_available_permits", "Payments that may begin now.", move || {
//!         left.available_permits() as f64
//!     })
//!     .register(&registry)?;
//! # Ok(())
//! # }
//! ```
//!
//! All of them have a prefix and constant labels, if wanted: see [`CollectorBuilder`].

pub(crate) mod builder;
mod gauges;
mod process;
mod runtime;
mod utilization;

pub use builder::CollectorBuilder;
pub use gauges::Gauges;
pub use process::ProcessCollector;
pub use runtime::RuntimeCollector;

#[cfg(all(test, feature = "testing"))]
mod tests;
