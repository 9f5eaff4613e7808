//! Where a request asks for a panic, and the parts of a service that obey.

use std::panic;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::task::yield_now;
use tower::{Layer, Service};
use tower_observability::catch_panic::PanicHook;

/// Where a service panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Call,
    BeforeAwait,
    BetweenAwaits,
    Body,
    Trailers,
    /// In the drop of a handler's local.
    Drop,
    /// In the drop of the body, at its end.
    BodyDrop,
}

pub(crate) const PLACES: [Place; 7] = [
    Place::Call,
    Place::BeforeAwait,
    Place::BetweenAwaits,
    Place::Body,
    Place::Trailers,
    Place::Drop,
    Place::BodyDrop,
];

/// The header that asks for a panic.
pub(crate) const PANIC: &str = "x-panic";

impl Place {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::BeforeAwait => "before",
            Self::BetweenAwaits => "between",
            Self::Body => "body",
            Self::Trailers => "trailers",
            Self::Drop => "drop",
            Self::BodyDrop => "body-drop",
        }
    }

    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let asked = headers.get(PANIC)?;
        Some(*PLACES.iter().find(|place| place.name() == asked).unwrap())
    }

    /// Whether the response headers are sent before.
    pub(crate) fn is_after_headers(self) -> bool {
        matches!(self, Self::Body | Self::Trailers | Self::BodyDrop)
    }
}

/// What every panic of a service says, with a secret in it.
const SAID: &str = "as ordered by http://shop.example/?token=s3cret-text";
/// The same, as Sentry may be told it.
pub(crate) const TOLD: &str = "as ordered by http://shop.example/?token=REDACTED";
/// The line on which every panic of a service happens.
pub(crate) const LINE: u32 = line!() + 3;

fn blow() -> ! {
    panic!("{SAID}")
}

/// Has every panic located, and those that are ordered not printed.
pub(crate) fn hook() {
    quiet();
    static ONCE: Once = Once::new();
    ONCE.call_once(|| assert!(PanicHook::new().install()));
}

/// Has the panics that are ordered not printed.
pub(crate) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload_as_str().is_none_or(|said| ![SAID, ELSEWHERE].contains(&said)) {
                before(info);
            }
        }));
    });
}

pub(crate) const ELSEWHERE: &str = "in no service";

/// A panic in no service.
pub(crate) fn panic_elsewhere() {
    std::thread::spawn(|| panic!("{ELSEWHERE}")).join().unwrap_err();
}

struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 {
            blow();
        }
    }
}

/// Never ends, and panics when it is dropped.
pub(crate) async fn wait_to_blow() {
    let _bomb = Bomb(true);
    std::future::pending().await
}

/// The way of a handler, with a local and two awaits.
pub(crate) async fn walk(place: Option<Place>) {
    if place == Some(Place::BeforeAwait) {
        blow();
    }
    let _bomb = Bomb(place == Some(Place::Drop));
    yield_now().await;
    if place == Some(Place::BetweenAwaits) {
        blow();
    }
    yield_now().await;
}

/// Panics in `call` and in the body, where that is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Mines;

impl<S> Layer<S> for Mines {
    type Service = Mined<S>;

    fn layer(&self, inner: S) -> Mined<S> {
        Mined(inner)
    }
}

#[derive(Clone)]
pub(crate) struct Mined<S>(S);

impl<S, A, B> Service<Request<A>> for Mined<S>
where
    S: Service<Request<A>, Response = Response<B>, Future: Send + 'static>,
{
    type Response = Response<MinedBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let place = Place::of(request.headers());
        if place == Some(Place::Call) {
            blow();
        }
        // of a single message a part goes out; else the first of two
        let halves = request.uri().path().ends_with("/Unary");
        let answering = self.0.call(request);
        Box::pin(async move {
            let bomb = Bomb(place == Some(Place::BodyDrop));
            let place = place.filter(|place| matches!(place, Place::Body | Place::Trailers));
            let mined = |inner| MinedBody {
                inner: Box::pin(inner),
                place,
                halves,
                fuse: None,
                _bomb: bomb,
            };
            Ok(answering.await?.map(mined))
        })
    }
}

pub(crate) struct MinedBody<B> {
    inner: Pin<Box<B>>,
    place: Option<Place>,
    halves: bool,
    /// Burns while what was yielded before is sent.
    fuse: Option<usize>,
    _bomb: Bomb,
}

impl<B: Body<Data = Bytes>> Body for MinedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.fuse {
            Some(0) => blow(),
            Some(left) => {
                *left -= 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => {}
        }
        let frame = ready!(self.inner.as_mut().poll_frame(cx));
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        match (self.place, data) {
            (Some(Place::Trailers), None) => {
                self.fuse = Some(10);
                self.poll_frame(cx)
            }
            (Some(Place::Body), Some(data)) => {
                let length = if self.halves { data.len() / 2 } else { data.len() };
                let first = data.slice(..length);
                self.fuse = Some(10);
                Poll::Ready(Some(Ok(Frame::data(first))))
            }
            _ => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.place.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
