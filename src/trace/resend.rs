//! Counts the attempts of one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use http::{Request, request};
use tower_layer::Layer;
use tower_service::Service;

/// Marks each request, so that the attempts which a retry inside makes of it are counted: a client
/// span of the second attempt has `http.request.resend_count` 1, that of the third 2.
///
/// ```
/// use tower::ServiceBuilder;
/// use tower_observability::trace::{ResendCountLayer, TraceLayer};
/// # let retry_layer = tower::layer::util::Identity::new();
/// let client = ServiceBuilder::new()
///     .layer(ResendCountLayer::new()) // outside of the retry
///     .layer(retry_layer)
///     .layer(TraceLayer::client()); // inside: a span for each attempt
/// ```
///
/// The retry's policy must hand on the request's extensions when it clones a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResendCountLayer(());

impl ResendCountLayer {
    /// Marks each request.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for ResendCountLayer {
    type Service = ResendCount<S>;

    fn layer(&self, inner: S) -> ResendCount<S> {
        ResendCount { inner }
    }
}

/// The service of a [`ResendCountLayer`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ResendCount<S> {
    inner: S,
}

impl<S> ResendCount<S> {
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

impl<S: Service<Request<B>>, B> Service<Request<B>> for ResendCount<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(Attempts::default());
        self.inner.call(request)
    }
}

/// How many attempts began; shared by the clones of a request.
#[derive(Clone, Default)]
struct Attempts(Arc<AtomicU32>);

/// How often the request was sent before; it counts as sent now. The marker is taken out, so that a
/// request which is forwarded is not counted again.
pub(super) fn count(head: &mut request::Parts) -> Option<u32> {
    let attempts = head.extensions.remove::<Attempts>()?;
    Some(attempts.0.fetch_add(1, Ordering::Relaxed)).filter(|before| *before > 0)
}
