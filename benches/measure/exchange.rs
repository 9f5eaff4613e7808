//! One exchange, as a transport runs it, without one: no socket, no runtime, no waiting.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, COOKIE, FORWARDED, HOST, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::Full;
use tower::Service;

/// Runs one exchange each time it is called.
pub(crate) type Runner = Box<dyn FnMut()>;

/// A service that answers at once, as small as a service can be.
#[derive(Clone)]
pub(crate) struct Bare;

impl Service<Request<Full<Bytes>>> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        drop(request);
        ready(Ok(answer()))
    }
}

/// The same answer from an axum `Router` with one route, made once as `axum::serve` does it: layers
/// of one that is not are made again for each request.
pub(crate) fn router() -> Router {
    Router::new().route("/users/{id}", get(async || answer())).with_state(())
}

/// What is asked each time.
pub(crate) struct Asked {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

/// Runs exchanges on a service.
pub(crate) fn runner<S, Sent, Answered>(mut service: S, asked: Asked, body: fn() -> Sent) -> Runner
where
    S: Service<Request<Sent>, Response = Response<Answered>, Error = Infallible> + 'static,
    Answered: Body,
    Sent: 'static,
{
    let Asked { uri, headers } = asked;
    Box::new(move || {
        let status = exchange(&mut service, request(&uri, &headers, body()));
        assert_eq!(status, StatusCode::OK);
    })
}

/// Runs one exchange to the end of its body.
pub(crate) fn exchange<S, Sent, Answered>(service: &mut S, request: Request<Sent>) -> StatusCode
where
    S: Service<Request<Sent>, Response = Response<Answered>, Error = Infallible>,
    Answered: Body,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let mut future = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else {
        panic!("the service answers at once")
    };
    let status = response.status();
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
        assert!(frame.is_ok());
    }
    status
}

/// What a browser asks through a proxy.
pub(crate) fn browser() -> Asked {
    let headers = [
        (HOST, "shop.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        (ACCEPT, "application/json, text/plain, */*"),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
        (COOKIE, "theme=dark; cart=3f9c"),
        (FORWARDED, "for=203.0.113.7;proto=https"),
        (HeaderName::from_static("x-forwarded-for"), "203.0.113.7, 10.1.2.3"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .into_iter()
    .collect();
    Asked { uri: Uri::from_static("/users/42?tab=orders"), headers }
}

/// A new request, its headers filled in one by one as hyper does.
fn request<B>(uri: &Uri, template: &HeaderMap, body: B) -> Request<B> {
    let mut headers = HeaderMap::with_capacity(template.len());
    for (name, value) in template {
        headers.append(name, value.clone());
    }
    let mut request = Request::new(body);
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

fn answer() -> Response<Full<Bytes>> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    const PRIVATE: HeaderValue = HeaderValue::from_static("private, max-age=60");
    let mut response = Response::new(Full::new(Bytes::from_static(br#"{"id":42,"name":"Ada"}"#)));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    response
}
