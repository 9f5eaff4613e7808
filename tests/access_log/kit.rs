//! Scripted exchanges, a place to write to, and subscribers of one test each.

use std::future::pending;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, Service, service_fn};
use tower_observability::access_log::AccessLogLayer;
pub(crate) use tower_observability::testing::ManualClock;
use tower_observability::testing::ScriptBody;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Subscriber};

pub(crate) use crate::written::Written;

/// Has every subscriber asked about every event that is met for the first time. While there is no
/// more than one, `tracing` asks only that of the thread which meets the event; where that thread has
/// none, the event is switched off for the other tests too. From the second subscriber on, it asks all
/// of them under a lock.
pub(crate) fn ask_every_subscriber() {
    static TWO: LazyLock<[Dispatch; 2]> =
        LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::new())));
    LazyLock::force(&TWO);
}

/// As that of `tracing`, for tests that run beside each other.
pub(crate) fn with_default<R>(
    subscriber: impl Subscriber + Send + Sync + 'static,
    run: impl FnOnce() -> R,
) -> R {
    ask_every_subscriber();
    tracing::subscriber::with_default(subscriber, run)
}

const STEP: Duration = Duration::from_millis(5);

/// What a body does next; each step takes 5 ms, and so does its end.
pub(crate) enum Step {
    Data(&'static str),
    Trailers(&'static [(&'static str, &'static str)]),
    Error,
    Pending,
}

fn scripted(steps: Vec<Step>, clock: &ManualClock) -> ScriptBody {
    let body = steps.into_iter().fold(ScriptBody::new(), |body, step| {
        let body = body.pass(clock, STEP);
        match step {
            Step::Data(data) => body.data(data),
            Step::Trailers(trailers) => body.trailers(trailers),
            Step::Error => body.error("\u{1b}[2Jbroken"),
            Step::Pending => body.pending(),
        }
    });
    body.pass(clock, STEP)
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
    ask_every_subscriber();
    let mut answer = Some(answer);
    let mut service = layer.clone().clock(clock.clock()).layer(service_fn(move |_| {
        let answer = answer.take().unwrap();
        let clock = clock.clone();
        async move {
            clock.advance(Duration::from_millis(10));
            match answer() {
                Answer::Response(response) => Ok(response.map(|steps| scripted(steps, &clock))),
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
