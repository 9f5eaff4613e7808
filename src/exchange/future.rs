//! The one wrapper of a response future.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::active::{Active, Ahead, Panic};
use super::body::ObserveBody;
use super::end::Last;
use super::observer::{Observer, discard, drop_and_resume};

pin_project! {
    /// The future of an [`Observe`](super::Observe) service.
    pub struct ObserveFuture<F, O: Observer> {
        #[pin]
        inner: Option<F>,
        active: Option<Active<O>>,
    }

    impl<F, O: Observer> PinnedDrop for ObserveFuture<F, O> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            drop_then_end(this.active, || this.inner.set(None));
        }
    }
}

impl<F, O: Observer> ObserveFuture<F, O> {
    #[inline]
    pub(super) fn new(inner: Option<F>, active: Active<O>) -> Self {
        Self { inner, active: Some(active) }
    }
}

impl<F, B, E, O> Future for ObserveFuture<F, O>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: 'static,
    B: Body,
    O: Observer,
{
    type Output = Result<Response<ObserveBody<B, O>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(active) = this.active.as_mut() else { return Poll::Pending };
        let (mut head, mut body, mut failed) = (None, None, None);
        let mut ahead = Ahead::default();
        let ran = active.run_to_response(&mut head, |head| {
            let Some(inner) = this.inner.as_mut().as_pin_mut() else { return };
            let Poll::Ready(answer) = inner.poll(cx) else { return };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.inner.set(None))) {
                drop_and_resume(answer, panic);
            }
            match answer {
                Ok(response) => {
                    let (parts, of_it) = response.into_parts();
                    // both are in their places before the body is asked, whose own code that is
                    let (head, body) = (head.insert(parts), body.insert(of_it));
                    ahead = Ahead::of(head, body);
                }
                Err(error) => failed = Some(error),
            }
        });
        if let Err(panic) = ran {
            end_with_panic(this.active, &panic, || {
                (head, body, failed) = (None, None, None);
                this.inner.set(None);
            });
            resume_unwind(panic)
        }
        if let Some(error) = failed {
            Active::end_in(this.active, Last::Error(&error));
            return Poll::Ready(Err(error));
        }
        let (Some(head), Some(body)) = (head, body) else { return Poll::Pending };
        if active.respond(&head, ahead) {
            *this.active = None;
        }
        let body = ObserveBody::new(body, this.active.take());
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

/// Drops what is inside in scope, then ends the exchange, if there is still one.
pub(super) fn drop_then_end<O: Observer>(slot: &mut Option<Active<O>>, drop_inner: impl FnOnce()) {
    let Some(active) = slot else { return };
    match active.run(drop_inner) {
        Ok(()) => Active::end_in(slot, Last::Dropped),
        // during an unwind a second panic would abort the process: it stops here
        Err(panic) if std::thread::panicking() => {
            Active::end_in(slot, Last::Panic(Some(&*panic)));
            discard(panic);
        }
        Err(panic) => {
            Active::end_in(slot, Last::Panic(Some(&*panic)));
            resume_unwind(panic);
        }
    }
}

/// Ends an exchange whose inner part panicked.
pub(super) fn end_with_panic<O: Observer>(
    slot: &mut Option<Active<O>>,
    panic: &Panic,
    drop_inner: impl FnOnce(),
) {
    let Some(active) = slot else { return };
    // the first panic is the one to tell of and to resume
    if let Err(second) = active.run_on(drop_inner) {
        discard(second);
    }
    Active::end_in(slot, Last::Panic(Some(&**panic)));
}
