use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};

use super::ManualClock;
#[cfg(doc)]
use super::Script;
use crate::exchange::annotate;

/// The error of a scripted service or body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError(pub &'static str);

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ScriptError {}

/// A body that does what it is told, frame by frame, and then ends.
#[derive(Clone, Debug, Default)]
pub struct ScriptBody {
    steps: VecDeque<Step>,
    claims_end: bool,
    exact: Option<u64>,
    on_drop: Option<OnDrop>,
    /// Whether it was sent: the template inside a script drops silently.
    live: bool,
}

#[derive(Clone, Copy, Debug)]
enum OnDrop {
    Annotate(&'static str),
    Panic(&'static str),
}

#[derive(Clone, Debug)]
enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Error(ScriptError),
    Panic(&'static str),
    Pending,
    Pass(ManualClock, Duration),
}

impl ScriptBody {
    /// A body without frames, which says nothing of its length or end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Then yields data.
    pub fn data(self, data: impl Into<Bytes>) -> Self {
        self.step(Step::Data(data.into()))
    }

    /// Then yields trailers; names and values must be valid in HTTP.
    ///
    /// # Panics
    /// When a name or value is not.
    pub fn trailers(self, trailers: &[(&'static str, &'static str)]) -> Self {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        self.step(Step::Trailers(trailers.iter().map(pair).collect()))
    }

    /// Then yields an error.
    pub fn error(self, message: &'static str) -> Self {
        self.step(Step::Error(ScriptError(message)))
    }

    /// Then panics.
    pub fn panic(self, message: &'static str) -> Self {
        self.step(Step::Panic(message))
    }

    /// Then stays pending for ever, without waking anybody.
    pub fn pending(self) -> Self {
        self.step(Step::Pending)
    }

    /// Then lets time pass on a manual clock, before what follows.
    pub fn pass(self, clock: &ManualClock, time: Duration) -> Self {
        self.step(Step::Pass(clock.clone(), time))
    }

    /// Answers `is_end_stream` truthfully; otherwise the end is only known when it is polled.
    pub fn claims_end(mut self) -> Self {
        self.claims_end = true;
        self
    }

    /// Answers `size_hint` with this length, less what was yielded, whatever it really is.
    pub fn exact(mut self, length: u64) -> Self {
        self.exact = Some(length);
        self
    }

    /// Annotates the exchange in scope with `key` when it is dropped, once a [`Script`] sent it.
    pub fn annotates_on_drop(mut self, key: &'static str) -> Self {
        self.on_drop = Some(OnDrop::Annotate(key));
        self
    }

    /// Panics when it is dropped, once a [`Script`] sent it.
    pub fn panics_on_drop(mut self, message: &'static str) -> Self {
        self.on_drop = Some(OnDrop::Panic(message));
        self
    }

    pub(super) fn live(mut self) -> Self {
        self.live = true;
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }
}

impl Drop for ScriptBody {
    fn drop(&mut self) {
        match self.on_drop {
            Some(OnDrop::Annotate(key)) if self.live => {
                annotate(key, true);
            }
            Some(OnDrop::Panic(message)) if self.live => panic!("{message}"),
            _ => {}
        }
    }
}

impl Body for ScriptBody {
    type Data = Bytes;
    type Error = ScriptError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ScriptError>>> {
        loop {
            return match self.steps.pop_front() {
                None => Poll::Ready(None),
                Some(Step::Data(data)) => {
                    if let Some(exact) = &mut self.exact {
                        *exact = exact.saturating_sub(data.len() as u64);
                    }
                    Poll::Ready(Some(Ok(Frame::data(data))))
                }
                Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Some(Step::Error(error)) => Poll::Ready(Some(Err(error))),
                Some(Step::Panic(message)) => panic!("{message}"),
                Some(Step::Pending) => {
                    self.steps.push_front(Step::Pending);
                    Poll::Pending
                }
                Some(Step::Pass(clock, time)) => {
                    clock.advance(time);
                    continue;
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.claims_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
