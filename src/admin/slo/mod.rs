//! `/slo`: what this instance knows of its objectives.

pub(super) mod json;
pub(super) mod page;
#[cfg(all(test, feature = "testing"))]
mod tests;

use std::future::ready;

use http::header::{ACCEPT, VARY};
use http::{HeaderMap, HeaderValue, Method, Response};

use super::access::Access;
use super::answer::{self, AdminBody, Refusal};
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::message::accept::{self, Media};
use crate::slo::{Severity, SloTracker, Target, Window};

const ENDPOINTS: &[Endpoint] =
    &[Endpoint { path: "/slo", operations: &[Operation::new(Method::GET, Access::Read)] }];

/// Whose numbers these are.
const SCOPE: &str = "Counted by this instance alone, not by the fleet; of that Prometheus knows, by \
                     slo_events_total.";

impl Section for SloTracker {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn handle(&self, asked: Asked) -> Answering {
        Box::pin(ready(self.answer(&asked).unwrap_or_else(|refusal| refusal.answer())))
    }
}

impl SloTracker {
    fn answer(&self, asked: &Asked) -> Result<Response<AdminBody>, Refusal> {
        let said =
            asked.format("json or html", &[("json", Format::Json), ("html", Format::Html)])?;
        let reports = self.reports();
        let mut response = match said.unwrap_or_else(|| Format::accepted(&asked.head.headers)) {
            Format::Json => answer::document(&json::document(&reports)),
            Format::Html => page::page(&reports).answer(),
        };
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
        Ok(response)
    }
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Html,
}

impl Format {
    /// What the caller wants most; JSON where that is neither.
    fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accept::choose(values, &[Self::Json, Self::Html]).unwrap_or(Self::Json)
    }
}

impl Media for Format {
    fn media_type(&self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::Html => ("text", "html"),
        }
    }
}

/// Why a condition is left out, in numbers that are exact.
fn reason(severity: Severity, target: Target, window: Window) -> String {
    format!(
        "Even a total outage burns the budget no faster than 1/{} times as fast as allowed; this takes more than \
         {} times.",
        target.error_budget_text(),
        severity.factor(window)
    )
}
