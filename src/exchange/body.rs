//! The one wrapper of a response body.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::active::Active;
use super::end::Last;
use super::future::{drop_then_end, end_with_panic};
use super::observer::{Observer, drop_and_resume};

pin_project! {
    /// The response body of an [`Observe`](super::Observe) service.
    pub struct ObserveBody<B, O: Observer> {
        #[pin]
        inner: Option<B>,
        active: Option<Active<O>>,
    }

    impl<B, O: Observer> PinnedDrop for ObserveBody<B, O> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            drop_then_end(this.active, || this.inner.set(None));
        }
    }
}

impl<B, O: Observer> ObserveBody<B, O> {
    pub(super) fn new(inner: B, active: Option<Active<O>>) -> Self {
        Self { inner: Some(inner), active }
    }
}

impl<B, O> Body for ObserveBody<B, O>
where
    B: Body,
    B::Error: 'static,
    O: Observer,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(active) = this.active.as_mut() else {
            return match this.inner.as_pin_mut() {
                Some(inner) => inner.poll_frame(cx),
                None => Poll::Ready(None),
            };
        };
        // what a frame is and whether the body has ended is asked in scope too: it is its own code
        let polled = active.run(|| {
            let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
                return Poll::Ready((None, 0, true));
            };
            let frame = ready!(inner.as_mut().poll_frame(cx));
            let (length, last) = match &frame {
                Some(Ok(frame)) => (
                    frame.data_ref().map_or(0, |data| data.remaining() as u64),
                    frame.is_trailers() || inner.is_end_stream(),
                ),
                Some(Err(_)) | None => (0, true),
            };
            if last && let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.inner.set(None))) {
                drop_and_resume(frame, panic);
            }
            Poll::Ready((frame, length, last))
        });
        let (frame, length, last) = match polled {
            Ok(polled) => ready!(polled),
            Err(panic) => {
                end_with_panic(this.active, &panic, || this.inner.set(None));
                resume_unwind(panic)
            }
        };
        if let Some(Ok(frame)) = &frame {
            active.frame(frame, length);
        }
        if last {
            let last = match &frame {
                Some(Err(error)) => Last::Error(error),
                Some(Ok(_)) | None => Last::BodyEnded,
            };
            Active::end_in(this.active, last);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Default, O: Observer> Default for ObserveBody<B, O> {
    fn default() -> Self {
        Self::new(B::default(), None)
    }
}

impl<B: fmt::Debug, O: Observer> fmt::Debug for ObserveBody<B, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveBody")
            .field("inner", &self.inner)
            .field("observed", &self.active.is_some())
            .finish()
    }
}
