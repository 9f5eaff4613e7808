//! The gateway's clients: the inventory over reqwest, the payment over tonic.

use std::net::SocketAddr;

use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use example_proto::payment::ChargeRequest;
use example_proto::payment::payment_client::PaymentClient;
use http_body_util::BodyExt;
use reqwest::Url;
use serde::de::DeserializeOwned;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tower::{Layer, ServiceExt};
use tower_observability::reqwest::ReqwestService;
use tower_observability::route::Route;

use crate::inventory::{Price, Reservation, Reserve, Stock};
use crate::layers::{ClientLayers, Place};
use crate::prices::Prices;
use crate::services::BoxError;

#[derive(Clone)]
pub struct Inventory {
    http: <ClientLayers as Layer<ReqwestService>>::Service,
    base: Url,
    prices: Prices,
}

impl Inventory {
    pub fn new(address: SocketAddr, place: &Place) -> Result<Self, BoxError> {
        let http = place.client()?.layer(ReqwestService::new(reqwest::Client::new()));
        let base = Url::parse(&format!("http://{address}"))?;
        Ok(Self { http, base, prices: Prices::new(place.operations()) })
    }

    pub async fn price(&self, product: &str) -> Result<Price, Problem> {
        if let Some(known) = self.prices.get(product) {
            return Ok(known);
        }
        let route = "/products/{id}/price";
        let price = read(self.call(Method::GET, route, product, Bytes::new()).await?)?;
        self.prices.put(product, price);
        Ok(price)
    }

    pub async fn stock(&self, product: &str) -> Result<Stock, Problem> {
        read(self.call(Method::GET, "/products/{id}/stock", product, Bytes::new()).await?)
    }

    pub async fn reserve(&self, product: &str, quantity: u32) -> Result<Reservation, Problem> {
        let wish = serde_json::to_vec(&Reserve { quantity }).map_err(Problem::upstream)?;
        read(self.call(Method::POST, "/products/{id}/reservations", product, wish.into()).await?)
    }

    pub async fn release(&self, reservation: i64) -> Result<(), Problem> {
        let id = reservation.to_string();
        self.call(Method::DELETE, "/reservations/{id}", &id, Bytes::new()).await?;
        Ok(())
    }

    async fn call(
        &self,
        method: Method,
        route: &'static str,
        id: &str,
        body: Bytes,
    ) -> Result<Bytes, Problem> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(
                route.split('/').skip(1).map(|part| if part == "{id}" { id } else { part }),
            );
        }
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .extension(Route::from(route)) // what the layers record this call as
            .body(reqwest::Body::from(body))
            .map_err(Problem::upstream)?;
        let response = self.http.clone().oneshot(request).await.map_err(Problem::upstream)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(Problem::upstream)?.to_bytes();
        match status {
            StatusCode::NOT_FOUND => Err(Problem::NoSuchProduct),
            StatusCode::CONFLICT => Err(Problem::SoldOut),
            status if !status.is_success() => {
                Err(Problem::upstream(format!("the inventory answered {status}")))
            }
            _ => Ok(body),
        }
    }
}

fn read<T: DeserializeOwned>(body: Bytes) -> Result<T, Problem> {
    serde_json::from_slice(&body).map_err(Problem::upstream)
}

#[derive(Clone)]
pub struct Payment {
    grpc: PaymentClient<<ClientLayers as Layer<Channel>>::Service>,
}

impl Payment {
    pub fn new(address: SocketAddr, place: &Place) -> Result<Self, BoxError> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        let observed = place.client()?.layer(endpoint.connect_lazy());
        // with the origin, so that the layers know who is called
        Ok(Self { grpc: PaymentClient::with_origin(observed, endpoint.uri().clone()) })
    }

    /// Charges the card and answers the receipt.
    pub async fn charge(&self, charge: ChargeRequest) -> Result<String, Problem> {
        match self.grpc.clone().charge(charge).await {
            Ok(reply) => Ok(reply.into_inner().receipt),
            Err(status) if status.code() == Code::FailedPrecondition => Err(Problem::Declined),
            Err(status) => Err(Problem::upstream(status)),
        }
    }
}

/// Why the gateway cannot do what it was asked.
pub enum Problem {
    NoSuchProduct,
    SoldOut,
    Declined,
    /// A service behind the gateway failed.
    Upstream(BoxError),
}

impl Problem {
    fn upstream(error: impl Into<BoxError>) -> Self {
        Self::Upstream(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchProduct => (StatusCode::NOT_FOUND, "no such product\n").into_response(),
            Self::SoldOut => (StatusCode::CONFLICT, "sold out\n").into_response(),
            Self::Declined => {
                (StatusCode::PAYMENT_REQUIRED, "the card was declined\n").into_response()
            }
            Self::Upstream(error) => {
                tracing::error!(error, "a service behind the gateway failed");
                StatusCode::BAD_GATEWAY.into_response()
            }
        }
    }
}
