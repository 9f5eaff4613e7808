//! An observed service as what `axum::serve` takes.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::{BoxError, Router};
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::observer::Observer;
use super::service::Observe;

impl<S, O: Observer> Observe<S, O> {
    /// A [`Router`] that is this service, for `axum::serve`, which takes no other response body than
    /// axum's (feature `axum`). For what is wrapped around a whole `Router`.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower::Layer;
    /// use tower_observability::classify::Side;
    /// use tower_observability::exchange::ObserveLayer;
    ///
    /// let routes = Router::new().route("/", get(|| async { "hello" }));
    /// let app: Router = ObserveLayer::new(Side::Server, ()).layer(routes).into_router();
    /// ```
    pub fn into_router<B>(self) -> Router
    where
        Self: Service<Request<axum::body::Body>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        <Self as Service<Request<axum::body::Body>>>::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Router::new().fallback_service(self)
    }
}
