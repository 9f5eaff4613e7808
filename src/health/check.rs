//! What is run, and how its panics are kept its own.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Report;
use crate::error::panic_message;
use crate::exchange::{discard, isolated};

/// Looks after one thing. Closures that answer with a future are checks; implement it for a type that
/// keeps something from run to run.
///
/// A check is never run twice at once. It must not block its thread: a run that does cannot be timed
/// out, and is seen by its result growing stale.
///
/// ```
/// use tower_observability::health::{Check, Report};
///
/// struct Replication { most_behind: u64 }
///
/// impl Check for Replication {
///     async fn run(&self) -> Report {
///         let behind = 3; // ask the database
///         let report = if behind > self.most_behind { Report::fail("too far behind") } else { Report::pass() };
///         report.observed(behind as f64, "entries")
///     }
/// }
/// ```
pub trait Check: Send + Sync + 'static {
    /// Looks once. A panic is a failure, and so is what takes longer than the component's time-out,
    /// whose future is dropped.
    fn run(&self) -> impl Future<Output = Report> + Send;
}

impl<F, R> Check for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output: Into<Report>> + Send,
{
    async fn run(&self) -> Report {
        self().await.into()
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Report> + Send + 'a>>;

/// A check of any type.
pub(super) trait AnyCheck: Send + Sync {
    fn start(&self) -> Running<'_>;
}

impl<C: Check> AnyCheck for C {
    fn start(&self) -> Running<'_> {
        Box::pin(self.run())
    }
}

/// One run; whatever panics in it, its drop included, stays in it.
pub(super) struct Run<'a>(Result<Running<'a>, Option<Report>>);

impl<'a> Run<'a> {
    pub(super) fn new(check: &'a dyn AnyCheck) -> Self {
        Self(caught(|| check.start()).map_err(Some))
    }

    fn finish(&mut self) {
        if let Ok(running) = std::mem::replace(&mut self.0, Err(None)) {
            let _ = isolated(|| drop(running));
        }
    }
}

impl Future for Run<'_> {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        let report = match &mut self.0 {
            Ok(running) => match caught(|| running.as_mut().poll(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(report)) | Err(report) => report,
            },
            Err(report) => match report.take() {
                Some(report) => report,
                None => return Poll::Pending,
            },
        };
        self.finish();
        Poll::Ready(report)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Runs a piece of a check; a panic is a failure that tells its message.
fn caught<R>(piece: impl FnOnce() -> R) -> Result<R, Report> {
    catch_unwind(AssertUnwindSafe(piece)).map_err(|payload| {
        let said = panic_message(&*payload);
        discard(payload);
        Report::fail(said.map_or_else(|| "panicked".into(), |said| format!("panicked: {said}")))
    })
}
