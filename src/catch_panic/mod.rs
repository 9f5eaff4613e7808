//! A panic anywhere in an exchange ends in a correct answer for the client, and is told in every signal.
//!
//! [`CatchPanicLayer`] catches what panics in the service's `call`, in the polls and the drop of its
//! future, and in its response body after the headers:
//!
//! | a panic | the client gets |
//! |---|---|
//! | before the headers, of a request that claims to be gRPC | a trailers-only answer with `grpc-status: 13` (`INTERNAL`) |
//! | before the headers, of any other | 500, as `application/problem+json` ([RFC 9457]) or as text, whichever `Accept` prefers, with the IDs of the request and the trace |
//! | in the body, gRPC | trailers with `grpc-status: 13` |
//! | in the body, any other | an error: the connection is closed short (HTTP/1), the stream reset with `INTERNAL_ERROR` (HTTP/2) |
//! | while the future or the body is dropped | nothing: it left |
//!
//! The client never learns what the panic said. What is to be answered before the headers can be
//! [replaced](CatchPanicLayer::responder).
//!
//! The layers outside of it tell the exchange as *panicked*, whatever was answered: put it inside of them,
//! next to the handlers.
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "access-log"))] {
//! use axum::{Router, routing::get};
//! use tower_observability::access_log::AccessLogLayer;
//! use tower_observability::catch_panic::CatchPanicLayer;
//!
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "ada" }))
//!     .layer(CatchPanicLayer::server()) // of two layers, the one that comes later is outside
//!     .layer(AccessLogLayer::server());
//! # }
//! ```
//!
//! A panic's message is told where a signal is asked to tell an error's text. Where it happened, and how
//! it came about, only a panic hook can know: [`PanicHook`].
//!
//! It counts nothing: a panic by route is what the metrics tell, such as
//! `http_server_request_duration_seconds_count{error_type="panic"}`.
//!
//! Put outside of the layers that record, it answers, too, but they tell of no status and no location,
//! and the answer has no IDs. Where a layer in between may panic, such as one for authentication, put a
//! second one outside of that.
//!
//! What it cannot do: a panic in `poll_ready` passes, as there is no request yet that could be answered;
//! one that is built to abort the process (`panic = "abort"`) does so, of which a layer warns when it is
//! made; one in a spawned task is the task's own. gRPC-Web is answered as plain HTTP.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

mod answer;
mod body;
mod hook;
mod service;

#[cfg(all(test, feature = "testing"))]
mod tests;

use std::fmt;
use std::sync::{Arc, Once};

use bytes::Bytes;
use http::Response;
use tower_layer::Layer;

pub use answer::Unanswered;
pub use body::CatchPanicBody;
pub use hook::PanicHook;
pub use service::{CatchPanic, CatchPanicFuture};

pub use crate::error::{Caught, Panicked};

type Responder = dyn Fn(&Unanswered<'_>) -> Response<Bytes> + Send + Sync;

/// Answers where the service panics. See the [module](self).
#[derive(Clone, Default)]
pub struct CatchPanicLayer {
    responder: Option<Arc<Responder>>,
}

impl CatchPanicLayer {
    /// For a server's services.
    pub fn server() -> Self {
        warn_of_abort();
        Self::default()
    }

    /// Answers with `responder` what panicked before its response headers.
    ///
    /// One that panics itself is replaced by the answer of [`Unanswered::answer`].
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Response, StatusCode};
    /// use tower_observability::catch_panic::{CatchPanicLayer, Unanswered};
    ///
    /// let layer = CatchPanicLayer::server().responder(|unanswered: &Unanswered<'_>| {
    ///     if unanswered.is_grpc() {
    ///         return unanswered.answer(); // what it would be otherwise
    ///     }
    ///     let id = unanswered.request_id().unwrap_or("unknown");
    ///     let mut response = Response::new(Bytes::from(format!("Sorry. Please quote {id}.\n")));
    ///     *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    ///     response
    /// });
    /// ```
    pub fn responder(
        self,
        responder: impl Fn(&Unanswered<'_>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self { responder: Some(Arc::new(responder)) }
    }
}

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CatchPanic::new(inner, self.responder.clone())
    }
}

impl fmt::Debug for CatchPanicLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchPanicLayer")
            .field("responder", &self.responder.is_some())
            .finish_non_exhaustive()
    }
}

/// Says once that nothing can be caught.
fn warn_of_abort() {
    static ONCE: Once = Once::new();
    if cfg!(panic = "abort") {
        ONCE.call_once(|| {
            tracing::warn!(
                "built with panic = \"abort\": a panic ends the process, and none can be caught"
            );
        });
    }
}
