//! The one wrapper of a service.

use std::fmt;
use std::panic::resume_unwind;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::active::Active;
use super::body::ObserveBody;
use super::end::Last;
use super::future::ObserveFuture;
use super::observer::{Observer, isolated};
use super::wait::{Gate, WaitEnd};

/// A service whose exchanges an [`Observer`] sees; made by
/// [`ObserveLayer`](super::ObserveLayer).
pub struct Observe<S, O: Observer> {
    pub(super) inner: S,
    pub(super) gate: Gate<O>,
}

impl<S, O: Observer> Observe<S, O> {
    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, O, RequestBody, ResponseBody> Service<Request<RequestBody>> for Observe<S, O>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    S::Error: 'static,
    O: Observer,
    RequestBody: 'static,
    ResponseBody: Body,
    ResponseBody::Error: 'static,
{
    type Response = Response<ObserveBody<ResponseBody, O>>;
    type Error = S::Error;
    type Future = ObserveFuture<S::Future, O>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let ready = self.inner.poll_ready(cx);
        match &ready {
            Poll::Pending => self.gate.waits(),
            Poll::Ready(Ok(())) => self.gate.opens(),
            Poll::Ready(Err(error)) => {
                self.gate.tell(WaitEnd::Refused);
                isolated(|| self.gate.core().observer.refused(error));
            }
        }
        ready
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        self.gate.tell(WaitEnd::Called);
        let (head, body) = request.into_parts();
        // taken out of its place at last: as a part of closures it would be copied with each of them
        let mut place = None;
        let mut active = Active::begin(self.gate.core(), place.insert(head));
        let mut future = None;
        let called = active.call(body, |body| {
            if let Some(head) = place.take() {
                future = Some(self.inner.call(Request::from_parts(head, body)));
            }
        });
        match called {
            Ok(()) => ObserveFuture::new(future, active),
            Err(panic) => {
                active.end(Last::Panic(Some(&*panic)));
                resume_unwind(panic)
            }
        }
    }
}

impl<S: Clone, O: Observer> Clone for Observe<S, O> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), gate: self.gate.clone() }
    }
}

impl<S: fmt::Debug, O: Observer + fmt::Debug> fmt::Debug for Observe<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observe")
            .field("inner", &self.inner)
            .field("observer", &self.gate.core().observer)
            .finish()
    }
}

#[cfg(feature = "tonic")]
impl<S: tonic::server::NamedService, O: Observer> tonic::server::NamedService for Observe<S, O> {
    const NAME: &'static str = S::NAME;
}
