//! The inventory: axum over an SQLite database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tower_observability::exchange::{annotate, in_exchange};

use crate::layers::Layers;

const SCHEMA: &str = "
    CREATE TABLE product (
        id TEXT PRIMARY KEY, cents INTEGER, stock INTEGER, warehouse_delay_ms INTEGER);
    CREATE TABLE reservation (
        id INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT, quantity INTEGER);
    INSERT INTO product VALUES
        ('lamp',      2500, 1000000, 0),
        ('slow-lamp', 1900,      12, 2000),   -- its warehouse takes two seconds to answer
        ('lost-lamp',  100,       1, 3600000) -- its warehouse takes an hour
";

#[derive(Serialize, Deserialize)]
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

#[derive(Clone)]
struct Database(Arc<Mutex<Connection>>);

pub fn app(layers: Layers) -> rusqlite::Result<Router> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    Ok(Router::new()
        .route("/products/{id}/price", get(price))
        .route("/products/{id}/stock", get(stock))
        .route("/products/{id}/reservations", post(reserve))
        .route("/reservations/{id}", delete(release))
        .layer(layers)
        .with_state(Database(Arc::new(Mutex::new(connection)))))
}

async fn price(State(db): State<Database>, Path(id): Path<String>) -> Result<Json<Price>, Problem> {
    let (cents, _) = db.ask_warehouse(id).await?;
    Ok(Json(Price { cents }))
}

async fn stock(State(db): State<Database>, Path(id): Path<String>) -> Result<Json<Stock>, Problem> {
    let (_, left) = db.ask_warehouse(id).await?;
    Ok(Json(Stock { left }))
}

async fn reserve(
    State(db): State<Database>,
    Path(product): Path<String>,
    Json(Reserve { quantity }): Json<Reserve>,
) -> Result<(StatusCode, Json<Reservation>), Problem> {
    let reserved = db.run(move |db| {
        let transaction = db.transaction()?;
        let taken = transaction
            .prepare(
                "UPDATE product SET stock = stock - ?2 WHERE id = ?1 AND stock >= ?2
                 RETURNING cents",
            )?
            .query_row(params![product, quantity], |row| row.get::<_, u32>(0))
            .optional()?;
        let Some(cents) = taken else {
            let known = transaction
                .prepare("SELECT 1 FROM product WHERE id = ?1")?
                .exists(params![product])?;
            return Err(if known { Problem::SoldOut } else { Problem::NoSuchProduct });
        };
        transaction.execute(
            "INSERT INTO reservation (product, quantity) VALUES (?1, ?2)",
            params![product, quantity],
        )?;
        let id = transaction.last_insert_rowid();
        transaction.commit()?;
        tracing::info!(reservation = id, product, quantity, "reserved");
        annotate("reservation.id", id);
        Ok(Reservation { id, total_cents: u64::from(cents) * u64::from(quantity) })
    });
    Ok((StatusCode::CREATED, Json(reserved.await?)))
}

async fn release(State(db): State<Database>, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    let released = db.run(move |db| {
        let transaction = db.transaction()?;
        let changed = transaction.execute(
            "UPDATE product SET stock = stock + r.quantity
             FROM (SELECT product, quantity FROM reservation WHERE id = ?1) AS r
             WHERE product.id = r.product",
            params![id],
        )?;
        transaction.execute("DELETE FROM reservation WHERE id = ?1", params![id])?;
        transaction.commit()?;
        Ok(changed)
    });
    match released.await? {
        0 => Ok(StatusCode::NOT_FOUND),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

impl Database {
    /// The price and the stock, after as long as the product's warehouse takes to answer.
    async fn ask_warehouse(&self, product: String) -> Result<(u32, u32), Problem> {
        let found = self.run(move |db| {
            let query = "SELECT cents, stock, warehouse_delay_ms FROM product WHERE id = ?1";
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let found = db.prepare_cached(query)?.query_row(params![product], read).optional()?;
            found.ok_or(Problem::NoSuchProduct)
        });
        let (cents, left, delay_ms): (_, _, u32) = found.await?;
        tokio::time::sleep(Duration::from_millis(u64::from(delay_ms))).await;
        Ok((cents, left))
    }

    /// Runs `work` on a blocking thread, still inside the exchange that asks for it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Self(connection) = self.clone();
        let locked = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        spawn_blocking(in_exchange(locked)).await.map_err(|_| Problem::Lost)?
    }
}

enum Problem {
    NoSuchProduct,
    SoldOut,
    Database(rusqlite::Error),
    /// The work on the database did not come to its end.
    Lost,
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
