//! The layer, and what it does where an exchange ends.

use std::fmt;
use std::sync::Arc;

use http::request;

use super::tracker::SloTracker;
use crate::classify::Side;
use crate::exchange::{End, Facts, ObserveLayer, Observer};

/// The layer that counts each exchange by the objectives of an [`SloTracker`].
pub type SloLayer = ObserveLayer<Slo>;

/// What an [`SloLayer`] observes with.
#[derive(Clone)]
pub struct Slo(SloTracker);

impl SloLayer {
    /// For a server's services.
    pub fn server(tracker: &SloTracker) -> Self {
        Self::new(Side::Server, Slo(tracker.clone()))
    }

    /// For clients: the objectives that are about [calls](super::ObjectiveBuilder::client).
    pub fn client(tracker: &SloTracker) -> Self {
        Self::new(Side::Client, Slo(tracker.clone()))
    }
}

impl Observer for Slo {
    type Exchange = ();
    const WANTS_SCOPE: bool = false;
    const WANTS_REQUEST_BODY: bool = false;

    #[inline]
    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    #[inline]
    fn end(&self, (): (), end: &End<'_>) {
        self.0.count(end);
    }
}

impl fmt::Debug for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slo").field(&self.0).finish()
    }
}
