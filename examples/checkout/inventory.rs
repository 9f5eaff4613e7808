//! The inventory: axum over an SQLite database.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use prometheus::Registry;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use tokio::task::JoinError;
use tokio::time::sleep;
use tower_observability::exchange::annotate;
use tower_observability::operation::{Ending, Operations};

use crate::database::{Database, Sql};
use crate::layers::Place;
use crate::services::BoxError;

const SCHEMA: &str = "
    CREATE TABLE product (
        id TEXT PRIMARY KEY, cents INTEGER, stock INTEGER, warehouse_delay_ms INTEGER);
    CREATE TABLE reservation (
        id INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT, quantity INTEGER);
    INSERT INTO product VALUES
        ('lamp',      2500, 1000000, 0),
        ('slow-lamp', 1900,      12, 600),     -- its warehouse takes longer than `SLOW` to answer
        ('lost-lamp',  100,       1, 3600000) -- its warehouse takes an hour
";

#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Price {
    pub cents: u32,
}

#[derive(Serialize, Deserialize)]
pub struct Stock {
    pub left: u32,
}

#[derive(Serialize, Deserialize)]
pub struct Reserve {
    pub quantity: u32,
}

#[derive(Serialize, Deserialize)]
pub struct Reservation {
    pub id: i64,
    pub total_cents: u64,
}

const LOOK_UP: Sql = Sql {
    operation: "SELECT",
    table: "product",
    text: "SELECT cents, stock, warehouse_delay_ms FROM product WHERE id = ?1",
};
const KNOWS: Sql =
    Sql { operation: "SELECT", table: "product", text: "SELECT 1 FROM product WHERE id = ?1" };
const TAKE: Sql = Sql {
    operation: "UPDATE",
    table: "product",
    text: "UPDATE product SET stock = stock - ?2 WHERE id = ?1 AND stock >= ?2
           RETURNING cents, warehouse_delay_ms",
};
const RESERVE: Sql = Sql {
    operation: "INSERT",
    table: "reservation",
    text: "INSERT INTO reservation (product, quantity) VALUES (?1, ?2)",
};
const GIVE_BACK: Sql = Sql {
    operation: "UPDATE",
    table: "product",
    text: "UPDATE product SET stock = stock + r.quantity
           FROM (SELECT product, quantity FROM reservation WHERE id = ?1) AS r
           WHERE product.id = r.product",
};
const FORGET: Sql = Sql {
    operation: "DELETE",
    table: "reservation",
    text: "DELETE FROM reservation WHERE id = ?1",
};

#[derive(Clone)]
struct Inventory {
    db: Database,
    operations: Operations,
}

pub fn app(place: &Place, registry: &Registry) -> Result<Router, BoxError> {
    let operations = place.operations();
    let db = Database::in_memory(SCHEMA, operations.clone())?;
    db.register(place.name, registry)?;
    Ok(Router::new()
        .route("/products/{id}/price", get(price))
        .route("/products/{id}/stock", get(stock))
        .route("/products/{id}/reservations", post(reserve))
        .route("/reservations/{id}", delete(release))
        .layer(place.server()?)
        .with_state(Inventory { db, operations }))
}

async fn price(
    State(inventory): State<Inventory>,
    Path(id): Path<String>,
) -> Result<Json<Price>, Problem> {
    let (cents, _) = inventory.look_up(id).await?;
    Ok(Json(Price { cents }))
}

async fn stock(
    State(inventory): State<Inventory>,
    Path(id): Path<String>,
) -> Result<Json<Stock>, Problem> {
    let (_, left) = inventory.look_up(id).await?;
    Ok(Json(Stock { left }))
}

async fn reserve(
    State(inventory): State<Inventory>,
    Path(product): Path<String>,
    Json(Reserve { quantity }): Json<Reserve>,
) -> Result<(StatusCode, Json<Reservation>), Problem> {
    let reserved = inventory.db.run(move |db, operations| {
        let transaction = db.transaction()?;
        let taken = TAKE.call(operations, |sql| {
            let read = |row: &Row<'_>| Ok((row.get::<_, u32>(0)?, row.get(1)?));
            transaction.query_row(sql, params![product, quantity], read).optional()
        })?;
        let Some((cents, delay_ms)) = taken else {
            let known =
                KNOWS.call(operations, |sql| transaction.prepare(sql)?.exists(params![product]))?;
            return Err(if known { Problem::SoldOut } else { Problem::NoSuchProduct });
        };
        RESERVE.call(operations, |sql| transaction.execute(sql, params![product, quantity]))?;
        let id = transaction.last_insert_rowid();
        transaction.commit()?;
        tracing::info!(reservation = id, product, quantity, "reserved");
        annotate("reservation.id", id);
        Ok((Reservation { id, total_cents: u64::from(cents) * u64::from(quantity) }, delay_ms))
    });
    let (reservation, delay_ms) = reserved.await??;
    inventory.ask_warehouse(delay_ms).await;
    Ok((StatusCode::CREATED, Json(reservation)))
}

async fn release(
    State(Inventory { db, .. }): State<Inventory>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    let released = db.run(move |db, operations| {
        let transaction = db.transaction()?;
        let changed = GIVE_BACK.call(operations, |sql| transaction.execute(sql, params![id]))?;
        FORGET.call(operations, |sql| transaction.execute(sql, params![id]))?;
        transaction.commit()?;
        Ok::<_, Problem>(changed)
    });
    match released.await?? {
        0 => Ok(StatusCode::NOT_FOUND),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

impl Inventory {
    /// The price and the stock, after as long as the product's warehouse takes to answer.
    async fn look_up(&self, product: String) -> Result<(u32, u32), Problem> {
        let found = self.db.run(move |db, operations| {
            LOOK_UP.call(operations, |sql| {
                let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                db.prepare_cached(sql)?.query_row(params![product], read).optional()
            })
        });
        let (cents, left, delay_ms) = found.await??.ok_or(Problem::NoSuchProduct)?;
        self.ask_warehouse(delay_ms).await;
        Ok((cents, left))
    }

    async fn ask_warehouse(&self, delay_ms: u32) {
        let answer = sleep(Duration::from_millis(delay_ms.into()));
        self.operations.internal("ask warehouse").run_with(answer, |()| Ending::ok()).await
    }
}

enum Problem {
    NoSuchProduct,
    SoldOut,
    Database(rusqlite::Error),
    /// The work on the database did not come to its end.
    Lost,
}

impl From<JoinError> for Problem {
    fn from(_: JoinError) -> Self {
        Self::Lost
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let failed = StatusCode::INTERNAL_SERVER_ERROR;
        match self {
            Self::NoSuchProduct => (StatusCode::NOT_FOUND, "no such product").into_response(),
            Self::SoldOut => (StatusCode::CONFLICT, "sold out").into_response(),
            Self::Lost => failed.into_response(),
            Self::Database(error) => {
                tracing::error!(%error, "the database failed");
                failed.into_response()
            }
        }
    }
}
