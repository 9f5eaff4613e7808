//! What the service does: checkouts, each with a gRPC call to itself, and reports that take long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use example_proto::payment::payment_client::PaymentClient;
use example_proto::payment::payment_server::{Payment, PaymentServer};
use example_proto::payment::{ChargeReply, ChargeRequest};
use serde::Deserialize;
use tokio::time::sleep;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tower::BoxError;

/// What is made to go wrong. Clones are the same knobs.
#[derive(Clone, Default)]
pub struct Knobs(Arc<Positions>);

#[derive(Default)]
struct Positions {
    fail_one_in: AtomicU64,
    delay_ms: AtomicU64,
    asked: AtomicU64,
}

/// How the knobs are to stand, as `PUT /knobs` of the admin address says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turned {
    /// Each so many-th checkout fails; 0: none.
    fail_one_in: u64,
    /// How long each checkout takes beside.
    delay_ms: u64,
}

/// Turns the knobs. It asks for no token: this is no service for strangers.
pub async fn turn(State(knobs): State<Knobs>, Json(turned): Json<Turned>) -> StatusCode {
    knobs.0.fail_one_in.store(turned.fail_one_in, Ordering::Relaxed);
    knobs.0.delay_ms.store(turned.delay_ms, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}

#[derive(Clone)]
struct Shop {
    knobs: Knobs,
    payment: PaymentClient<Channel>,
}

/// HTTP and gRPC at one address, which is its own.
pub fn app(address: SocketAddr, knobs: Knobs) -> Result<Router, BoxError> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
    let shop = Shop { knobs, payment: PaymentClient::new(channel) };
    let http = Router::new()
        .route("/checkout", post(checkout))
        .route("/report", get(report))
        .with_state(shop);
    Ok(http.merge(Routes::new(PaymentServer::new(Till)).into_axum_router()))
}

async fn checkout(State(shop): State<Shop>) -> Result<String, StatusCode> {
    let Shop { knobs: Knobs(knobs), mut payment } = shop;
    sleep(Duration::from_millis(knobs.delay_ms.load(Ordering::Relaxed))).await;
    let number = knobs.asked.fetch_add(1, Ordering::Relaxed) + 1;
    let fail_one_in = knobs.fail_one_in.load(Ordering::Relaxed);
    if fail_one_in > 0 && number.is_multiple_of(fail_one_in) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let charge =
        ChargeRequest { order: number.to_string(), amount_cents: 995, card: "4242".to_owned() };
    match payment.charge(charge).await {
        Ok(reply) => Ok(reply.into_inner().receipt),
        Err(status) => {
            tracing::error!(%status, "the payment failed");
            Err(StatusCode::BAD_GATEWAY)
        }
    }
}

/// Long enough that whoever asked may tire of it.
async fn report() -> &'static str {
    sleep(Duration::from_secs(2)).await;
    "all is well\n"
}

struct Till;

#[tonic::async_trait]
impl Payment for Till {
    async fn charge(&self, asked: Request<ChargeRequest>) -> Result<Response<ChargeReply>, Status> {
        let ChargeRequest { order, .. } = asked.into_inner();
        Ok(Response::new(ChargeReply { receipt: format!("receipt-{order}\n") }))
    }
}
