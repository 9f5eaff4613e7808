//! Another service answers.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use http::{Request, Response, Uri};
use tower_service::Service;

use crate::config::ConfigError;
use crate::health::{Check, Report};

type BoxError = Box<dyn Error + Send + Sync>;

/// Sends a `GET` by a client of yours: 500 and over is a failure, and so is no answer; 400 to 499 is a
/// warning; everything else passes, redirections, too, which are not followed unless the client does. The
/// answer's body is not read.
///
/// Any tower client of requests with a body that can be empty will do: hyper-util's `Client`, or a
/// `reqwest::Client` in this crate's `ReqwestService` (feature `reqwest`).
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use tower_observability::health::{Component, HttpCheck};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
/// let check = HttpCheck::new(client, "http://inventory.internal:8080/readyz")?;
/// let inventory = Component::new("inventory", check).critical(false);
/// # Ok(())
/// # }
/// ```
pub struct HttpCheck<S, B> {
    // a service need not be `Sync`; each run takes a clone
    client: Mutex<S>,
    uri: Uri,
    body: PhantomData<fn() -> B>,
}

impl<S: Service<Request<B>>, B> HttpCheck<S, B> {
    /// Gets this absolute URL.
    ///
    /// # Errors
    /// On what is no URL with scheme and host.
    pub fn new(client: S, url: &str) -> Result<Self, ConfigError> {
        let refused = || ConfigError::new("url", url, "a URL with scheme and host");
        let uri: Uri = url.parse().map_err(|_| refused())?;
        if uri.scheme().is_none() || uri.host().is_none_or(str::is_empty) {
            return Err(refused());
        }
        Ok(Self { client: Mutex::new(client), uri, body: PhantomData })
    }
}

impl<S, B, R> Check for HttpCheck<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Default + Send + 'static,
    R: Send + 'static,
{
    async fn run(&self) -> Report {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Err(error) = poll_fn(|cx| client.poll_ready(cx)).await {
            return Report::fail(said(error.into()));
        }
        let mut request = Request::new(B::default());
        *request.uri_mut() = self.uri.clone();
        let status = match client.call(request).await {
            Ok(response) => response.status(),
            Err(error) => return Report::fail(said(error.into())),
        };
        match status.as_u16() {
            500.. => Report::fail(format!("answered {}", status.as_str())),
            400.. => Report::warn(format!("answered {}", status.as_str())),
            _ => Report::pass(),
        }
    }
}

/// An error with its sources: clients say why only there.
fn said(error: BoxError) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(source) = next.filter(|_| said.len() < 1024) {
        said = format!("{said}: {source}");
        next = source.source();
    }
    said
}

impl<S, B> fmt::Debug for HttpCheck<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCheck").field("host", &self.uri.host()).finish_non_exhaustive()
    }
}
