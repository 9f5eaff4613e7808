//! A service that answers with profiles.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tower_service::Service;

use super::cpu::{CpuProfiler, Frequency};
use super::error::ProfileError;
use super::heap;
use crate::escape;
use crate::message::problem::Problem;

/// Answers `GET` with profiles, for `go tool pprof http://host/debug/pprof/profile?seconds=10` and its
/// like.
///
/// | the path ends in | answered |
/// |---|---|
/// | `/profile` | a CPU profile of `seconds`, 1 to 120 (30 unless told), sampled at `frequency` Hz, 1 to 1000 (99) |
/// | `/heap` | what is allocated now |
///
/// Everything else is answered as `application/problem+json` (RFC 9457): 400 with the `field` for a
/// parameter that is not allowed or not known, 404, 405, 409 while another profile of the kind is taken, 500 when the
/// profiler failed, 501 where there is no such profile. A caller who goes away stops the sampling. The first
/// profile of a process takes some seconds longer, as its symbols are read.
///
/// It asks for no credentials: a profile tells function names and costs CPU time, so mount it where
/// only those get who may have that.
///
/// ```
/// use axum::Router;
/// use tower_observability::pprof::PprofService;
///
/// let admin: Router = Router::new().nest_service("/debug/pprof", PprofService::new());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PprofService;

impl PprofService {
    /// A service for the profiles of this process.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Answers a request of this head, whose body matters not.
    #[cfg(feature = "admin")]
    pub(crate) fn answer(
        &self,
        head: &http::request::Parts,
    ) -> impl Future<Output = Response<Bytes>> + Send + 'static {
        let asked = Asked::about(&head.method, &head.uri);
        // of what takes long and cannot be kept, the head is told without it
        let is_known = head.method == Method::HEAD && matches!(asked, Asked::Cpu(..));
        async move { if is_known { profile(CPU, Vec::new()) } else { answer(asked).await } }
    }
}

impl<B> Service<Request<B>> for PprofService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = PprofFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> PprofFuture {
        let asked = Asked::of(&request);
        PprofFuture { inner: Box::pin(async move { answer(asked).await.map(Full::new) }) }
    }
}

/// The future of a [`PprofService`]; dropping it stops a profile being taken.
pub struct PprofFuture {
    inner: Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>,
}

impl Future for PprofFuture {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for PprofFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PprofFuture").finish_non_exhaustive()
    }
}

/// What a profile of the CPU may be asked for with; `debug` is what Go's tools send, and says nothing here.
const PARAMETERS: [&str; 3] = ["seconds", "frequency", "debug"];

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Cpu(Duration, Frequency),
    Heap,
    Unknown,
    Method,
    Parameter(&'static str, &'static str),
    UnknownParameter(String),
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        match Self::about(request.method(), request.uri()) {
            // where nobody has seen to it that a HEAD is answered without a body
            Self::Cpu(..) | Self::Heap | Self::Parameter(..) | Self::UnknownParameter(_)
                if request.method() == Method::HEAD =>
            {
                Self::Method
            }
            asked => asked,
        }
    }

    fn about(method: &Method, uri: &Uri) -> Self {
        let kind = uri.path().rsplit('/').next();
        if !matches!(kind, Some("profile" | "heap")) {
            return Self::Unknown;
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Self::Method;
        }
        if kind == Some("heap") {
            return Self::Heap;
        }
        let query = uri.query().unwrap_or_default();
        let names =
            query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
        if let Some(unknown) =
            names.filter(|name| !name.is_empty()).find(|name| !PARAMETERS.contains(name))
        {
            return Self::UnknownParameter(escape::bounded(unknown.as_bytes(), 64));
        }
        let seconds = parameter(query, "seconds", 30).filter(|s| (1..=120).contains(s));
        let Some(seconds) = seconds else {
            return Self::Parameter("seconds", "a whole number of seconds from 1 to 120");
        };
        let hertz = parameter(query, "frequency", Frequency::default().hertz());
        match hertz.and_then(|hertz| Frequency::from_hertz(hertz).ok()) {
            Some(frequency) => Self::Cpu(Duration::from_secs(seconds.into()), frequency),
            None => Self::Parameter("frequency", Frequency::ALLOWED),
        }
    }
}

/// A number from the query; `None` when it is none, or given twice.
fn parameter(query: &str, name: &str, unless_told: u32) -> Option<u32> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Some(unless_told),
        // `parse` would take a sign
        (Some(value), None) if value.bytes().all(|b| b.is_ascii_digit()) => value.parse().ok(),
        _ => None,
    }
}

const CPU: &str = "attachment; filename=\"profile.pb.gz\"";
const HEAP: &str = "attachment; filename=\"heap.pb.gz\"";

async fn answer(asked: Asked) -> Response<Bytes> {
    let (name, taken) = match asked {
        Asked::Cpu(duration, frequency) => (CPU, CpuProfiler.encoded(duration, frequency).await),
        Asked::Heap => (HEAP, heap::encoded().await),
        Asked::Unknown => return Problem::new(StatusCode::NOT_FOUND).response(),
        Asked::Method => {
            let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED).response();
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return response;
        }
        Asked::Parameter(field, allowed) => {
            let problem = Problem::new(StatusCode::BAD_REQUEST);
            let detail = format!("takes {allowed}, once");
            return problem.member("detail", &detail).member("field", field).response();
        }
        Asked::UnknownParameter(field) => {
            let problem = Problem::new(StatusCode::BAD_REQUEST).member("detail", "is not known");
            return problem.member("field", &field).response();
        }
    };
    let profile = match taken {
        Ok(profile) => profile,
        Err(error) => {
            let status = match error {
                ProfileError::Busy => StatusCode::CONFLICT,
                ProfileError::OutOfRange(_) => StatusCode::BAD_REQUEST,
                ProfileError::Unavailable(_) => StatusCode::NOT_IMPLEMENTED,
                ProfileError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            return Problem::new(status).member("detail", &error.to_string()).response();
        }
    };
    self::profile(name, profile)
}

fn profile(name: &'static str, profile: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(profile));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
