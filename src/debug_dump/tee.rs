//! Bodies that are looked at while they pass.

use std::any::Any;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::armed::Armed;
use super::capture::BodyFate;

/// How many bytes more are held than are kept in the end.
const SLACK: usize = 256;

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Response,
}

/// Bytes that are kept of a body, up to a cap.
pub(super) struct Kept {
    armed: Arc<Armed>,
    pub(super) cap: usize,
    /// How many more may be: some over the cap, as what is hidden may shorten them.
    room: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) total: u64,
    pub(super) fate: BodyFate,
    pub(super) trailers: Option<HeaderMap>,
}

impl Kept {
    pub(super) fn new(armed: &Arc<Armed>, fate: BodyFate) -> Self {
        let cap = armed.rule.body_cap;
        let room = if cap == 0 { 0 } else { cap + SLACK };
        Self {
            armed: Arc::clone(armed),
            cap,
            room,
            bytes: Vec::new(),
            total: 0,
            fate,
            trailers: None,
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let wanted = bytes.len().min(self.room);
        if wanted == 0 {
            return;
        }
        let held = self.armed.hold(wanted);
        if held < wanted {
            // others hold all there is: nothing more is kept, so that there is no gap
            self.room = 0;
        } else {
            self.room -= held;
        }
        self.bytes.extend_from_slice(bytes.get(..held).unwrap_or_default());
    }

    /// Counts what is not looked at; nothing after it is kept, so that there is no gap.
    fn skip(&mut self, bytes: usize) {
        if bytes > 0 {
            self.stop();
            self.total += bytes as u64;
        }
    }

    /// Keeps nothing more.
    pub(super) fn stop(&mut self) {
        self.room = 0;
    }

    /// Whether all of it was kept.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.total && self.fate == BodyFate::Whole
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.armed.let_go(self.bytes.len());
    }
}

/// Sees what passes through a request body; given to what
/// [`request_body`](super::DebugDumpLayer::request_body) registers.
#[derive(Clone)]
pub struct BodyTap(pub(super) Arc<Mutex<Kept>>);

impl BodyTap {
    /// The same body, whose frames are seen.
    pub fn wrap<B: Body>(&self, body: B) -> TappedBody<B> {
        if body.is_end_stream() {
            // nobody has to read it
            self.kept().fate = BodyFate::Whole;
        }
        TappedBody { inner: body, tap: self.clone() }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// A request body whose frames are seen while they pass; made by [`BodyTap::wrap`].
    pub struct TappedBody<B> {
        #[pin]
        inner: B,
        tap: BodyTap,
    }
}

impl<B: Body> Body for TappedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        let mut kept = this.tap.kept();
        match &frame {
            // asked again after its error, it may seem to have come to its end
            _ if kept.fate == BodyFate::Aborted => {}
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    // the first piece is all there is of what is one piece
                    let (first, all) = (data.chunk(), data.remaining());
                    kept.add(first);
                    kept.skip(all.saturating_sub(first.len()));
                }
                if let Some(trailers) = frame.trailers_ref() {
                    kept.trailers = Some(trailers.clone());
                }
                if frame.is_trailers() || this.inner.is_end_stream() {
                    kept.fate = BodyFate::Whole;
                }
            }
            Some(Err(_)) => kept.fate = BodyFate::Aborted,
            None => kept.fate = BodyFate::Whole,
        }
        drop(kept);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Makes something else of a body if it is of a type; whether it is.
pub(super) fn map_as<T, B>(body: &mut B, map: impl FnOnce(T) -> T) -> bool
where
    T: Default + 'static,
    B: 'static,
{
    let body: &mut dyn Any = body;
    let typed = body.downcast_mut::<T>();
    let is_it = typed.is_some();
    if let Some(typed) = typed {
        *typed = map(mem::take(typed));
    }
    is_it
}
