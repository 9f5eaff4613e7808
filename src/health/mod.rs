//! Probes that an orchestrator can trust: checks run in the background, probes read what they found.
//!
//! ```
//! use std::time::Duration;
//! use axum::Router;
//! use tower_observability::health::{Component, Group, Health, TcpCheck};
//! # async fn acquire() -> Result<(), std::io::Error> { Ok(()) }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let health = Health::builder()
//!     .version("1")
//!     .release_id(env!("CARGO_PKG_VERSION"))
//!     // a pool of your own, by a closure
//!     .component(Component::new("database", || async { acquire().await }))
//!     .component(Component::new("mail", TcpCheck::new("mail.internal:25")).critical(false))
//!     .start()?;
//! let app: Router = Router::new()
//!     .route_service("/livez", health.service())
//!     .route_service("/readyz", health.service());
//! health.until_healthy(Group::Ready).await;
//! # Ok(())
//! # }
//! ```
//!
//! | what | with |
//! |---|---|
//! | what is looked after, and how | [`Component`], [`Check`] |
//! | ready-made checks | [`HttpCheck`], [`TcpCheck`], [`DiskSpaceCheck`], [`BudgetCheck`] |
//! | `/livez`, `/readyz`, `/startupz`, `/health` | [`HealthService`] |
//! | the gRPC health protocol (feature `health-grpc`) | `GrpcHealth` |
//! | metrics (feature `metrics`) | `HealthMetrics` |
//! | draining | [`Health::drain`] |
//!
//! # How it is judged
//!
//! Each component has a task of its own, so that a check never runs twice at once, however many probes
//! come, and a slow one holds up no other. What it finds is published as a whole, which probes read: a
//! probe never waits for a check. A time-out is a failure, and so is a panic.
//!
//! - Before its first pass, a critical component fails and another one warns.
//! - A component fails after so many failures in a row, and passes after so many passes.
//! - A result that is not renewed warns after a while, and later fails. That is how a check shows that
//!   blocks its thread.
//! - Of a component that is not critical, a failure is a warning to its groups.
//! - [`Group::Startup`] passes once, and stays. [`Group::Live`] has nothing in it unless you put it there;
//!   `Component::new("runtime", async || ()).groups([Group::Live])` fails when tasks get no turn any more.
//!
//! # The order of an orderly end
//!
//! 1. [`Health::drain`]: not ready, and every open gRPC `Watch` ends;
//! 2. wait until load balancers have noticed ([`Health::drain_for`] does both);
//! 3. stop the servers, gracefully;
//! 4. [`Health::stop`].
//!
//! # Events and metrics
//!
//! A component or a group that changes is told as an event of the target `tower_observability::health`:
//! INFO when it is well again or drains, else WARN. Growing stale is noticed within a second.
//!
//! What it cannot do: it does not see that all threads of the runtime hang, unless something outside of
//! it asks for the results; a probe's own time-out does that.

mod board;
mod builder;
mod check;
mod checks;
mod component;
#[cfg(feature = "health-grpc")]
mod grpc;
mod handle;
mod http;
mod known;
#[cfg(feature = "metrics")]
mod metrics;
mod report;
mod runner;
mod snapshot;
mod status;

#[cfg(all(test, feature = "testing"))]
mod tests;

pub use builder::HealthBuilder;
pub use check::Check;
pub use checks::{BudgetCheck, HttpCheck, TcpCheck};
#[cfg(unix)]
pub use checks::{DiskSpaceCheck, Free};
pub use component::Component;
#[cfg(feature = "health-grpc")]
pub use grpc::{GrpcHealth, GrpcHealthFuture};
pub use handle::Health;
pub use http::HealthService;
#[cfg(feature = "metrics")]
pub use metrics::HealthMetrics;
pub use report::Report;
pub use snapshot::Snapshot;
pub use status::{ComponentType, Details, Group, Status};

/// What stands among the components of [`Group::Ready`] while the service drains.
const DRAIN: &str = "drain";
