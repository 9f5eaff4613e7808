//! Calls of databases and caches, by the [conventions of database client
//! spans](https://opentelemetry.io/docs/specs/semconv/db/database-spans/).

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

#[cfg(feature = "metrics")]
use super::metrics::Kind;
use super::put::{Server, named, put, some};
use super::sealed::Convention;
use super::{Operation, Text, global};
use crate::message::bound::bounded;

/// A call of a database or a cache: what an [`Operation::db`] tells.
#[derive(Clone, Debug)]
pub struct Db {
    system: Text,
    operation: Option<Text>,
    collection: Option<Text>,
    procedure: Option<Text>,
    namespace: Option<Text>,
    summary: Option<Text>,
    query: Option<Text>,
    batch: usize,
    in_memory: bool,
    server: Server,
}

impl Db {
    pub(super) fn new(system: Text) -> Self {
        Self {
            system,
            operation: None,
            collection: None,
            procedure: None,
            namespace: None,
            summary: None,
            query: None,
            batch: 0,
            in_memory: false,
            server: Server::default(),
        }
    }

    fn operation_name(&self) -> Option<Text> {
        match (self.batch, &self.operation) {
            (0 | 1, operation) => operation.clone(),
            (_, Some(each)) => Some(["BATCH ", each].concat().into()),
            (_, None) => Some("BATCH".into()),
        }
    }
}

impl Operation<Db> {
    /// A call of a database, in a span of kind CLIENT.
    ///
    /// `system` is its `db.system.name`, preferably a [well-known
    /// one](https://opentelemetry.io/docs/specs/semconv/registry/attributes/db/): `postgresql`, `mysql`,
    /// `sqlite`, `mongodb`, `redis`. The span's name is the summary; without one the operation and
    /// its target: the collection, the stored procedure, the namespace or the server, whichever is
    /// set; without any of them the system.
    pub fn db(system: impl Into<Text>) -> Self {
        global().db(system)
    }

    /// A call of a cache with one command, in the words of the database conventions.
    ///
    /// ```
    /// use tower_observability::operation::{Ending, Operation};
    ///
    /// # async fn get(_: &str) -> Option<String> { None }
    /// # async fn look_up(id: &str) {
    /// let found = Operation::cache("redis", "GET")
    ///     .run_with(get(id), |found| Ending::ok().attribute("cache.hit", found.is_some()))
    ///     .await;
    /// # let _ = found;
    /// # }
    /// ```
    pub fn cache(system: impl Into<Text>, command: impl Into<Text>) -> Self {
        global().cache(system, command)
    }

    /// `db.operation.name`: the one command that is run, such as `SELECT` or `HMSET`.
    pub fn operation(mut self, name: impl Into<Text>) -> Self {
        self.what.operation = some(name.into());
        self
    }

    /// `db.collection.name`: the one table or container that it is about.
    pub fn collection(mut self, name: impl Into<Text>) -> Self {
        self.what.collection = some(name.into());
        self
    }

    /// `db.stored_procedure.name`: the procedure that is called.
    pub fn stored_procedure(mut self, name: impl Into<Text>) -> Self {
        self.what.procedure = some(name.into());
        self
    }

    /// `db.namespace`: the database's name, its parts joined by `|` from the most general on.
    pub fn namespace(mut self, name: impl Into<Text>) -> Self {
        self.what.namespace = some(name.into());
        self
    }

    /// `db.query.summary`: a class of queries, such as `SELECT order product`, of which there
    /// should be few; it becomes the span's name.
    pub fn summary(mut self, summary: impl Into<Text>) -> Self {
        self.what.summary = some(summary.into());
        self
    }

    /// `db.query.text`: the query with placeholders for its arguments.
    ///
    /// It is recorded as it is, cut to 2048 bytes: never format an argument into it.
    pub fn query_text(mut self, text: impl Into<Text>) -> Self {
        self.what.query = some(text.into());
        self
    }

    /// `db.operation.batch.size`: how many queries are sent together. Fewer than two are no batch;
    /// of more, the operation's name begins with `BATCH`.
    pub fn batch(mut self, size: usize) -> Self {
        self.what.batch = size;
        self
    }

    /// Makes the span's kind INTERNAL, for what runs in this process, such as a cache in memory.
    pub fn in_memory(mut self) -> Self {
        self.what.in_memory = true;
        self
    }

    /// `server.address`: the database's host name, IP address or Unix socket.
    pub fn server_address(mut self, address: impl Into<Text>) -> Self {
        self.what.server.address = some(address.into());
        self
    }

    /// `server.port`, where it is not the system's usual one; told only with an address.
    pub fn server_port(mut self, port: u16) -> Self {
        self.what.server.port = Some(port);
        self
    }
}

impl Convention for Db {
    fn name(&self) -> Text {
        let target = || {
            let Self { collection, procedure, namespace, server, .. } = self;
            collection
                .clone()
                .or(procedure.clone())
                .or(namespace.clone())
                .or_else(|| server.target())
        };
        let summary = self.summary.clone();
        let name = summary.or_else(|| named(self.operation_name().as_ref(), target().as_ref()));
        bounded(name.unwrap_or_else(|| self.system.clone()))
    }

    fn span_kind(&self, _: usize) -> SpanKind {
        if self.in_memory { SpanKind::Internal } else { SpanKind::Client }
    }

    fn attributes(self, into: &mut Vec<KeyValue>) {
        let operation = self.operation_name();
        put(into, "db.system.name", Some(self.system));
        put(into, "db.operation.name", operation);
        put(into, "db.collection.name", self.collection);
        put(into, "db.stored_procedure.name", self.procedure);
        put(into, "db.namespace", self.namespace);
        put(into, "db.query.summary", self.summary);
        put(into, "db.query.text", self.query);
        if self.batch > 1 {
            let size = i64::try_from(self.batch).unwrap_or(i64::MAX);
            into.push(KeyValue::new("db.operation.batch.size", size));
        }
        self.server.put(into);
    }

    #[cfg(feature = "metrics")]
    fn kind(&self) -> Kind {
        Kind::Db
    }
}
