//! What is done of an exchange, and when.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use http::request;
use sentry_core::Hub;
use sentry_tower::{HubProvider, NewFromTopProvider};

use super::alike::{Alike, Chooser};
use super::client::Clients;
use super::enrich::{Kept, Known};
use super::event;
use super::settings::Settings;
use crate::classify::{ErrorType, Outcome};
use crate::exchange::{End, Facts, Observer, isolated};

/// The observer that reports to Sentry; configured as a [`SentryLayer`](super::SentryLayer).
#[derive(Clone, Default)]
pub struct Sentry {
    settings: Arc<Settings>,
    clients: Arc<Clients>,
    chooser: Arc<Chooser>,
}

/// What is kept of an exchange under way.
pub struct Reporting(Option<Box<Bound>>);

struct Bound {
    hub: Arc<Hub>,
    known: Arc<Known>,
}

impl Observer for Sentry {
    type Exchange = Reporting;
    const WANTS_REQUEST_BODY: bool = false;

    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Reporting {
        Reporting(Hub::with_active(|_| Some(Box::new(self.bound(head, facts)))))
    }

    #[inline]
    fn is_idle(&self, reporting: &Reporting) -> bool {
        reporting.0.is_none()
    }

    #[inline]
    fn scope<R>(&self, reporting: &mut Reporting, inner: impl FnOnce() -> R) -> R {
        match &reporting.0 {
            Some(bound) => Hub::run(Arc::clone(&bound.hub), || bound.known.run(inner)),
            None => inner(),
        }
    }

    fn end(&self, reporting: Reporting, end: &End<'_>) {
        let Some(bound) = reporting.0 else { return };
        let Bound { hub, known } = *bound;
        let Kept { mut panics, meanwhile, .. } = known.take_kept();
        // what is captured, and what is done to it, asks for the hub
        Hub::run(Arc::clone(&hub), || {
            known.run(|| {
                let has_panicked = end.outcome == Outcome::Panicked;
                let told = self.chosen(&known, end, !panics.is_empty()).map(|withheld| {
                    let passed = has_panicked.then(|| event::passed(end, &mut panics)).flatten();
                    event::of(end, withheld, passed, &self.settings)
                });
                let is_same = has_panicked || told.is_none() && !panics.is_empty();
                let meanwhile = meanwhile.into_iter().filter(|_| !is_same);
                for event in panics.into_iter().chain(meanwhile).chain(told) {
                    hub.capture_event(event);
                }
            });
        });
    }
}

impl Sentry {
    pub(super) fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    #[cold]
    fn bound(&self, head: &request::Parts, facts: &Arc<Facts>) -> Bound {
        let hub: Arc<Hub> = NewFromTopProvider.hub(head);
        let tells_persons = hub.client().is_some_and(|client| client.options().send_default_pii);
        self.clients.bind(&hub);
        let known = Arc::new(Known::of(head, facts, &self.settings, tells_persons));
        // what it is told by has no state that a panic could leave half changed
        let enriching = AssertUnwindSafe(Arc::clone(&known));
        hub.configure_scope(|scope| {
            // those of other exchanges, whose lines were logged outside of their own hubs
            scope.clear_breadcrumbs();
            scope.add_event_processor(move |event| enriching.enrich(event));
        });
        Bound { hub, known }
    }

    /// Whether the end is reported: with how many that are alike and were not.
    fn chosen(&self, known: &Known, end: &End<'_>, keeps_panics: bool) -> Option<u64> {
        if end.outcome == Outcome::Panicked {
            // one that was sent already is this one, unless this one waits
            return (keeps_panics || !known.has_panic()).then_some(0);
        }
        let is_error = match &self.settings.report_if {
            Some(rule) => isolated(|| rule(end)).unwrap_or(true),
            None => end.is_error,
        };
        if !is_error || known.has_error() || known.has_panic() || keeps_panics {
            return None;
        }
        let alike = Alike {
            route: end.route.map_or_else(String::new, |route| route.as_str().to_owned()),
            error_type: end.error_type.as_ref().map_or("", ErrorType::as_str).to_owned(),
        };
        let now = end.facts.started() + end.duration;
        self.chooser.choose(alike, now, self.settings.window, self.settings.sample_rate)
    }
}

impl fmt::Debug for Sentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentry")
            .field("sample_rate", &self.settings.sample_rate)
            .field("window", &self.settings.window)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reporting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporting").field("is_bound", &self.0.is_some()).finish_non_exhaustive()
    }
}
