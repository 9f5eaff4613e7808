//! The service, and its future.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::Responder;
use super::answer::{Asked, respond};
use super::body::CatchPanicBody;
use super::hook::catching;
use crate::exchange::{Facts, drop_and_resume};
use crate::grpc;

/// A service that answers where the one inside panics; made by
/// [`CatchPanicLayer`](super::CatchPanicLayer).
#[derive(Clone)]
pub struct CatchPanic<S> {
    inner: S,
    responder: Option<Arc<Responder>>,
}

impl<S> CatchPanic<S> {
    pub(super) fn new(inner: S, responder: Option<Arc<Responder>>) -> Self {
        Self { inner, responder }
    }

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

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for CatchPanic<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Body,
    ResponseBody::Data: From<Bytes>,
{
    type Response = Response<CatchPanicBody<ResponseBody>>;
    type Error = S::Error;
    type Future = CatchPanicFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let asked = Asked::of(&request);
        let inner = catching(|| self.inner.call(request));
        CatchPanicFuture { inner, asked, responder: self.responder.clone() }
    }
}

impl<S: fmt::Debug> fmt::Debug for CatchPanic<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchPanic").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[cfg(feature = "tonic")]
impl<S: tonic::server::NamedService> tonic::server::NamedService for CatchPanic<S> {
    const NAME: &'static str = S::NAME;
}

pin_project! {
    /// The future of a [`CatchPanic`] service.
    pub struct CatchPanicFuture<F> {
        // nothing where `call` panicked
        #[pin]
        inner: Option<F>,
        asked: Asked,
        responder: Option<Arc<Responder>>,
    }

    impl<F> PinnedDrop for CatchPanicFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                catching(|| this.inner.set(None));
            }
        }
    }
}

impl<F, B, E> Future for CatchPanicFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<CatchPanicBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let is_grpc = this.asked.is_grpc;
        if this.inner.is_some() {
            let polled = catching(|| {
                let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
                let answered = ready!(inner.poll(cx));
                // what the service's locals do in their drop is its own, too
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.inner.set(None))) {
                    drop_and_resume(answered, panic);
                }
                Poll::Ready(answered.map(|response| {
                    // a stranger's content type alone makes no plain service one of gRPC
                    let is_grpc = is_grpc && grpc::is_grpc(response.headers());
                    response.map(|body| CatchPanicBody::new(body, is_grpc))
                }))
            });
            if let Some(polled) = polled {
                return polled;
            }
            // its drop may panic again
            catching(|| this.inner.set(None));
        }
        Poll::Ready(Ok(answer(this.responder.as_deref(), this.asked)))
    }
}

#[cold]
fn answer<B>(responder: Option<&Responder>, asked: &Asked) -> Response<CatchPanicBody<B>> {
    let facts = Facts::current();
    respond(responder, asked, facts.as_deref()).map(CatchPanicBody::answer)
}

impl<F: fmt::Debug> fmt::Debug for CatchPanicFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchPanicFuture").field("inner", &self.inner).finish_non_exhaustive()
    }
}
