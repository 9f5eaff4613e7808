//! A profile every few minutes.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::cpu::{CpuProfiler, Frequency, check_duration};
use super::error::ProfileError;
use super::store::Store;
use crate::clock::Clock;
use crate::config::ConfigError;

type Taken = Pin<Box<dyn Future<Output = Result<Vec<u8>, ProfileError>> + Send>>;
type Source = Arc<dyn Fn() -> Taken + Send + Sync>;

/// Keeps a CPU profile every few minutes in a directory that is bounded in bytes, until it is dropped.
///
/// The files are named `cpu-<milliseconds since the Unix epoch, 20 digits>.pb.gz`, and are there whole
/// or not at all. When a new one would exceed the bound, the oldest are deleted first; files with other
/// names are never touched nor counted. Each process needs a directory of its own.
///
/// Whatever fails (a full disk, a directory that is none) is told by [`status`](Self::status) and by a
/// `tracing` event of level WARN, and the next profile is tried in its time. While somebody else takes
/// a CPU profile, the scheduled one is skipped.
///
/// ```no_run
/// use std::time::Duration;
/// use tower_observability::pprof::ProfileScheduler;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scheduler = ProfileScheduler::builder("/var/tmp/checkout-profiles")
///     .every(Duration::from_secs(300))
///     .duration(Duration::from_secs(5))
///     .max_bytes(32 << 20)
///     .start()?;
/// # drop(scheduler);
/// # Ok(())
/// # }
/// ```
pub struct ProfileScheduler {
    task: JoinHandle<()>,
    status: Arc<Mutex<SchedulerStatus>>,
}

/// What a [`ProfileScheduler`] has done since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchedulerStatus {
    /// Profiles written.
    pub written: u64,
    /// Profiles deleted for the sake of the bound.
    pub deleted: u64,
    /// Profiles left out because another one was being taken.
    pub skipped: u64,
    /// Profiles that could not be taken or written.
    pub failed: u64,
    /// Why the last one failed; `None` once one was written again.
    pub last_error: Option<String>,
}

impl ProfileScheduler {
    /// Sets up a scheduler for this directory, which is made when it is missing.
    pub fn builder(directory: impl Into<PathBuf>) -> ProfileSchedulerBuilder {
        ProfileSchedulerBuilder {
            directory: directory.into(),
            every: Duration::from_secs(600),
            duration: Duration::from_secs(10),
            frequency: Frequency::default(),
            max_bytes: 64 << 20,
            clock: Clock::system(),
            source: None,
        }
    }

    /// What it has done so far.
    pub fn status(&self) -> SchedulerStatus {
        lock(&self.status).clone()
    }
}

impl Drop for ProfileScheduler {
    fn drop(&mut self) {
        // a profile being taken is dropped with the task, which stops the sampling
        self.task.abort();
    }
}

impl fmt::Debug for ProfileScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileScheduler").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The settings of a [`ProfileScheduler`].
#[derive(Clone)]
#[must_use]
pub struct ProfileSchedulerBuilder {
    directory: PathBuf,
    every: Duration,
    duration: Duration,
    frequency: Frequency,
    max_bytes: u64,
    clock: Clock,
    // tests cannot sample deterministically
    source: Option<Source>,
}

impl ProfileSchedulerBuilder {
    /// From the start of a profile to the start of the next: longer than a profile takes, at most 7
    /// days; 10 minutes unless told.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// How long each profile takes: 1 s to 120 s; 10 s unless told.
    pub fn duration(self, duration: Duration) -> Self {
        Self { duration, ..self }
    }

    /// How often CPU time is sampled; 99 Hz unless told.
    pub fn frequency(self, frequency: Frequency) -> Self {
        Self { frequency, ..self }
    }

    /// What all profiles in the directory take together at most, in bytes: 1 KiB and up; 64 MiB unless
    /// told.
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// The clock whose time of day names the files; the system's unless told.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    #[cfg(test)]
    pub(super) fn source(self, source: Source) -> Self {
        Self { source: Some(source), ..self }
    }

    /// Starts; the first profile is taken at once.
    ///
    /// # Errors
    ///
    /// On a setting that is not allowed, or outside of a tokio runtime. A directory that cannot be
    /// written is no error here.
    ///
    /// # Panics
    ///
    /// The task does, and so takes no profile, on a runtime without tokio's timers.
    pub fn start(self) -> Result<ProfileScheduler, ConfigError> {
        const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
        check_duration(self.duration)?;
        if self.every <= self.duration || self.every > WEEK {
            let allowed = "more than `duration`, up to 7 days";
            return Err(ConfigError::new("every", format!("{:?}", self.every), allowed));
        }
        if self.max_bytes < 1024 {
            let allowed = "1024 bytes and up";
            return Err(ConfigError::new("max_bytes", self.max_bytes.to_string(), allowed));
        }
        let Ok(runtime) = Handle::try_current() else {
            return Err(ConfigError::new("runtime", "none", "a tokio runtime, entered"));
        };
        let (duration, frequency) = (self.duration, self.frequency);
        let sampled = move || -> Taken { Box::pin(CpuProfiler.encoded(duration, frequency)) };
        let status = Arc::new(Mutex::new(SchedulerStatus::default()));
        let work = Work {
            store: Store { directory: self.directory, max_bytes: self.max_bytes },
            clock: self.clock,
            source: self.source.unwrap_or_else(|| Arc::new(sampled)),
            status: Arc::clone(&status),
        };
        let task = runtime.spawn(work.run(self.every));
        Ok(ProfileScheduler { task, status })
    }
}

impl fmt::Debug for ProfileSchedulerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileSchedulerBuilder")
            .field("directory", &self.directory)
            .field("every", &self.every)
            .field("duration", &self.duration)
            .field("frequency", &self.frequency)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

struct Work {
    store: Store,
    clock: Clock,
    source: Source,
    status: Arc<Mutex<SchedulerStatus>>,
}

impl Work {
    async fn run(self, every: Duration) {
        let mut ticks = interval(every);
        // what was missed while the process stood still is not made up for
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let began = self.clock.wall();
            let kept = match (self.source)().await {
                Ok(profile) => {
                    let store = self.store.clone();
                    let kept = tokio::task::spawn_blocking(move || store.keep(began, &profile));
                    match kept.await {
                        Ok(kept) => kept.map_err(|error| error.to_string()),
                        Err(error) => Err(error.to_string()),
                    }
                }
                Err(ProfileError::Busy) => {
                    lock(&self.status).skipped += 1;
                    continue;
                }
                Err(error) => Err(error.to_string()),
            };
            self.tell(kept);
        }
    }

    fn tell(&self, kept: Result<u64, String>) {
        if let Err(error) = &kept {
            let directory = self.store.directory.display();
            tracing::warn!(%directory, %error, "no CPU profile was kept");
        }
        let mut status = lock(&self.status);
        match kept {
            Ok(deleted) => {
                status.written += 1;
                status.deleted += deleted;
                status.last_error = None;
            }
            Err(error) => {
                status.failed += 1;
                status.last_error = Some(error);
            }
        }
    }
}

fn lock(status: &Mutex<SchedulerStatus>) -> MutexGuard<'_, SchedulerStatus> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}
