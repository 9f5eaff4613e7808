//! How long a service kept a request waiting before it took it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::layer::{Core, Shared};
use super::observer::{Observer, isolated};

/// What became of a request that `poll_ready` may have kept waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitEnd {
    /// The service was ready and was called.
    Called,
    /// The service said with an error that it takes no more.
    Refused,
    /// The service was dropped while it was not ready.
    Cancelled,
}

/// What is shared with the layer, and the wait for this one service: told when it is dropped, so that
/// the service itself can still be taken apart.
pub(super) struct Gate<O: Observer> {
    pub(super) shared: Shared<O>,
    /// Since when the service has not been ready.
    since: Option<Instant>,
    /// How long it was not, up to when it was ready last.
    waited: Duration,
}

impl<O: Observer> Gate<O> {
    pub(super) fn new(shared: Shared<O>) -> Self {
        Self { shared, since: None, waited: Duration::ZERO }
    }

    #[inline]
    pub(super) fn core(&self) -> &Arc<Core<O>> {
        self.shared.here()
    }

    /// The service is not ready.
    #[inline]
    pub(super) fn waits(&mut self) {
        if O::WANTS_WAIT && self.since.is_none() {
            self.since = Some(self.core().options.clock.now());
        }
    }

    /// The service is ready.
    #[inline]
    pub(super) fn opens(&mut self) {
        if O::WANTS_WAIT && self.since.is_some() {
            self.opens_after_a_wait();
        }
    }

    #[cold]
    fn opens_after_a_wait(&mut self) {
        if let Some(since) = self.since.take() {
            let waited = self.core().options.clock.now().saturating_duration_since(since);
            self.waited = self.waited.saturating_add(waited);
        }
    }

    /// Tells of the wait, if somebody wants to know, and begins anew.
    #[inline]
    pub(super) fn tell(&mut self, end: WaitEnd) {
        if O::WANTS_WAIT {
            self.opens();
            let waited = std::mem::take(&mut self.waited);
            isolated(|| self.core().observer.waited(waited, end));
        }
    }
}

/// Another service, for which nobody has waited yet.
impl<O: Observer> Clone for Gate<O> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<O: Observer> Drop for Gate<O> {
    #[inline]
    fn drop(&mut self) {
        if O::WANTS_WAIT && self.since.is_some() {
            // a clock of the user's own may panic, too
            isolated(|| self.tell(WaitEnd::Cancelled));
        }
    }
}
