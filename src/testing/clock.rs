use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::{Clock, TimeSource};

/// Time that passes only when a test says so. Clones share it.
///
/// It starts at 2026-01-01T00:00:00Z.
#[derive(Clone, Debug)]
pub struct ManualClock {
    zero: Instant,
    passed: Arc<Mutex<Duration>>,
}

impl ManualClock {
    /// Seconds from the Unix epoch to the clock's start.
    pub const START: Duration = Duration::from_secs(1_767_225_600);

    /// A clock at its start.
    pub fn new() -> Self {
        Self { zero: Instant::now(), passed: Arc::default() }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// The clock to measure with.
    pub fn clock(&self) -> Clock {
        Clock::new(self.clone())
    }

    fn passed(&self) -> Duration {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl TimeSource for ManualClock {
    fn now(&self) -> Instant {
        self.zero + self.passed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Self::START + self.passed()
    }
}
