//! A moment by which something is to be done.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// When the time runs out; never if the clock does not reach that far.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    pub(super) fn before(self, grace: Duration) -> Self {
        Self(self.0.map(|deadline| deadline.checked_sub(grace).unwrap_or(deadline)))
    }

    pub(super) fn is_over(self) -> bool {
        self.0.is_some_and(|deadline| deadline <= Instant::now())
    }

    pub(super) fn left(self) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    pub(super) fn wait<T>(self, done: &mpsc::Receiver<T>) -> Result<T, RecvTimeoutError> {
        match self.left() {
            Some(left) => done.recv_timeout(left),
            None => done.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }
}
