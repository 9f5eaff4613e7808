//! The inventory behind the gateway, over SQLite as the example's; nothing observes it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

const SCHEMA: &str = "
    CREATE TABLE product (id TEXT PRIMARY KEY, stock INTEGER);
    INSERT INTO product VALUES ('lamp', 1000000);
";
const LOOK_UP: &str = "SELECT stock FROM product WHERE id = ?1";

#[derive(Serialize, Deserialize)]
pub struct Stock {
    pub left: u32,
}

#[derive(Clone)]
struct Database(Arc<Mutex<Connection>>);

pub fn app() -> rusqlite::Result<Router> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    let database = Database(Arc::new(Mutex::new(connection)));
    Ok(Router::new().route("/products/{id}/stock", get(stock)).with_state(database))
}

async fn stock(
    State(database): State<Database>,
    Path(id): Path<String>,
) -> Result<Json<Stock>, StatusCode> {
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    let found = spawn_blocking(move || database.stock(&id)).await.map_err(|_| failed)?;
    match found {
        Ok(Some(left)) => Ok(Json(Stock { left })),
        Ok(None) => Err(StatusCode::NOT_FOUND),
        Err(_) => Err(failed),
    }
}

impl Database {
    fn stock(&self, id: &str) -> rusqlite::Result<Option<u32>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.prepare_cached(LOOK_UP)?.query_row([id], |row| row.get(0)).optional()
    }
}
