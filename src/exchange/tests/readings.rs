//! Wrappers that stand around one another measure one exchange once, however long each of them takes
//! for itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use http::StatusCode;
use http_body_util::BodyExt;
use tower::service_fn;

use super::*;
use crate::clock::{Clock, TimeSource};
use crate::exchange::ObserveBody;
use crate::testing::{ScriptBody, ScriptError};

/// A clock that goes on by a second whenever it is asked.
struct Ticks {
    zero: Instant,
    asked: AtomicU64,
}

impl TimeSource for Ticks {
    fn now(&self) -> Instant {
        self.zero + Duration::from_secs(self.asked.fetch_add(1, Ordering::Relaxed))
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

fn ticking(recorder: &Recorder) -> ObserveLayer<Recorder> {
    let ticks = Ticks { zero: Instant::now(), asked: AtomicU64::new(0) };
    recorder.layer(Side::Server).clock(Clock::new(ticks))
}

type Wrapped<B> = ObserveBody<B, Recorder>;
type Thrice = Wrapped<Wrapped<Wrapped<ScriptBody>>>;

/// What three wrappers around each other record of the script.
async fn stacked(
    script: Script,
    ask: impl AsyncFnOnce(Response<Thrice>),
) -> Vec<(Option<Duration>, Duration)> {
    let recorders = [(); 3].map(|()| Recorder::new());
    let [outer, middle, inner] = recorders.each_ref().map(ticking);
    let service = outer.layer(middle.layer(inner.layer(script)));
    let answered = AssertUnwindSafe(service.oneshot(Request::new(()))).catch_unwind().await;
    if let Ok(Ok(response)) = answered {
        ask(response).await;
    }
    recorders.map(|one| one.only()).map(|it| (it.time_to_headers, it.duration)).to_vec()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_body_that_ends_and_one_that_is_dropped() {
    let body = || Script::body(ScriptBody::new().data("a").data("b"));
    let read = stacked(body(), async |response| {
        response.into_body().collect().await.unwrap();
    });
    assert_eq!(read.await, [(Some(seconds(1)), seconds(2)); 3]);
    let dropped = stacked(body(), async |response| drop(response));
    assert_eq!(dropped.await, [(Some(seconds(1)), seconds(2)); 3]);
}

#[tokio::test]
async fn an_answer_without_a_body_an_error_and_a_panic() {
    let never = async |_: Response<_>| unreachable!();
    let bodiless = stacked(Script::status(StatusCode::NO_CONTENT), async |response| drop(response));
    assert_eq!(bodiless.await, [(Some(seconds(1)), seconds(1)); 3]);
    assert_eq!(stacked(Script::fails("boom"), never).await, [(None, seconds(1)); 3]);
    assert_eq!(stacked(Script::panics("boom"), never).await, [(None, seconds(1)); 3]);
    assert_eq!(stacked(Script::panics_in_call("boom"), never).await, [(None, seconds(1)); 3]);
}

#[tokio::test]
async fn what_a_layer_between_holds_back_ends_later_outside() {
    let recorders = [(); 2].map(|()| Recorder::new());
    let [outer, inner] = recorders.each_ref().map(ticking);
    let inner = inner.layer(Script::body(ScriptBody::new().data("whole")));
    // reads the body to its end before it hands on anything
    let buffering = service_fn(move |request: Request<()>| {
        let inner = inner.clone();
        async move {
            let (head, body) = inner.oneshot(request).await?.into_parts();
            let whole = body.collect().await?.to_bytes();
            Ok::<_, ScriptError>(Response::from_parts(head, ScriptBody::new().data(whole)))
        }
    });
    let response = outer.layer(buffering).oneshot(Request::new(())).await.unwrap();
    response.into_body().collect().await.unwrap();
    let durations = recorders.map(|one| one.only()).map(|it| (it.time_to_headers, it.duration));
    // the headers came when the inner body had ended
    assert_eq!(durations, [(Some(seconds(2)), seconds(3)), (Some(seconds(1)), seconds(2))]);
}
