//! [`reqwest`] as a Tower service that speaks `http`, so that layers fit around it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::reqwest::{Body, Client, Error, Request};
use pin_project_lite::pin_project;
use tower_service::Service;

/// A service that sends `http` requests with a [`reqwest::Client`].
///
/// A request's body is whatever becomes a [`reqwest::Body`]: text, bytes, or any
/// `http_body::Body` in [`Body::wrap`](::reqwest::Body::wrap). Method, headers, version and
/// extensions are handed to reqwest, and every error is reqwest's own, that of a URI which is not
/// absolute included.
///
/// ```no_run
/// use http_body_util::BodyExt;
/// use tower::{Layer, ServiceExt};
/// # #[cfg(feature = "request-id")]
/// use tower_observability::request_id::RequestIdLayer;
/// use tower_observability::reqwest::ReqwestService;
///
/// # async fn order() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let http = ReqwestService::new(reqwest::Client::new());
/// # #[cfg(feature = "request-id")]
/// let http = RequestIdLayer::client().layer(http);
///
/// let request = http::Request::post("http://127.0.0.1:8081/orders")
///     .header("content-type", "application/json")
///     .body(serde_json::to_vec(&serde_json::json!({ "item": 7 }))?)?;
/// let response = http.clone().oneshot(request).await?;
/// println!("{}", response.status());
/// let body = response.into_body().collect().await?.to_bytes();
/// println!("{}", String::from_utf8_lossy(&body));
/// # Ok(()) }
/// ```
///
/// In a future that must be `Send`, such as a handler, give a body that is owned: for a
/// `&'static str` the compiler cannot prove it ([rust-lang/rust#136726]).
///
/// [rust-lang/rust#136726]: https://github.com/rust-lang/rust/issues/136726
///
/// What layers around it cannot see: the redirects and retries that the client does itself, which
/// are one exchange with the call. Turn them off in the client
/// ([`Policy::none`](::reqwest::redirect::Policy::none)) and put Tower's outside the layers to see
/// each one.
#[derive(Clone, Debug, Default)]
pub struct ReqwestService {
    client: Client,
}

impl ReqwestService {
    /// Sends with `client`, whose pool and settings are shared.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The client inside.
    pub fn get_ref(&self) -> &Client {
        &self.client
    }

    /// The client inside.
    pub fn into_inner(self) -> Client {
        self.client
    }
}

impl From<Client> for ReqwestService {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}

impl<B: Into<Body>> Service<http::Request<B>> for ReqwestService {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.client.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> ResponseFuture {
        let state = match Request::try_from(request) {
            Ok(request) => State::Sent { pending: self.client.call(request) },
            Err(error) => State::Refused { error: Some(error) },
        };
        ResponseFuture { state }
    }
}

pin_project! {
    /// The future of a [`ReqwestService`].
    #[must_use = "a request is sent only when its future is polled"]
    pub struct ResponseFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State {
        Sent { #[pin] pending: <Client as Service<Request>>::Future },
        // taken when it is answered
        Refused { error: Option<Error> },
    }
}

impl Future for ResponseFuture {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Sent { pending } => {
                Poll::Ready(ready!(pending.poll(cx)).map(http::Response::from))
            }
            StateProjection::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}

impl std::fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
