//! What is promised of a service, and how much of it may still be broken.
//!
//! An [`Objective`] is defined once. A [`SloLayer`] counts each exchange by it; an [`SloTracker`] knows
//! budget, burn rates and alarms in this process; [`Artefacts`] are what Prometheus, Grafana and those
//! who are paged need of it.
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "metrics"))] {
//! use std::time::Duration;
//!
//! use axum::{Router, routing::post};
//! use prometheus::Registry;
//! use tower_observability::slo::{Artefacts, Objective, SloLayer, SloTracker, Target};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let objectives = [
//!     Objective::availability("checkout-availability", Target::percent("99.9")?)
//!         .route("/checkout")
//!         .build()?,
//!     Objective::latency("checkout-latency", Target::percent("95")?, Duration::from_millis(300))
//!         .route("/checkout")
//!         .build()?,
//! ];
//! let tracker = SloTracker::builder().objectives(objectives.clone()).build()?;
//! tracker.register(&Registry::new())?;
//! let app: Router =
//!     Router::new().route("/checkout", post(async || "thanks")).layer(SloLayer::server(&tracker));
//! // in another program, or a test: what is to be deployed beside it
//! let rules = Artefacts::builder("shop").objectives(objectives).build()?.rules();
//! # assert!(rules.contains("slo_events_total"));
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! # What is good, and what is bad
//!
//! What the [judgement](crate::classify) of every signal says: what is ours is bad (5xx, a gRPC code of the
//! server's, an error, a panic, a deadline), what the peer ended is left out, all else is good; each of it
//! [can](ObjectiveBuilder::judge) [be](ObjectiveBuilder::status_is)
//! [changed](ObjectiveBuilder::peers_ends). A latency objective asks for good exchanges that took no longer
//! than its threshold.
//!
//! # Whose view
//!
//! The tracker knows what this instance saw: good for admission, health checks and a page about one
//! process. Of the fleet Prometheus knows, which adds up `slo_events_total{slo,outcome}` of all instances;
//! both counters of an objective are there from the start, at 0. After a restart the tracker says that its
//! data does not suffice, unless it [took over](SloTracker::restore) what the last process
//! [saved](SloTracker::save).
//!
//! # Windows
//!
//! Running totals are kept at the ends of slots: of 10 s for an hour, of 4 minutes for a day, of an hour
//! for the period, 23 kB for each objective. A window is right but for half a slot at its beginning, at most
//! 2 % of it, or 3.4 % where [a condition](Severity::new) has windows of its own. Slots are ended where an exchange ends, or somebody asks: there is no thread.
//!
//! # Alarms
//!
//! A [`Severity`] holds where short and long window burn faster than its factor, and the long one has
//! [some](ObjectiveBuilder::least_bad) bad exchanges; it fires once that lasted a tenth of the short
//! window, and is over once it was away as long. Changes are told to
//! [`on_change`](SloTrackerBuilder::on_change), as `tracing` events with the target
//! `tower_observability::slo` (WARN where it fires), and by a metric. A condition that not even a total
//! outage could reach is [left out](Objective::unreachable).
//!
//! # What it cannot do
//!
//! - Two layers with one tracker around the same exchange count it twice.
//! - The tracker and its metrics are told to Prometheus alone, not to OpenTelemetry's meters.

mod alert;
mod artefacts;
mod builder;
#[cfg(feature = "metrics")]
mod collector;
mod file;
mod format;
mod layer;
mod objective;
mod report;
mod rolling;
mod severity;
mod snapshot;
mod target;
mod told;
mod tracked;
mod tracker;
mod window;

#[cfg(all(test, feature = "testing"))]
mod tests;

pub use artefacts::{Artefact, Artefacts, ArtefactsBuilder, RunbookCommand, WriteError};
pub use builder::ObjectiveBuilder;
pub use layer::{Slo, SloLayer};
pub use objective::{Indicator, Moment, Objective, PeersEnds};
pub use report::{AlertReport, AlertState, Budget, BudgetPoint, BurnRate, ObjectiveReport, Tally};
pub use severity::{Factor, Severity, Urgency};
pub use snapshot::{Restored, SnapshotError};
pub use target::Target;
pub use tracked::AlertChange;
pub use tracker::{SloTracker, SloTrackerBuilder};
pub use window::Window;
#[cfg(feature = "admin")]
pub(crate) use window::duration_text;
