//! Catching, and what the panic hook learns meanwhile.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::error::panic_message;
use crate::exchange::{CaughtPanic, Facts, PanicBacktrace, discard};

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Whether it takes backtraces.
static BACKTRACES: AtomicBool = AtomicBool::new(false);

/// The most panics that are kept until the one that came through is caught.
const MOST: usize = 8;
/// The most bytes of a message.
const MOST_BYTES: usize = 64 * 1024;

thread_local! {
    /// How many of our layers run on this thread, one in another.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
    /// What panicked meanwhile.
    static PANICS: RefCell<Vec<CaughtPanic>> = const { RefCell::new(Vec::new()) };
}

/// A panic hook that tells where a panic happened, and how it came about.
///
/// It records only what panics while a [`CatchPanicLayer`](super::CatchPanicLayer)'s service runs, and
/// hands every panic on to the hook that was there before; Rust's own prints it.
///
/// ```
/// use tower_observability::catch_panic::PanicHook;
///
/// # fn main() {
/// let installed = PanicHook::new().install();
/// assert!(installed);
/// assert!(!PanicHook::new().install(), "once is enough");
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PanicHook {
    backtraces: bool,
}

impl PanicHook {
    /// Tells where a panic happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes backtraces, too, whatever `RUST_BACKTRACE` says. Their names and lines are looked up only
    /// where one is told, as to Sentry, which takes [longer](PanicBacktrace) than many a request.
    pub fn backtraces(self) -> Self {
        Self { backtraces: true }
    }

    /// Becomes the process' panic hook; `false` when one was installed already, which takes backtraces from
    /// now on if this one does, or on a thread that panics, where hooks cannot be changed.
    pub fn install(self) -> bool {
        // also where the hook is there already
        BACKTRACES.fetch_or(self.backtraces, Ordering::Relaxed);
        if thread::panicking() || INSTALLED.swap(true, Ordering::Relaxed) {
            return false;
        }
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            record(info);
            before(info);
        }));
        true
    }
}

fn record(info: &PanicHookInfo<'_>) {
    if RUNNING.get() == 0 {
        return;
    }
    let mut panic = told(info.payload());
    panic.location = info.location().map(ToString::to_string);
    panic.backtrace =
        BACKTRACES.load(Ordering::Relaxed).then(|| PanicBacktrace::new(Backtrace::force_capture()));
    // there is none any more where the thread ends
    let _ = PANICS.try_with(|panics| {
        if let Ok(mut panics) = panics.try_borrow_mut() {
            if panics.len() == MOST {
                panics.remove(0);
            }
            panics.push(panic);
        }
    });
}

/// Runs a piece of a service. What panics is told to the exchange, or, where there is none or another
/// panic was told to it already, as a `tracing` event: nothing dies silently.
#[inline]
pub(super) fn catching<R>(piece: impl FnOnce() -> R) -> Option<R> {
    let running = INSTALLED.load(Ordering::Relaxed).then(Running::begin);
    let payload = match catch_unwind(AssertUnwindSafe(piece)) {
        Ok(value) => return Some(value),
        Err(payload) => payload,
    };
    let panic = recorded(&*payload);
    drop(running);
    discard(payload);
    tell(panic);
    None
}

#[cold]
fn tell(panic: CaughtPanic) {
    let location = panic.location.clone();
    let is_told = Facts::current().is_some_and(|facts| facts.set_caught_panic(panic));
    if !is_told {
        tracing::error!(location, "a panic was caught that no exchange tells of");
    }
}

struct Running;

impl Running {
    fn begin() -> Self {
        RUNNING.set(RUNNING.get() + 1);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get() - 1);
        if RUNNING.get() == 0 {
            let _ = PANICS.try_with(|panics| panics.borrow_mut().clear());
        }
    }
}

/// What the hook recorded of a panic: of several, the last of that message. The service may have caught
/// others itself.
#[cold]
fn recorded(payload: &(dyn Any + Send)) -> CaughtPanic {
    let panic = told(payload);
    let same = PANICS.try_with(|panics| {
        let panics = panics.borrow();
        panics.iter().rev().find(|recorded| recorded.message == panic.message).cloned()
    });
    same.ok().flatten().unwrap_or(panic)
}

fn told(payload: &(dyn Any + Send)) -> CaughtPanic {
    let mut panic = CaughtPanic::new();
    panic.message = panic_message(payload).map(bounded);
    panic
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MOST_BYTES));
    text
}
