//! What is promised of a service, and how much of it may still be broken.

mod artefacts;
mod builder;
mod objective;
mod report;
mod severity;
mod target;
mod window;

pub use artefacts::{Artefact, Artefacts, ArtefactsBuilder, RunbookCommand, WriteError};
pub use builder::ObjectiveBuilder;
pub use objective::{Indicator, Moment, Objective, PeersEnds};
pub use report::{AlertReport, AlertState, Budget, BudgetPoint, BurnRate, ObjectiveReport, Tally};
pub use severity::{Factor, Severity, Urgency};
pub use target::Target;
pub use window::Window;
