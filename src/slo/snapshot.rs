//! What a tracker knows, kept in a file over restarts.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::file::write_atomically;
use super::format::{self, Damage, Kept, KeptObjective};
use super::tracked::Tracked;
use super::tracker::SloTracker;

/// Why a snapshot was not written, or not taken over.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file could not be read or written.
    #[non_exhaustive]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no whole snapshot.
    #[non_exhaustive]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file is of a version that this one does not read.
    #[non_exhaustive]
    Version {
        /// Which one.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// What was taken over from a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// When it was written.
    pub written_at: SystemTime,
    /// The objectives that go on where they were.
    pub objectives: Vec<String>,
    /// Those of the snapshot that are here no more, or with another window, indicator, side or routes; they
    /// are not taken over.
    pub left_out: Vec<String>,
}

impl SloTracker {
    /// Writes what it knows to a file, for the next process to [take over](Self::restore). The file is
    /// whole at every moment, the old one or the new, however many save at once: it is written beside
    /// (`NAME.PID.NUMBER.tmp`, which a process that is killed leaves behind), synced, and renamed. What
    /// stands by that name is replaced, a link too.
    ///
    /// It takes about 23 kB for each objective, and blocks until the disk has it: on a runtime, run it
    /// where blocking is allowed.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), SnapshotError> {
        let path = path.as_ref();
        let bytes = format::encode(&self.kept());
        write_atomically(path, &bytes)
            .map_err(|source| SnapshotError::Io { path: path.to_owned(), source })
    }

    /// Takes over what another process [saved](Self::save): its counts come before those of this one, and
    /// the time between is not covered. `None` where there is no file. The metrics count on from the start
    /// of this process.
    ///
    /// What was firing is told once more, as these callbacks have not heard of it.
    ///
    /// Do it before there is traffic: what was counted until now counts as if it came now, and what this
    /// very tracker saved counts twice.
    ///
    /// # Errors
    /// Where the file cannot be read, or is damaged: then nothing is changed.
    pub fn restore(&self, path: impl AsRef<Path>) -> Result<Option<Restored>, SnapshotError> {
        let path = path.as_ref();
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SnapshotError::Io { path: path.to_owned(), source }),
        };
        match format::decode(&bytes) {
            Ok(kept) => Ok(Some(self.take_over(kept))),
            Err(Damage::Broken(what)) => {
                Err(SnapshotError::Damaged { path: path.to_owned(), what })
            }
            Err(Damage::Version(version)) => {
                Err(SnapshotError::Version { path: path.to_owned(), version })
            }
        }
    }

    fn kept(&self) -> Kept {
        let mut state = self.state();
        // with the lock held, so that nobody went further: it would be after what the file says it is of
        let now = self.clock().now();
        let changes = self.turn(&mut state, now);
        let at = state.at(self.since_origin(now));
        let all = self.objectives().iter().zip(&state.tracked).enumerate();
        let objectives = all.map(|(index, (objective, tracked))| KeptObjective {
            name: objective.name().to_owned(),
            window: objective.window(),
            promise: objective.promise(),
            total: tracked.total(self.counted(index)),
            alerts: objective.severities().iter().copied().zip(tracked.alerts.clone()).collect(),
            rolling: tracked.rolling.clone(),
        });
        let kept = Kept { written_at: self.clock().wall(), at, objectives: objectives.collect() };
        drop(state);
        self.tell(now, changes);
        kept
    }

    fn take_over(&self, kept: Kept) -> Restored {
        let mut state = self.state();
        let now = self.clock().now();
        let wall = self.clock().wall();
        // where the time of day was set back since, nothing is known to have passed
        let away = wall.duration_since(kept.written_at).unwrap_or(Duration::ZERO);
        let at = kept.at + away;
        (state.set, state.set_to) = (self.since_origin(now), at);
        let mut restored =
            Restored { written_at: kept.written_at, objectives: Vec::new(), left_out: Vec::new() };
        let mut saved = kept.objectives;
        for (index, objective) in self.objectives().iter().enumerate() {
            let promise = objective.promise();
            let is_same = |of: &KeptObjective| {
                of.name == objective.name()
                    && of.window == objective.window()
                    && of.promise == promise
            };
            let place = saved.iter().position(is_same);
            let tracked = match place.map(|place| saved.swap_remove(place)) {
                Some(of) => {
                    restored.objectives.push(of.name.clone());
                    Tracked::restored(objective, of, kept.at, at)
                }
                None => Tracked::beginning(objective, at),
            };
            if let Some(slot) = state.tracked.get_mut(index) {
                *slot = tracked;
            }
        }
        restored.left_out.extend(saved.into_iter().map(|of| of.name));
        let mut changes = self.turn(&mut state, now);
        // what fired before fires for this process, too, whose callbacks have not heard of it
        let all = self.objectives().iter().zip(&state.tracked).enumerate();
        for (index, (objective, tracked)) in all {
            let firing = tracked.firing(objective, at, self.counted(index)).into_iter();
            changes.extend(firing.map(|mut change| {
                change.at = self.since_origin(now);
                (objective.clone(), change)
            }));
        }
        drop(state);
        self.tell(now, changes);
        restored
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Damaged { path, what } => {
                write!(f, "{} is no whole snapshot of objectives: {what}", path.display())
            }
            Self::Version { path, version } => write!(
                f,
                "{} is a snapshot of version {version}; this one reads version {}",
                path.display(),
                format::VERSION
            ),
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Damaged { .. } | Self::Version { .. } => None,
        }
    }
}
