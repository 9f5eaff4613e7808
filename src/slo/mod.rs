//! What is promised of a service, and how much of it may still be broken.

mod alert;
mod builder;
#[cfg(feature = "metrics")]
mod collector;
mod format;
mod layer;
mod objective;
mod report;
mod rolling;
mod severity;
mod snapshot;
mod target;
mod tracked;
mod tracker;
mod window;

#[cfg(all(test, feature = "testing"))]
mod tests;

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
