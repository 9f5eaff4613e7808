//! Where lines go: a writer under a lock.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::whole::{Inner, WholeLines};
use crate::exchange::isolated;

/// The target of the warnings.
const TARGET: &str = "tower_observability";

thread_local! {
    /// This thread holds some output's lock, and runs what the user wrote.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// A writer and what it lost.
pub(super) struct Output {
    writer: Mutex<WholeLines>,
    lost: AtomicU64,
    told: AtomicBool,
}

impl Output {
    pub(super) fn new(inner: Inner) -> Self {
        Self {
            writer: Mutex::new(WholeLines::new(inner)),
            lost: AtomicU64::new(0),
            told: AtomicBool::new(false),
        }
    }

    /// Whether this thread is within a writer, where a line could only wait for itself.
    #[inline]
    pub(super) fn is_writing() -> bool {
        WRITING.get()
    }

    /// Writes a line. What goes wrong is told when the lock is released, as the subscriber may
    /// write a line itself.
    #[inline]
    pub(super) fn write(&self, line: &[u8]) {
        match self.with_writer(|writer| (writer.renew(), writer.write_line(line))) {
            Some((Ok(()), Ok(()))) => {}
            wrong => self.tell_wrong(wrong),
        }
        if self.lost_lines() > 0 {
            self.tell("the writer logged by itself");
        }
    }

    /// Tells what went wrong when a file was to be opened anew and a line written.
    #[cold]
    fn tell_wrong(&self, wrong: Option<(io::Result<()>, io::Result<()>)>) {
        let Some((renewed, written)) = wrong else { return self.lose("the writer panicked") };
        if let Err(error) = renewed {
            isolated(|| {
                tracing::warn!(
                    target: TARGET,
                    reason = %error,
                    "the access log could not be opened anew and goes on in its old file"
                );
            });
        }
        if let Err(error) = written {
            self.lose(&error.to_string());
        }
    }

    pub(super) fn flush(&self) {
        match self.with_writer(WholeLines::flush) {
            Some(Ok(())) => {}
            Some(Err(error)) => self.tell(&error.to_string()),
            None => self.tell("the writer panicked"),
        }
    }

    /// Runs `with` under the lock; `None` when it panics.
    #[inline]
    fn with_writer<R>(&self, with: impl FnOnce(&mut WholeLines) -> R) -> Option<R> {
        WRITING.set(true);
        let lock = || self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let result = isolated(|| with(&mut lock()));
        WRITING.set(false);
        result
    }

    pub(super) fn lost_lines(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn lose(&self, reason: &str) {
        self.lose_untold();
        self.tell(reason);
    }

    /// Counts a line where nothing can be told.
    pub(super) fn lose_untold(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells of lines that waited in a queue when it was given up.
    pub(super) fn tell_unwritten(&self, lines: u64) {
        isolated(|| {
            tracing::warn!(target: TARGET, lines, "the access log was closed before all was written");
        });
    }

    #[cold]
    fn tell(&self, reason: &str) {
        if !self.told.load(Ordering::Relaxed) && !self.told.swap(true, Ordering::Relaxed) {
            isolated(|| {
                tracing::warn!(target: TARGET, reason, "access log lines are being lost");
            });
        }
    }
}
