//! A service that answers probes.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tower_service::Service;

use super::asked::Asked;
use super::{json, text};
use crate::health::snapshot::Part;
use crate::health::{Details, Health, Status};
use crate::message::problem::Problem;

/// Answers probes by what is known already: its future is ready at once.
///
/// | the path ends in | answered is |
/// |---|---|
/// | `/livez`, `/readyz`, `/startupz` | a [group](crate::health::Group) |
/// | `/health` | everything |
///
/// `GET` and `HEAD` get 200 for pass and warn and 503 for fail, with `application/health+json`
/// ([draft-inadarei-api-health-check-06]). Every other method gets 405, and every other path 404. No answer
/// may be cached.
///
/// As with Kubernetes' API server, `?verbose`, whatever its value, answers in lines of text, `?exclude=name`
/// leaves a check out and may come several times (the first 64 names count), and other parameters are ignored. Of an unknown name a line of the text tells. Unlike there, a
/// failure is 503, is told in lines only with `?verbose`, and single checks have no paths of their own.
///
/// Names and states are told to everybody; outputs, observed values, times and what the service says of
/// itself only [with details](Self::details).
///
/// ```
/// use axum::Router;
/// use tower_observability::health::{Details, Health};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_observability::config::ConfigError> {
/// let health = Health::builder().start()?;
/// let public: Router = Router::new().route_service("/readyz", health.service());
/// let internal: Router =
///     Router::new().route_service("/health", health.service().details(Details::Told));
/// # Ok(())
/// # }
/// ```
///
/// [draft-inadarei-api-health-check-06]: https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06
#[derive(Clone)]
pub struct HealthService {
    health: Health,
    details: Details,
}

impl HealthService {
    /// Answers with names and states alone.
    #[must_use]
    pub fn new(health: &Health) -> Self {
        Self { health: health.clone(), details: Details::Withheld }
    }

    /// How much is told to all who ask.
    #[must_use]
    pub fn details(self, details: Details) -> Self {
        Self { details, ..self }
    }

    /// Answers a request of this head, for a caller who is to be told so much; what was
    /// [set](Self::details) for all does not count. A `HEAD` gets what a `GET` does: whoever sends the answer
    /// leaves out its body.
    #[must_use]
    pub fn answer(&self, head: &Parts, details: Details) -> Response<Bytes> {
        answer(&self.health, &head.method, &head.uri, details)
    }
}

impl fmt::Debug for HealthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthService").field("details", &self.details).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for HealthService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut response = answer(&self.health, request.method(), request.uri(), self.details);
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
        if request.method() == Method::HEAD {
            *response.body_mut() = Bytes::new();
        }
        ready(Ok(response.map(Full::new)))
    }
}

fn answer(health: &Health, method: &Method, uri: &Uri, details: Details) -> Response<Bytes> {
    let mut response = match Asked::of(uri) {
        None => {
            let detail = "the endpoints are livez, readyz, startupz and health";
            Problem::new(StatusCode::NOT_FOUND).member("detail", detail).response()
        }
        Some(_) if !matches!(*method, Method::GET | Method::HEAD) => {
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED);
            let mut response = problem.member("detail", "use GET or HEAD").response();
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
        Some(asked) => told(health, &asked, details),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn told(health: &Health, asked: &Asked<'_>, details: Details) -> Response<Bytes> {
    let snapshot = health.snapshot();
    let parts: Vec<Part<'_>> = snapshot.parts(asked.group).collect();
    let counted = parts.iter().filter(|part| !asked.excludes(part.name()));
    let status = counted.map(Part::weight).min().unwrap_or(Status::Pass);
    let (kind, body) = if asked.is_verbose {
        let text = text::written(&snapshot, asked, &parts, status, details);
        ("text/plain; charset=utf-8", text.into_bytes())
    } else {
        let json = json::written(&snapshot, asked, &parts, status, details);
        ("application/health+json", json)
    };
    let mut response = Response::new(Bytes::from(body));
    if !status.is_healthy() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
