//! `/debug`: what runs, what was slow and what failed, as this process remembers it.

mod active;
mod asked;
mod facts;
mod family;
mod json;
mod page;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod text;

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use http::header::{REFRESH, VARY};
use http::{HeaderValue, Method, Response, StatusCode};

use self::asked::{Format, Query};
pub use self::facts::{HealthLine, HealthStatus, LivePage};
use super::access::Access;
use super::answer::{self, AdminBody, Refusal};
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::live::{Active, Board, FamilyId, FamilyReport, Kept, Sample};

const READ: &[Operation] = &[Operation::new(Method::GET, Access::Read)];
const FAMILY: &str = "/debug/families/{id}";
const ENDPOINTS: &[Endpoint] =
    &[Endpoint { path: "/debug", operations: READ }, Endpoint { path: FAMILY, operations: READ }];

/// The most active exchanges that are listed, the oldest: a page is to have some megabytes at most.
const MAX_LISTED: usize = 1_000;

/// The most errors and panics that the page tells of all families together.
const MAX_LATEST: usize = 20;

/// Whose numbers these are.
const SCOPE: &str = "What this process remembers; of the other instances it knows nothing.";

/// What the page is made of.
pub(super) struct Parts {
    pub(super) page: LivePage,
    #[cfg(feature = "slo")]
    pub(super) objectives: Option<crate::slo::SloTracker>,
    #[cfg(feature = "debug-dump")]
    pub(super) dumps: Option<crate::debug_dump::DumpControl>,
}

impl Parts {
    /// As a section that knows the endpoints of the others.
    pub(super) fn beside(self, others: &[Box<dyn Section>]) -> Live {
        let endpoints = others.iter().flat_map(|section| section.endpoints()).collect();
        Live { parts: self, endpoints }
    }
}

pub(super) struct Live {
    parts: Parts,
    endpoints: Vec<&'static Endpoint>,
}

/// What is told at one moment.
struct Now {
    active: Active,
    families: Vec<FamilyReport>,
    latest: Vec<(FamilyId, Arc<Sample>)>,
    health: Option<Vec<HealthLine>>,
    #[cfg(feature = "slo")]
    objectives: Option<Vec<crate::slo::ObjectiveReport>>,
}

impl Section for Live {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn handle(&self, asked: Asked) -> Answering {
        Box::pin(ready(self.answer(&asked).unwrap_or_else(|refusal| refusal.answer())))
    }
}

impl Live {
    fn answer(&self, asked: &Asked) -> Result<Response<AdminBody>, Refusal> {
        let query = Query::of(&asked.head)?;
        let mut response = match asked.path {
            FAMILY => {
                let (family, kept) = self.family(asked.parameter("id").unwrap_or_default())?;
                match query.format {
                    Format::Json => answer::document(&json::family(&family, &kept)),
                    Format::Html => family::page(self, &family, &kept, &query).answer(),
                }
            }
            _ => match query.format {
                Format::Json => answer::document(&json::document(self, &self.now())),
                Format::Html => page::page(self, &self.now(), &query).answer(),
            },
        };
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
        if let Some(seconds) = query.refresh {
            response.headers_mut().insert(REFRESH, HeaderValue::from(u16::from(seconds)));
        }
        Ok(response)
    }

    fn board(&self) -> &Board {
        &self.parts.page.board
    }

    fn now(&self) -> Now {
        let board = self.board();
        // what failed first, so that its family is there
        let latest = board.latest_errors(MAX_LATEST);
        let mut active = board.active();
        active.unlisted += active.exchanges.len().saturating_sub(MAX_LISTED);
        active.exchanges.truncate(MAX_LISTED);
        Now {
            active,
            families: board.families(),
            latest,
            health: self.parts.page.told_health(),
            #[cfg(feature = "slo")]
            objectives: self.parts.objectives.as_ref().map(|tracker| tracker.reports()),
        }
    }

    fn family(&self, id: &str) -> Result<(FamilyReport, Kept), Refusal> {
        let found = id.parse().ok().map(FamilyId::from_number);
        let found = found.and_then(|id| Some((self.board().family(id)?, self.board().kept(id))));
        found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no such family"))
    }

    /// Where a dump of the exchange is, from the root, if one is kept.
    #[cfg(feature = "debug-dump")]
    fn dump(&self, sample: &Sample) -> Option<String> {
        let id = sample.request_id?;
        let captures = self.parts.dumps.as_ref()?.captures();
        // one ID may be that of several exchanges: of each side, and of each that a caller named so
        let found = captures.iter().rev().find(|it| {
            it.request_id.as_deref() == Some(id.as_str()) && it.started_at == sample.started_at
        })?;
        Some(format!("debug/dump/captures/{}", found.id.0))
    }

    #[cfg(not(feature = "debug-dump"))]
    fn dump(&self, _: &Sample) -> Option<String> {
        None
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("page", &self.parts.page).finish_non_exhaustive()
    }
}
