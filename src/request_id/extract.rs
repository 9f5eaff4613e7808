//! The request ID as an argument of axum's handlers.

use std::fmt;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, request};

use crate::exchange::Facts;
use crate::id::RequestId;

/// The ID of the exchange in scope.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_observability::{id::RequestId, request_id::RequestIdLayer};
///
/// let router: Router = Router::new()
///     .route("/", get(async |id: RequestId| format!("You are {id}.")))
///     .layer(RequestIdLayer::server());
/// ```
impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = NoRequestId;

    async fn from_request_parts(_: &mut request::Parts, _: &S) -> Result<Self, NoRequestId> {
        current().ok_or(NoRequestId(()))
    }
}

/// The ID of the exchange in scope, if it has one.
impl<S: Sync> OptionalFromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        _: &mut request::Parts,
        _: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(current())
    }
}

fn current() -> Option<RequestId> {
    Facts::current()?.request_id().copied()
}

/// No [`RequestIdLayer`](super::RequestIdLayer) is around the handler: answered as 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRequestId(());

impl fmt::Display for NoRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no request ID: no RequestIdLayer is around the handler")
    }
}

impl std::error::Error for NoRequestId {}

impl IntoResponse for NoRequestId {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}
