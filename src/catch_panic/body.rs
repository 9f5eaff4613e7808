//! The response body.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::answer::grpc_trailers;
use super::hook::catching;
use crate::error::{Caught, Panicked};
use crate::exchange::drop_and_resume;

pin_project! {
    /// The response body of a [`CatchPanic`](super::CatchPanic) service: the inner one, or the answer in
    /// its place.
    pub struct CatchPanicBody<B> {
        #[pin]
        inner: Option<B>,
        answer: Option<Bytes>,
        is_grpc: bool,
    }

    impl<B> PinnedDrop for CatchPanicBody<B> {
        fn drop(this: Pin<&mut Self>) {
            this.drop_inner();
        }
    }
}

impl<B> CatchPanicBody<B> {
    pub(super) fn new(inner: B, is_grpc: bool) -> Self {
        Self { inner: Some(inner), answer: None, is_grpc }
    }

    pub(super) fn answer(answer: Bytes) -> Self {
        Self { inner: None, answer: Some(answer), is_grpc: false }
    }

    fn drop_inner(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.inner.is_some() {
            catching(|| this.inner.set(None));
        }
    }
}

impl<B> Body for CatchPanicBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = Caught<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let mut this = self.as_mut().project();
        if this.inner.is_none() {
            let answer = this.answer.take().filter(|answer| !answer.is_empty());
            return Poll::Ready(answer.map(|answer| Ok(Frame::data(answer.into()))));
        }
        let polled = catching(|| {
            let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            let frame = ready!(inner.as_mut().poll_frame(cx));
            let is_last = match &frame {
                Some(Ok(frame)) => frame.is_trailers() || inner.is_end_stream(),
                Some(Err(_)) | None => true,
            };
            if is_last {
                // what it does in its drop is its own, too, and can still be answered
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.inner.set(None))) {
                    drop_and_resume(frame, panic);
                }
            }
            Poll::Ready(frame)
        });
        if let Some(polled) = polled {
            return polled.map_err(Caught::Inner);
        }
        let end = match self.is_grpc {
            true => Ok(Frame::trailers(grpc_trailers())),
            false => Err(Caught::Panicked(Panicked)),
        };
        self.drop_inner();
        Poll::Ready(Some(end))
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Some(inner) => catching(|| inner.is_end_stream()).unwrap_or(false),
            None => self.answer.as_ref().is_none_or(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => catching(|| inner.size_hint()).unwrap_or_default(),
            None => {
                let length = self.answer.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(length as u64)
            }
        }
    }
}

impl<B: Default> Default for CatchPanicBody<B> {
    fn default() -> Self {
        Self::new(B::default(), false)
    }
}

impl<B: Clone> Clone for CatchPanicBody<B> {
    fn clone(&self) -> Self {
        let Self { inner, answer, is_grpc } = self;
        Self { inner: inner.clone(), answer: answer.clone(), is_grpc: *is_grpc }
    }
}

impl<B: fmt::Debug> fmt::Debug for CatchPanicBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchPanicBody")
            .field("inner", &self.inner)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}
