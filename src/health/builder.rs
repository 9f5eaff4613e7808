//! Setting up what is looked after.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::board::{About, Board};
use super::component::Component;
use super::{Health, runner};
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::redact::Redaction;

/// Sets up a [`Health`]; a setting that cannot be used is an error of [`start`](Self::start).
#[derive(Default)]
#[must_use = "nothing is looked at before `start`"]
pub struct HealthBuilder {
    about: About,
    components: Vec<Component>,
    clock: Clock,
    redaction: Redaction,
}

impl HealthBuilder {
    /// Looks after one more component.
    pub fn component(mut self, component: Component) -> Self {
        self.components.push(component);
        self
    }

    /// The public version of the service, such as `1`; not told unless set. This and what else is said of
    /// the service is told [to those who may read](super::Details::Told) alone.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.about.version = Some(version.into());
        self
    }

    /// The version of the build, such as `env!("CARGO_PKG_VERSION")`; not told unless set.
    pub fn release_id(mut self, release: impl Into<String>) -> Self {
        self.about.release_id = Some(release.into());
        self
    }

    /// The ID of this service; not told unless set.
    pub fn service_id(mut self, id: impl Into<String>) -> Self {
        self.about.service_id = Some(id.into());
        self
    }

    /// What the service is, in words; not told unless set.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.about.description = Some(description.into());
        self
    }

    /// Adds a note, such as the name of the cluster.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.about.notes.push(note.into());
        self
    }

    /// The clock that results are dated by, and their age is told by; the system's unless told. Intervals
    /// and time-outs are tokio's.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// What is hidden in the outputs of checks; the default policy unless told.
    pub fn redaction(self, redaction: Redaction) -> Self {
        Self { redaction, ..self }
    }

    /// Starts to look, at all components at once.
    ///
    /// # Errors
    ///
    /// On a setting that is not allowed, a name that comes twice, more than 256 components, or outside of
    /// a tokio runtime.
    ///
    /// # Panics
    ///
    /// The tasks do, so that no check ever passes, on a runtime without tokio's timers.
    pub fn start(self) -> Result<Health, ConfigError> {
        const MOST: usize = 256;
        if self.components.len() > MOST {
            let count = self.components.len().to_string();
            return Err(ConfigError::new("component", count, "at most 256 components"));
        }
        let Ok(runtime) = Handle::try_current() else {
            return Err(ConfigError::new("runtime", "none", "a tokio runtime, entered"));
        };
        let (mut rules, mut checks) = (Vec::new(), Vec::new());
        for component in self.components {
            let (rule, check) = component.build()?;
            rules.push(rule);
            checks.push(check);
        }
        let mut names: Vec<_> = rules.iter().map(|rules| rules.name.as_str()).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows().find(|[one, next]| one == next) {
            return Err(ConfigError::new("name", *twice, "each name once"));
        }
        let board = Board::new(self.about, rules, self.clock, self.redaction);
        let runs = checks.into_iter().enumerate();
        let runs = runs.map(|(at, check)| runner::run(Arc::clone(&board), at, check));
        let mut tasks: Vec<_> = runs.map(|run| runtime.spawn(run).abort_handle()).collect();
        tasks.push(runtime.spawn(runner::watch_age(Arc::clone(&board))).abort_handle());
        Ok(Health::new(board, tasks))
    }
}

impl fmt::Debug for HealthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthBuilder")
            .field("about", &self.about)
            .field("components", &self.components)
            .finish_non_exhaustive()
    }
}
