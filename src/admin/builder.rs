//! What an admin service is put together from.

use std::fmt;
use std::sync::Arc;

use super::access::Authorizer;
use super::index::Index;
use super::section::Section;
use super::service::Shared;
use super::{Admin, LogControl};

/// Puts an [`Admin`] together. Without further parts it has nothing but the list of its endpoints.
#[must_use]
pub struct AdminBuilder {
    authorizer: Box<dyn Authorizer>,
    parts: Parts,
}

#[derive(Default)]
struct Parts {
    #[cfg(feature = "metrics")]
    metrics: Option<crate::metrics::MetricsService>,
    #[cfg(feature = "live")]
    live: Option<super::LivePage>,
    log: Option<LogControl>,
    #[cfg(feature = "debug-dump")]
    dumps: Option<crate::debug_dump::DumpControl>,
    #[cfg(feature = "slo")]
    objectives: Option<crate::slo::SloTracker>,
    #[cfg(feature = "health")]
    health: Option<crate::health::Health>,
    #[cfg(feature = "pprof")]
    profiles: Option<crate::pprof::PprofService>,
}

impl AdminBuilder {
    pub(super) fn new(authorizer: impl Authorizer) -> Self {
        Self { authorizer: Box::new(authorizer), parts: Parts::default() }
    }

    /// Answers scrapes at `/metrics`.
    #[cfg(feature = "metrics")]
    pub fn metrics(mut self, metrics: crate::metrics::MetricsService) -> Self {
        self.parts.metrics = Some(metrics);
        self
    }

    /// Tells at `/debug` what runs, what was slow and what failed, as a page and as JSON. It tells of
    /// objectives and health and links to the dumps of this service, too; of health as the page itself was
    /// told, if it was.
    #[cfg(feature = "live")]
    pub fn live(mut self, page: impl Into<super::LivePage>) -> Self {
        self.parts.live = Some(page.into());
        self
    }

    /// Tells and sets the filter of the log at `/debug/log`.
    pub fn log(mut self, log: LogControl) -> Self {
        self.parts.log = Some(log);
        self
    }

    /// Switches dumps of exchanges on and off, and tells what was captured, at `/debug/dump` and below.
    #[cfg(feature = "debug-dump")]
    pub fn dumps(mut self, dumps: crate::debug_dump::DumpControl) -> Self {
        self.parts.dumps = Some(dumps);
        self
    }

    /// Tells at `/slo` what this instance knows of its objectives, as JSON and as a page.
    #[cfg(feature = "slo")]
    pub fn objectives(mut self, tracker: crate::slo::SloTracker) -> Self {
        self.parts.objectives = Some(tracker);
        self
    }

    /// Answers probes at `/livez`, `/readyz`, `/startupz` and `/health`, with details for those who may
    /// [read](super::Access::Read).
    #[cfg(feature = "health")]
    pub fn health(mut self, health: &crate::health::Health) -> Self {
        self.parts.health = Some(health.clone());
        self
    }

    /// Answers with profiles at `/debug/pprof/profile` and `/debug/pprof/heap`.
    #[cfg(feature = "pprof")]
    pub fn profiles(mut self, profiles: crate::pprof::PprofService) -> Self {
        self.parts.profiles = Some(profiles);
        self
    }

    /// The service.
    #[must_use]
    pub fn build(self) -> Admin {
        let mut sections: Vec<Box<dyn Section>> = Vec::new();
        #[cfg(feature = "live")]
        let live = self.parts.live.map(|page| super::live::Parts {
            #[cfg(not(feature = "health"))]
            page,
            #[cfg(feature = "health")]
            page: match &self.parts.health {
                Some(health) => page.health_unless_told(health),
                None => page,
            },
            #[cfg(feature = "slo")]
            objectives: self.parts.objectives.clone(),
            #[cfg(feature = "debug-dump")]
            dumps: self.parts.dumps.clone(),
        });
        #[cfg(feature = "metrics")]
        sections.extend(self.parts.metrics.map(|part| Box::new(part) as Box<dyn Section>));
        sections.extend(self.parts.log.map(|part| Box::new(part) as Box<dyn Section>));
        #[cfg(feature = "debug-dump")]
        sections.extend(self.parts.dumps.map(|part| Box::new(part) as Box<dyn Section>));
        #[cfg(feature = "slo")]
        sections.extend(self.parts.objectives.map(|part| Box::new(part) as Box<dyn Section>));
        #[cfg(feature = "health")]
        sections.extend(self.parts.health.map(|part| Box::new(part.service()) as Box<dyn Section>));
        #[cfg(feature = "pprof")]
        sections.extend(self.parts.profiles.map(|part| Box::new(part) as Box<dyn Section>));
        #[cfg(feature = "live")]
        if let Some(live) = live {
            let live = live.beside(&sections);
            sections.push(Box::new(live));
        }
        sections.push(Box::new(Index::of(&sections)));
        Admin(Arc::new(Shared { authorizer: self.authorizer, sections }))
    }
}

impl fmt::Debug for AdminBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminBuilder").finish_non_exhaustive()
    }
}
