//! Every scenario runs alone, fused, stacked, and stacked with a `Buffer` between; each observer
//! must record the same.

mod ambient;
mod chains;
#[cfg(any(feature = "metrics", feature = "trace"))]
pub(crate) mod drive;
mod endings;
mod facts;
mod flags;
mod grpc;
mod identity;
mod isolation;
mod learned;
mod optional;
mod order;
mod panics;
mod properties;
mod readings;
mod routes;
mod told_panics;
mod trailers;
mod traits;
mod verdicts;
mod waits;
mod wants;

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower::buffer::BufferLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

use super::{ObserveLayer, Observer};
use crate::classify::{Classify, Side};
use crate::testing::{Event, ManualClock, Record, Recorder, Script};

/// What the one who asks does with the answer.
#[derive(Clone, Copy)]
pub(crate) enum Caller {
    /// Reads the body to its end.
    Reads,
    /// Gives up before there is an answer, after this time.
    GivesUpAfter(Duration),
    /// Drops the body after this many frames and this time.
    DropsBodyAfter(usize, Duration),
}

pub(crate) struct Scenario {
    pub(crate) side: Side,
    pub(crate) clock: ManualClock,
    pub(crate) request: Box<dyn Fn() -> Request<()>>,
    pub(crate) script: Script,
    pub(crate) caller: Caller,
    pub(crate) deadline: Option<Duration>,
    pub(crate) classify: Classify,
    pub(crate) buffered: bool,
}

impl Scenario {
    pub(crate) fn new(side: Side, script: Script) -> Self {
        Self {
            side,
            clock: ManualClock::new(),
            request: Box::new(|| Request::new(())),
            script,
            caller: Caller::Reads,
            deadline: None,
            classify: Classify::new(),
            buffered: true,
        }
    }

    pub(crate) fn request(mut self, request: impl Fn() -> Request<()> + 'static) -> Self {
        self.request = Box::new(request);
        self
    }

    pub(crate) fn grpc(self) -> Self {
        self.request(|| grpc_request(None))
    }

    pub(crate) fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// A panic in `call` ends a `Buffer`'s worker instead of passing through.
    pub(crate) fn not_buffered(mut self) -> Self {
        self.buffered = false;
        self
    }

    pub(crate) fn layer<O: Observer + Clone>(&self, observer: O) -> ObserveLayer<O> {
        let layer = ObserveLayer::new(self.side, observer)
            .clock(self.clock.clock())
            .classify(self.classify.clone());
        match self.deadline {
            Some(deadline) => layer.deadline(deadline),
            None => layer,
        }
    }

    /// Runs the scenario in every arrangement and demands `expected` of each observer.
    #[track_caller]
    pub(crate) fn records(self, expected: Record) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut seen = Vec::new();
            for arrangement in ["alone", "fused", "stacked", "buffered"] {
                let (outer, mut inner) = (Recorder::new(), Recorder::new());
                let script = self.script.clone();
                match arrangement {
                    "alone" => {
                        self.drive(self.layer(outer.clone()).layer(script)).await;
                        outer.only();
                        inner.clone_from(&outer);
                    }
                    "fused" => {
                        let pair = (outer.clone(), Some(inner.clone()), ());
                        self.drive(self.layer(pair).layer(script)).await;
                    }
                    "stacked" => {
                        let stack = ServiceBuilder::new()
                            .layer(self.layer(outer.clone()))
                            .layer(self.layer(inner.clone()));
                        self.drive(stack.service(script)).await;
                    }
                    _ if !self.buffered => continue,
                    _ => {
                        let stack = ServiceBuilder::new()
                            .layer(self.layer(outer.clone()))
                            .layer(BufferLayer::new(1))
                            .layer(self.layer(inner.clone()));
                        self.drive(stack.service(script)).await;
                    }
                }
                assert_eq!(outer.only(), expected, "{arrangement}, outer");
                assert_eq!(inner.only(), expected, "{arrangement}, inner");
                seen.push((outer.events(), inner.events()));
            }
            let (first, _) = seen[0].clone();
            for (outer, inner) in seen {
                assert_eq!(outer, first);
                assert_eq!(inner, first);
            }
            assert_eq!(first.iter().filter(|event| **event == Event::End).count(), 1);
        });
    }

    pub(crate) async fn drive<S, B>(&self, mut service: S)
    where
        S: Service<Request<()>, Response = Response<B>>,
        B: Body,
    {
        let clock = self.clock.clone();
        let _ = AssertUnwindSafe(async {
            let ready = service.ready().await.unwrap_or_else(|_| panic!("not ready"));
            let mut answer = Box::pin(ready.call((self.request)()));
            let response = match self.caller {
                Caller::GivesUpAfter(time) => {
                    // enough turns for a buffer's worker to pass the request on
                    for _ in 0..8 {
                        assert!(poll_once(&mut answer).await.is_pending());
                        tokio::task::yield_now().await;
                    }
                    clock.advance(time);
                    return;
                }
                _ => answer.await,
            };
            let Ok(response) = response else { return };
            let mut body = pin!(response.into_body());
            match self.caller {
                Caller::DropsBodyAfter(frames, time) => {
                    for _ in 0..frames {
                        let _ = body.frame().await;
                    }
                    clock.advance(time);
                }
                _ => while let Some(Ok(_)) = body.frame().await {},
            }
        })
        .catch_unwind()
        .await;
    }
}

/// A server layer whose clock stands still.
pub(crate) fn still(recorder: &Recorder) -> ObserveLayer<Recorder> {
    recorder.layer(Side::Server).clock(ManualClock::new().clock())
}

pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.poll_unpin(cx))).await
}

pub(crate) fn grpc_request(timeout: Option<&'static str>) -> Request<()> {
    let mut request = Request::builder()
        .method("POST")
        .uri("/shop.Cart/Add")
        .header("content-type", "application/grpc");
    if let Some(timeout) = timeout {
        request = request.header("grpc-timeout", timeout);
    }
    request.body(()).unwrap()
}

pub(crate) const MS: Duration = Duration::from_millis(1);
