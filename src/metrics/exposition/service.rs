//! A service that answers scrapes.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, VARY};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use prometheus::Registry;
use tower_http::BoxError;
use tower_http::compression::{Compression, CompressionBody, DefaultPredicate, ResponseFuture};
use tower_service::Service;

use super::format::{Format, encode};
use crate::exchange::isolated;

/// Answers scrapes of a registry, on whatever path it stands.
///
/// `GET` and `HEAD` get the metrics in the [`Format`] that `Accept` asks for, compressed with gzip where
/// `Accept-Encoding` allows it; every other method gets 405. A collector that panics costs its scrape a
/// 500 that tells the panic's message, and no later one anything. A `HEAD` gathers like a `GET`, so what
/// is counted since the last scrape begins anew.
///
/// It needs no runtime. The metrics are gathered and written while `call` runs.
///
/// ```
/// use axum::Router;
/// use prometheus::Registry;
/// use tower_observability::metrics::MetricsService;
///
/// let registry = Registry::new();
/// let admin: Router = Router::new().route_service("/metrics", MetricsService::new(&registry));
/// ```
#[derive(Clone)]
pub struct MetricsService {
    inner: Compression<Scrape>,
}

impl MetricsService {
    /// Answers with the metrics of this registry.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let inner = Compression::new(Scrape { registry: registry.clone() });
        // whatever other crates of the program switch on in tower-http
        Self { inner: inner.no_br().no_deflate().no_zstd() }
    }

    /// Answers with the metrics of [`prometheus::default_registry`].
    #[must_use]
    pub fn default_registry() -> Self {
        Self::new(prometheus::default_registry())
    }
}

impl fmt::Debug for MetricsService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsService").finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for MetricsService {
    type Response = Response<MetricsBody>;
    type Error = Infallible;
    type Future = MetricsFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> MetricsFuture {
        let is_head = request.method() == Method::HEAD;
        MetricsFuture { inner: self.inner.call(request), is_head }
    }
}

/// What is compressed: the registry in the format that a request asks for.
#[derive(Clone)]
struct Scrape {
    registry: Registry,
}

impl<B> Service<Request<B>> for Scrape {
    type Response = Response<Content>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Content>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return ready(Ok(response));
        }
        let format = Format::accepted(request.headers());
        // a registry has no state that a panic could leave half changed
        let mut response = match isolated(|| encode(&self.registry, format)) {
            Some(metrics) => answer(StatusCode::OK, format.content_type(), metrics),
            None => plain(StatusCode::INTERNAL_SERVER_ERROR, "a collector panicked\n"),
        };
        let vary = HeaderValue::from_static("Accept, Accept-Encoding");
        response.headers_mut().insert(VARY, vary);
        ready(Ok(response))
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Content> {
    answer(status, "text/plain; charset=utf-8", text)
}

fn answer(status: StatusCode, kind: &'static str, content: impl Into<Bytes>) -> Response<Content> {
    let content = content.into();
    let length = HeaderValue::from(content.len());
    let mut response = Response::new(Content(Some(content)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

pin_project! {
    /// The future of a [`MetricsService`].
    pub struct MetricsFuture {
        #[pin]
        inner: ResponseFuture<Ready<Result<Response<Content>, Infallible>>, DefaultPredicate>,
        is_head: bool,
    }
}

impl Future for MetricsFuture {
    type Output = Result<Response<MetricsBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match ready!(this.inner.poll(cx)) {
            Ok(response) => response,
            Err(never) => match never {},
        };
        // cut off here, so that the headers are those of a GET
        let body = |body| MetricsBody { inner: (!*this.is_head).then_some(body) };
        Poll::Ready(Ok(response.map(body)))
    }
}

impl fmt::Debug for MetricsFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsFuture").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of a [`MetricsService`]'s response.
    pub struct MetricsBody {
        // `None` for HEAD
        #[pin]
        inner: Option<CompressionBody<Content>>,
    }
}

impl Default for MetricsBody {
    /// A body of nothing.
    fn default() -> Self {
        Self { inner: None }
    }
}

impl Body for MetricsBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().inner.as_pin_mut() {
            Some(inner) => inner.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl fmt::Debug for MetricsBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsBody").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}

/// All bytes at once.
struct Content(Option<Bytes>);

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|content| Ok(Frame::data(content))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |content| content.len() as u64))
    }
}
