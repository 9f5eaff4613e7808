//! A future in a span.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::Prepared;
use super::ending::Ending;
use super::live::Live;
use crate::exchange::discard;

pin_project! {
    /// A future in the span of its operation; made by [`run`](super::Operation::run).
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct OperationFuture<F, J> {
        #[pin]
        inner: Option<F>,
        ending: Option<J>,
        // until the first poll
        prepared: Option<Prepared>,
        // from then on until the end
        live: Option<Live>,
    }

    impl<F, J> PinnedDrop for OperationFuture<F, J> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(live) = this.live.take() else { return };
            match live.run(|| this.inner.set(None)) {
                Ok(()) => live.end(Ending::cancelled()),
                // during an unwind a second panic would abort the process: it stops here
                Err(panic) if std::thread::panicking() => {
                    live.end(Ending::panicked());
                    discard(panic);
                }
                Err(panic) => {
                    live.end(Ending::panicked());
                    resume_unwind(panic);
                }
            }
        }
    }
}

impl<F, J> OperationFuture<F, J> {
    pub(super) fn new(inner: F, ending: J, prepared: Prepared) -> Self {
        Self { inner: Some(inner), ending: Some(ending), prepared: Some(prepared), live: None }
    }
}

impl<F, J> Future for OperationFuture<F, J>
where
    F: Future,
    J: FnOnce(&F::Output) -> Ending,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(prepared) = this.prepared.take() {
            *this.live = Some(prepared.start());
        }
        let Some(live) = this.live.as_ref() else { return Poll::Pending };
        let polled = live.run(|| {
            let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
            let output = ready!(inner.poll(cx));
            this.inner.set(None);
            let ending = this.ending.take().map(|ending| ending(&output)).unwrap_or_default();
            Poll::Ready((output, ending))
        });
        let (result, ending) = match polled {
            Ok(polled) => {
                let (output, ending) = ready!(polled);
                (Ok(output), ending)
            }
            Err(panic) => {
                // the first panic is the one to tell of and to resume
                if let Err(second) = live.run(|| this.inner.set(None)) {
                    discard(second);
                }
                (Err(panic), Ending::panicked())
            }
        };
        if let Some(live) = this.live.take() {
            live.end(ending);
        }
        match result {
            Ok(output) => Poll::Ready(output),
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl<F, J> fmt::Debug for OperationFuture<F, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match (&self.prepared, &self.live) {
            (Some(_), _) => "waiting",
            (None, Some(_)) => "running",
            (None, None) => "over",
        };
        f.debug_struct("OperationFuture").field("stage", &stage).finish()
    }
}
