//! Where the CPU time goes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::ProfileError;
use super::offload::offload;
use super::profile::Profile;
use super::sampler::Sampler;
use crate::config::ConfigError;

/// How often a second of CPU time is sampled: 1 to 1000 Hz, 99 unless told.
///
/// 99 rather than 100, so that work done a hundred times a second is not met at the same place each
/// time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frequency(u16);

impl Frequency {
    pub(super) const ALLOWED: &str = "a whole number of hertz from 1 to 1000";

    /// A frequency in hertz.
    ///
    /// # Errors
    ///
    /// Outside of 1 to 1000.
    pub fn from_hertz(hertz: u32) -> Result<Self, ConfigError> {
        let refused = || ConfigError::new("frequency", hertz.to_string(), Self::ALLOWED);
        let kept = u16::try_from(hertz).ok().filter(|hertz| (1..=1000).contains(hertz));
        kept.map(Self).ok_or_else(refused)
    }

    /// The frequency in hertz.
    pub fn hertz(self) -> u32 {
        self.0.into()
    }
}

impl Default for Frequency {
    fn default() -> Self {
        Self(99)
    }
}

/// Takes CPU profiles of this process, one at a time.
///
/// ```no_run
/// use std::time::Duration;
/// use tower_observability::pprof::{CpuProfiler, Frequency};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let profile = CpuProfiler.profile(Duration::from_secs(10), Frequency::default()).await?;
/// std::fs::write("cpu.pb.gz", profile.encode())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuProfiler;

impl CpuProfiler {
    /// The shortest profile: 1 s.
    pub const MIN_DURATION: Duration = Duration::from_secs(1);
    /// The longest profile: 120 s.
    pub const MAX_DURATION: Duration = Duration::from_secs(120);

    /// Takes a profile of this long: the types `samples` in `count` and `cpu` in `nanoseconds`, with a
    /// label `thread` on each stack.
    ///
    /// It runs on a thread of its own, on any runtime. Dropping the future stops the sampling; until
    /// that thread has noticed, a moment later, the profiler is still busy.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](ProfileError::OutOfRange) unless `duration` is 1 s to 120 s,
    /// [`Busy`](ProfileError::Busy) while any other CPU profile is taken in this process,
    /// [`Unavailable`](ProfileError::Unavailable) on platforms that are not supported.
    pub async fn profile(
        &self,
        duration: Duration,
        frequency: Frequency,
    ) -> Result<Profile, ProfileError> {
        run(duration, frequency, |profile| profile).await
    }

    /// Takes a profile and encodes it, off the runtime.
    pub(super) async fn encoded(
        self,
        duration: Duration,
        frequency: Frequency,
    ) -> Result<Vec<u8>, ProfileError> {
        run(duration, frequency, |profile| profile.encode()).await
    }
}

pub(super) fn check_duration(duration: Duration) -> Result<(), ConfigError> {
    if (CpuProfiler::MIN_DURATION..=CpuProfiler::MAX_DURATION).contains(&duration) {
        return Ok(());
    }
    Err(ConfigError::new("duration", format!("{duration:?}"), "1 s to 120 s"))
}

async fn run<T: Send + 'static>(
    duration: Duration,
    frequency: Frequency,
    finish: fn(Profile) -> T,
) -> Result<T, ProfileError> {
    check_duration(duration)?;
    let turn = Turn::take()?;
    offload(move |asker| {
        // moved here, so that the turn ends with the work and not with the asker
        let _turn = turn;
        let gone = || Err(ProfileError::Failed("nobody waits for it".to_owned()));
        let sampler = Sampler::start(frequency)?;
        if !asker.wait(duration) {
            return gone();
        }
        match sampler.finish(|| asker.has_gone())? {
            Some(profile) => Ok(finish(profile)),
            None => gone(),
        }
    })
    .await
}

/// The right to sample, of which a process has one.
struct Turn(());

static TAKEN: AtomicBool = AtomicBool::new(false);

impl Turn {
    fn take() -> Result<Self, ProfileError> {
        if TAKEN.swap(true, Ordering::Acquire) { Err(ProfileError::Busy) } else { Ok(Self(())) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TAKEN.store(false, Ordering::Release);
    }
}
