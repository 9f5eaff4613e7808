//! An SQLite database on blocking threads, each statement in a span.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::Registry;
use rusqlite::{Connection, Error};
use tokio::task::{JoinError, spawn_blocking};
use tower_observability::exchange::in_exchange;
use tower_observability::metrics::RegisterError;
use tower_observability::metrics::saturation::Gauges;
use tower_observability::operation::{Ending, Operations};

use crate::telemetry::SERVICE;

#[derive(Clone)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
    operations: Operations,
}

impl Database {
    pub fn in_memory(schema: &str, operations: Operations) -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(schema)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), operations })
    }

    /// Tells how full it is: its one connection is what everyone waits for.
    pub fn register(&self, service: &str, registry: &Registry) -> Result<(), RegisterError> {
        let connection = Arc::clone(&self.connection);
        let in_use = move || f64::from(u8::from(connection.try_lock().is_err()));
        Gauges::builder()
            .constant_label(SERVICE, service)
            .gauge("db_connections_in_use", "Connections in use, of one.", in_use)
            .register(registry)
    }

    /// Runs `work` on a blocking thread, still inside the request that asks for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Operations) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let Self { connection, operations } = self.clone();
        let locked = move || {
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner), &operations)
        };
        spawn_blocking(in_exchange(locked)).await
    }
}

/// A statement about one table. Arguments are bound to it, and so are never in a span.
pub struct Sql {
    pub operation: &'static str,
    pub table: &'static str,
    pub text: &'static str,
}

impl Sql {
    /// Gives the statement to `run`, in a span.
    pub fn call<T>(
        &self,
        operations: &Operations,
        run: impl FnOnce(&'static str) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        operations
            .db("sqlite")
            .operation(self.operation)
            .collection(self.table)
            .query_text(self.text)
            .call_with(|| run(self.text), ending)
    }
}

/// Errors by SQLite's own code, such as 5 for a database that is busy.
fn ending<T>(result: &rusqlite::Result<T>) -> Ending {
    match result {
        Err(Error::SqliteFailure(error, _)) => {
            Ending::failed("sqlite").status_code(error.extended_code.to_string())
        }
        other => Ending::of(other),
    }
}
