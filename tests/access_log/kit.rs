//! A clock that is set by hand, scripted services and bodies, and a place to write to.

use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{Layer, Service, service_fn};
use tower_observability::access_log::AccessLogLayer;
use tower_observability::clock::{Clock, TimeSource};
use tracing_subscriber::fmt::MakeWriter;

/// Starts at 2026-01-01T00:00:00Z.
#[derive(Clone)]
pub(crate) struct ManualClock(Arc<(Instant, Mutex<Duration>)>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Instant::now(), Mutex::default())))
    }

    pub(crate) fn advance(&self, millis: u64) {
        *self.0.1.lock().unwrap() += Duration::from_millis(millis);
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::new(self.clone())
    }

    fn passed(&self) -> Duration {
        *self.0.1.lock().unwrap()
    }
}

impl TimeSource for ManualClock {
    fn now(&self) -> Instant {
        self.0.0 + self.passed()
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_767_225_600) + self.passed()
    }
}

/// Keeps what is written.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What a body does next; each step takes 5 ms.
pub(crate) enum Step {
    Data(&'static str),
    Trailers(HeaderMap),
    Error,
    Pending,
}

pub(crate) struct Script {
    steps: VecDeque<Step>,
    clock: ManualClock,
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.clock.advance(5);
        match self.steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data.into())))),
            Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Step::Error) => Poll::Ready(Some(Err(io::Error::other("\u{1b}[2Jbroken")))),
            Some(Step::Pending) => Poll::Pending,
        }
    }
}

/// What a service does 10 ms after it was called.
pub(crate) enum Answer {
    Response(Response<Vec<Step>>),
    Error,
    Panic,
    Pending,
}

/// Runs one exchange to its end, or drops it where it waits.
pub(crate) fn exchange(
    layer: &AccessLogLayer,
    clock: &ManualClock,
    request: Request<()>,
    answer: impl FnOnce() -> Answer,
) {
    let mut answer = Some(answer);
    let mut service = layer.clone().clock(clock.clock()).layer(service_fn(move |_| {
        let answer = answer.take().unwrap();
        let clock = clock.clone();
        async move {
            clock.advance(10);
            match answer() {
                Answer::Response(response) => {
                    Ok(response.map(|steps| Script { steps: steps.into(), clock: clock.clone() }))
                }
                Answer::Error => Err(io::Error::other("no\nway")),
                Answer::Panic => panic!("on purpose"),
                Answer::Pending => pending().await,
            }
        }
    }));
    let run = AssertUnwindSafe(|| {
        if let Some(Ok(response)) = service.call(request).now_or_never() {
            let _ = response.into_body().collect().now_or_never();
        }
    });
    let _ = catch_unwind(run);
}
