//! The gateway: a product as the example's gateway answers it, when the price is known.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use reqwest::Url;
use serde::Serialize;
use tower::{Service, ServiceExt};
use tower_observability::route::Route;

use crate::BoxError;
use crate::inventory::Stock;

#[derive(Serialize)]
struct Product {
    id: String,
    cents: u32,
    left: u32,
}

#[derive(Clone)]
struct Gateway<C> {
    http: C,
    inventory: Url,
}

pub fn app<C, B>(http: C, inventory: Url) -> Router
where
    C: Service<Request<reqwest::Body>, Response = http::Response<B>>,
    C: Clone + Send + Sync + 'static,
    C::Future: Send,
    C::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>, Data: Send> + Send + 'static,
{
    Router::new()
        .route("/products/{id}", get(product::<C, B>))
        .with_state(Gateway { http, inventory })
}

async fn product<C, B>(
    State(gateway): State<Gateway<C>>,
    Path(id): Path<String>,
) -> Result<Json<Product>, Upstream>
where
    C: Service<Request<reqwest::Body>, Response = http::Response<B>>,
    C::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>>,
{
    let left = gateway.stock(&id).await.map_err(Upstream)?.left;
    Ok(Json(Product { id, cents: 2500, left }))
}

impl<C> Gateway<C> {
    async fn stock<B>(self, id: &str) -> Result<Stock, BoxError>
    where
        C: Service<Request<reqwest::Body>, Response = http::Response<B>>,
        C::Error: Into<BoxError>,
        B: Body<Error: Into<BoxError>>,
    {
        let mut url = self.inventory;
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["products", id, "stock"]);
        }
        let request = Request::get(url.as_str())
            .extension(Route::from("/products/{id}/stock"))
            .body(reqwest::Body::default())?;
        let response = self.http.oneshot(request).await.map_err(Into::into)?;
        if !response.status().is_success() {
            return Err(format!("the inventory answered {}", response.status()).into());
        }
        let body = response.into_body().collect().await.map_err(Into::into)?;
        Ok(serde_json::from_slice(&body.to_bytes())?)
    }
}

/// The inventory did not answer as it should.
struct Upstream(BoxError);

impl IntoResponse for Upstream {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, self.0.to_string()).into_response()
    }
}
