//! Who is told when, and in whose scope: the same fused and stacked.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response, request, response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceBuilder};

use crate::classify::Side;
use crate::exchange::{End, Facts, ObserveLayer, Observer};

/// What happened, each with the scopes it happened in.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<(Vec<&'static str>, Vec<String>)>>);

impl Log {
    fn with<R>(&self, with: impl FnOnce(&mut Vec<&'static str>, &mut Vec<String>) -> R) -> R {
        let (open, lines) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        with(open, lines)
    }

    fn note(&self, what: &str) {
        let outside = if Facts::current().is_none() { " with no exchange in scope" } else { "" };
        self.with(|open, lines| lines.push(format!("{}| {what}{outside}", open.join(" "))));
    }

    fn lines(&self) -> Vec<String> {
        self.with(|open, lines| {
            assert!(open.is_empty(), "a scope was left open");
            lines.clone()
        })
    }
}

/// Writes its callbacks into a log, and its scope around what happens inside.
#[derive(Clone)]
struct Spy {
    name: &'static str,
    log: Log,
}

impl Spy {
    fn note(&self, callback: &str) {
        self.log.note(&format!("{}.{callback}", self.name));
    }
}

struct Open<'a>(&'a Log);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.with(|open, _| open.pop());
    }
}

impl Observer for Spy {
    type Exchange = ();

    const WANTS_DATA: bool = true;

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {
        self.note("begin");
    }

    fn scope<R>(&self, (): &mut (), inner: impl FnOnce() -> R) -> R {
        self.log.with(|open, _| open.push(self.name));
        let _open = Open(&self.log);
        inner()
    }

    fn response(&self, (): &mut (), _: &mut response::Parts, _: &Arc<Facts>) {
        self.note("response");
    }

    fn data(&self, (): &mut (), _: &[u8]) {
        self.note("data");
    }

    fn end(&self, (): (), _: &End<'_>) {
        self.note("end");
    }
}

/// A service, its future and its body in one: each writes down when it runs and when it is dropped.
#[derive(Clone)]
struct Inner {
    log: Log,
    answers: bool,
    frames: u32,
    what: &'static str,
}

impl Inner {
    fn named(&self, what: &'static str) -> Self {
        let mut other = self.clone();
        other.what = what;
        other
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.what != "service" {
            self.log.note(&format!("drop {}", self.what));
        }
    }
}

impl Service<Request<()>> for Inner {
    type Response = Response<Inner>;
    type Error = Infallible;
    type Future = Inner;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Inner {
        self.log.note("call");
        self.named("future")
    }
}

impl Future for Inner {
    type Output = Result<Response<Inner>, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.log.note("poll");
        if !self.answers {
            return Poll::Pending;
        }
        Poll::Ready(Ok(Response::new(self.named("body"))))
    }
}

impl Body for Inner {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.log.note("poll_frame");
        self.frames = match self.frames.checked_sub(1) {
            None => return Poll::Ready(None),
            Some(left) => left,
        };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"hi")))))
    }
}

async fn drive<S, B>(mut service: S, method: Method, frames: usize)
where
    S: Service<Request<()>, Response = Response<B>>,
    B: Body + Unpin,
{
    let request = Request::builder().method(method).body(()).unwrap();
    let mut answer = Box::pin(service.call(request));
    let polled = super::poll_once(&mut answer).await;
    let Poll::Ready(Ok(response)) = polled else { return };
    let mut body = response.into_body();
    for _ in 0..frames {
        let _ = body.frame().await;
    }
}

/// The log of one exchange, fused and stacked.
fn logs(method: Method, answers: bool, frames: u32, read: usize) -> [Vec<String>; 2] {
    [true, false].map(|fused| {
        let log = Log::default();
        let spy = |name| Spy { name, log: log.clone() };
        let inner = Inner { log: log.clone(), answers, frames, what: "service" };
        let layer = |name| ObserveLayer::new(Side::Server, spy(name));
        let driven = if fused {
            let fused = ObserveLayer::new(Side::Server, (spy("a"), spy("b"), spy("c")));
            drive(fused.layer(inner), method.clone(), read).now_or_never()
        } else {
            let stack = ServiceBuilder::new().layer(layer("a")).layer(layer("b"));
            drive(stack.layer(layer("c")).service(inner), method.clone(), read).now_or_never()
        };
        driven.expect("nothing here waits");
        log.lines()
    })
}

const BEGIN: [&str; 5] = ["| a.begin", "a| b.begin", "a b| c.begin", "a b c| call", "a b c| poll"];
const RESPONSE: [&str; 4] =
    ["a b c| drop future", "a b| c.response", "a| b.response", "| a.response"];
const DATA: [&str; 4] = ["a b c| poll_frame", "a b| c.data", "a| b.data", "| a.data"];
const END: [&str; 3] = ["a b| c.end", "a| b.end", "| a.end"];

#[test]
fn a_body_that_is_read_to_its_end() {
    let last = ["a b c| poll_frame", "a b c| drop body"];
    let expected = [&BEGIN[..], &RESPONSE, &DATA, &last, &END].concat();
    assert_eq!(logs(Method::GET, true, 1, 2), [expected.clone(), expected]);
}

#[test]
fn a_body_that_is_dropped() {
    let expected = [&BEGIN[..], &RESPONSE, &DATA, &["a b c| drop body"], &END].concat();
    assert_eq!(logs(Method::GET, true, 2, 1), [expected.clone(), expected]);
}

#[test]
fn a_future_that_is_dropped() {
    let expected = [&BEGIN[..], &["a b c| drop future"], &END].concat();
    assert_eq!(logs(Method::GET, false, 0, 0), [expected.clone(), expected]);
}

/// The one difference: a stacked wrapper ends before the one outside of it has its response.
#[test]
fn an_answer_that_ends_at_its_headers() {
    let [fused, stacked] = logs(Method::HEAD, true, 0, 0);
    let unobserved = ["| drop body with no exchange in scope"];
    assert_eq!(fused, [&BEGIN[..], &RESPONSE, &END, &unobserved].concat());
    let inwards_out = [
        "a b c| drop future",
        "a b| c.response",
        "a b| c.end",
        "a| b.response",
        "a| b.end",
        "| a.response",
        "| a.end",
    ];
    assert_eq!(stacked, [&BEGIN[..], &inwards_out, &unobserved].concat());
}
