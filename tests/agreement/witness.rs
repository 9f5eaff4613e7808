//! What client and handler see themselves, noted without anything of the crate's.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tower::{Layer, Service};
use tower_observability::classify::Side;

use crate::script::INTENT;

/// What was seen of one side of an exchange.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) calls: u32,
    pub(crate) status: Option<u16>,
    pub(crate) bytes: u64,
    pub(crate) end: Option<SeenEnd>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeenEnd {
    Whole,
    /// The service or the body answered an error.
    Error,
    Panicked,
    Dropped,
}

/// What was seen of every exchange. Clones share it.
#[derive(Clone)]
pub(crate) struct Notes(Arc<Shared>);

struct Shared {
    seen: Vec<[Mutex<Seen>; 2]>,
    entered: Vec<Notify>,
    strays: AtomicU64,
    tasks: AtomicU64,
}

impl Notes {
    pub(crate) fn new(exchanges: usize) -> Self {
        Self(Arc::new(Shared {
            seen: (0..exchanges).map(|_| Default::default()).collect(),
            entered: (0..exchanges).map(|_| Notify::new()).collect(),
            strays: AtomicU64::new(0),
            tasks: AtomicU64::new(0),
        }))
    }

    /// Waits until a handler runs, in the task of the one who asked.
    pub(crate) async fn entered(&self, number: usize) {
        self.0.entered[number].notified().await;
    }

    pub(crate) fn seen(&self) -> Vec<[Seen; 2]> {
        self.0.seen.iter().map(|sides| [0, 1].map(|at| sides[at].lock().unwrap().clone())).collect()
    }

    /// How many requests came that nobody intended.
    pub(crate) fn strays(&self) -> u64 {
        self.0.strays.load(Ordering::Relaxed)
    }

    /// Counts a task that runs, until what comes is dropped.
    pub(crate) fn task(&self) -> impl Drop + Send + use<> {
        struct Task(Notes);
        impl Drop for Task {
            fn drop(&mut self) {
                self.0.0.tasks.fetch_sub(1, Ordering::AcqRel);
            }
        }
        self.0.tasks.fetch_add(1, Ordering::AcqRel);
        Task(self.clone())
    }

    pub(crate) fn tasks(&self) -> u64 {
        self.0.tasks.load(Ordering::Acquire)
    }

    fn note(&self, number: Option<usize>, side: Side, note: impl FnOnce(&mut Seen)) {
        if let Some(sides) = number.and_then(|number| self.0.seen.get(number)) {
            note(&mut sides[side as usize].lock().unwrap());
        }
    }
}

/// The number that a request has in the script.
pub(crate) fn number(headers: &HeaderMap) -> Option<usize> {
    headers.get(INTENT)?.to_str().ok()?.parse().ok()
}

/// Notes what passes: inside of a server's layers, outside of a client's.
#[derive(Clone)]
pub(crate) struct WitnessLayer {
    pub(crate) notes: Notes,
    pub(crate) side: Side,
}

impl<S> Layer<S> for WitnessLayer {
    type Service = Witness<S>;

    fn layer(&self, inner: S) -> Witness<S> {
        Witness { inner, layer: self.clone() }
    }
}

#[derive(Clone)]
pub(crate) struct Witness<S> {
    inner: S,
    layer: WitnessLayer,
}

impl<S, A, B> Service<Request<A>> for Witness<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    B: Body + Unpin + 'static,
{
    type Response = Response<WitnessBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let watch = self.layer.watch(request.headers());
        Box::pin(watch.over(self.inner.call(request)))
    }
}

impl WitnessLayer {
    /// Notes that a request comes, and what becomes of it.
    pub(crate) fn watch(&self, headers: &HeaderMap) -> Watch {
        let (notes, side, number) = (self.notes.clone(), self.side, number(headers));
        notes.note(number, side, |seen| seen.calls += 1);
        if number.is_none_or(|number| number >= notes.0.entered.len()) {
            notes.0.strays.fetch_add(1, Ordering::Relaxed);
        }
        Watch { notes, side, number, is_over: false }
    }
}

/// Notes the end, also where it is a drop.
pub(crate) struct Watch {
    notes: Notes,
    side: Side,
    number: Option<usize>,
    is_over: bool,
}

impl Watch {
    fn note(&self, note: impl FnOnce(&mut Seen)) {
        self.notes.note(self.number, self.side, note);
    }

    fn end(&mut self, end: SeenEnd) {
        if !mem::replace(&mut self.is_over, true) {
            self.note(|seen| seen.end = Some(end));
        }
    }
}

impl Watch {
    /// Notes what becomes of an answer.
    pub(crate) async fn over<B: Body + Unpin, E>(
        mut self,
        answer: impl Future<Output = Result<Response<B>, E>>,
    ) -> Result<Response<WitnessBody<B>>, E> {
        if let (Side::Server, Some(number)) = (self.side, self.number)
            && let Some(entered) = self.notes.0.entered.get(number)
        {
            entered.notify_one();
        }
        match answer.await {
            Ok(response) => {
                self.note(|seen| seen.status = Some(response.status().as_u16()));
                Ok(response.map(|inner| WitnessBody { inner, watch: self, is_polled: false }))
            }
            Err(error) => {
                self.end(SeenEnd::Error);
                Err(error)
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        self.end(if panicked { SeenEnd::Panicked } else { SeenEnd::Dropped });
    }
}

pub(crate) struct WitnessBody<B: Body + Unpin> {
    inner: B,
    watch: Watch,
    /// Still, where a poll panicked.
    is_polled: bool,
}

impl<B: Body + Unpin> Body for WitnessBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.is_polled = true;
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        self.is_polled = false;
        let frame = ready!(polled);
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, |data| data.remaining() as u64);
                self.watch.note(|seen| seen.bytes += bytes);
                if frame.is_trailers() {
                    self.watch.end(SeenEnd::Whole);
                }
            }
            Some(Err(_)) => self.watch.end(SeenEnd::Error),
            None => self.watch.end(SeenEnd::Whole),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Body + Unpin> Drop for WitnessBody<B> {
    fn drop(&mut self) {
        if self.is_polled {
            self.watch.end(SeenEnd::Panicked);
        }
        // who is told that nothing comes does not ask for it
        if self.inner.is_end_stream() {
            self.watch.end(SeenEnd::Whole);
        }
    }
}

/// The default of a body is asked for by those who answer themselves.
impl<B: Body + Unpin + Default> Default for WitnessBody<B> {
    fn default() -> Self {
        let notes = Notes::new(0);
        let watch = Watch { notes, side: Side::Server, number: None, is_over: true };
        Self { inner: B::default(), watch, is_polled: false }
    }
}
