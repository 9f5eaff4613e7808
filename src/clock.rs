//! The one source of time: real by default, replaceable in tests.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The nanoseconds of a duration, as many as fit.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    // in 64 bits, which is quicker than the standard library's 128
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(duration.subsec_nanos()))
}

/// Where a [`Clock`] reads its time from.
pub trait TimeSource: Send + Sync + 'static {
    /// A monotonic reading; all durations are differences of these.
    fn now(&self) -> Instant;
    /// The time of day; read once per exchange, for timestamps only.
    fn wall(&self) -> SystemTime;
}

/// The clock an exchange is measured with; the system's unless replaced.
///
/// The wrapper that starts an exchange hands its clock to every wrapper that joins it, so that
/// all of them measure on one scale.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn TimeSource>>);

impl Clock {
    /// The system's monotonic and wall clocks.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that reads `source`.
    pub fn new(source: impl TimeSource) -> Self {
        Self(Some(Arc::new(source)))
    }

    /// The monotonic reading.
    #[inline]
    pub fn now(&self) -> Instant {
        match &self.0 {
            None => Instant::now(),
            Some(source) => source.now(),
        }
    }

    /// The time of day.
    #[inline]
    pub fn wall(&self) -> SystemTime {
        match &self.0 {
            None => SystemTime::now(),
            Some(source) => source.wall(),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock(custom)" } else { "Clock(system)" })
    }
}
