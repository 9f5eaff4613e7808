//! Where and how a panic was caught.

use std::backtrace::Backtrace;
use std::fmt;
use std::sync::Arc;

/// Where and how a panic was caught; told by whoever turned it into an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaughtPanic {
    /// The panic's message, if it had one. Never sent to a peer.
    pub message: Option<String>,
    /// `file:line:column`, if known.
    pub location: Option<String>,
    /// How it came about, if known.
    pub backtrace: Option<PanicBacktrace>,
}

impl CaughtPanic {
    /// A panic of which nothing further is known.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A backtrace, whose names and lines are looked up where it is displayed: that takes milliseconds, the
/// first time in a process up to some hundred.
#[derive(Clone)]
pub struct PanicBacktrace(Arc<Backtrace>);

impl PanicBacktrace {
    /// From what was captured.
    pub fn new(backtrace: Backtrace) -> Self {
        Self(Arc::new(backtrace))
    }
}

impl fmt::Display for PanicBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PanicBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicBacktrace").finish_non_exhaustive()
    }
}

/// Of the same capture.
impl PartialEq for PanicBacktrace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PanicBacktrace {}
