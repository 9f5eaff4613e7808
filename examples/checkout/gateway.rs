//! The gateway: what customers talk to.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use example_proto::payment::ChargeRequest;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::interval;
use tokio_stream::wrappers::IntervalStream;
use tower_observability::exchange::{annotate, flag};

use crate::clients::{Inventory, Payment, Problem};
use crate::layers::ServerLayers;
use crate::orders::Orders;

#[derive(Clone)]
pub struct Gateway {
    pub inventory: Inventory,
    pub payment: Payment,
    pub orders: Orders,
}

pub fn app(gateway: Gateway, layers: ServerLayers) -> Router {
    Router::new()
        .route("/checkout", post(checkout))
        .route("/products/{id}", get(product))
        .route("/feed", get(feed))
        .route("/panic", get(panic))
        .layer(layers)
        .with_state(gateway)
}

#[derive(Deserialize)]
struct Cart {
    product: String,
    quantity: u32,
    card: String,
}

#[derive(Serialize)]
pub struct Receipt {
    pub receipt: String,
    pub total_cents: u64,
}

async fn checkout(
    State(gateway): State<Gateway>,
    Json(cart): Json<Cart>,
) -> Result<Json<Receipt>, Problem> {
    // told by span and log, and how long such requests take by the metrics
    flag("receipt", if cart.quantity > 1 { "detailed" } else { "plain" });
    let order = place(&gateway, cart).await;
    gateway.orders.count(&order);
    order.map(Json)
}

/// Reserves, charges, and releases again when the card is declined.
async fn place(
    Gateway { inventory, payment, .. }: &Gateway,
    cart: Cart,
) -> Result<Receipt, Problem> {
    let reserved = inventory.reserve(&cart.product, cart.quantity).await?;
    annotate("order.id", reserved.id);
    let charge = ChargeRequest {
        order: reserved.id.to_string(),
        amount_cents: reserved.total_cents,
        card: cart.card,
    };
    match payment.charge(charge).await {
        Ok(receipt) => Ok(Receipt { receipt, total_cents: reserved.total_cents }),
        Err(problem) => {
            inventory.release(reserved.id).await?;
            Err(problem)
        }
    }
}

#[derive(Serialize)]
struct Product {
    id: String,
    cents: u32,
    left: u32,
}

/// Asks for the price and the stock at the same time.
async fn product(
    State(Gateway { inventory, .. }): State<Gateway>,
    Path(id): Path<String>,
) -> Result<Json<Product>, Problem> {
    annotate("product.id", id.clone());
    let (price, stock) = tokio::try_join!(inventory.price(&id), inventory.stock(&id))?;
    Ok(Json(Product { id, cents: price.cents, left: stock.left }))
}

/// A line every few milliseconds, for as long as somebody reads them.
async fn feed() -> Body {
    let ticks = IntervalStream::new(interval(Duration::from_millis(10)));
    Body::from_stream(ticks.enumerate().map(|(n, _)| Ok::<_, Infallible>(format!("tick {n}\n"))))
}

async fn panic() {
    panic!("the handler of /panic panics, as it should");
}
