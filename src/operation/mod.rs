//! Spans around what a service asks of others: a database query, a cache look-up, a message; or
//! around any other future or closure.
//!
//! An [`Operation`] says what is done, in the words of OpenTelemetry's semantic conventions, and
//! then runs it: [`run`](Operation::run) a future, [`call`](Operation::call) a closure. The span is
//! current while the future is polled and dropped, so that whatever happens inside is its child.
//!
//! ```
//! use tower_observability::operation::Operation;
//!
//! # async fn ask(_: &str) -> Result<i64, std::io::Error> { Ok(1) }
//! # async fn price(id: &str) -> Result<i64, std::io::Error> {
//! let cents = Operation::db("postgresql")
//!     .operation("SELECT")
//!     .collection("product")
//!     .query_text("SELECT cents FROM product WHERE id = $1") // never with its arguments in it
//!     .run(ask(id))
//!     .await?;
//! # Ok(cents)
//! # }
//! ```
//!
//! | how it ends | status | `error.type` |
//! |---|---|---|
//! | with `Ok` | Unset | none |
//! | with `Err` | Error | the name of the error's type, or what [`run_with`](Operation::run_with) says |
//! | the future is dropped before its end | Unset | `cancelled` |
//! | a panic | Error | `panic` |
//!
//! The span starts with the first poll and ends once, with the future: a future that is never
//! polled leaves no span. Its parent is what is current when `run` is called, so that a spawned
//! operation still belongs to the request that asked for it; where no span is current, that of the
//! `tracing` span or of the exchange in scope.
//!
//! With the feature `metrics`, `OperationMetrics` tells how long operations took and how they ended,
//! sampled or not, with the durations and the `error.type` of their spans.
//!
//! The text of an error is never recorded, since databases quote the values they refuse. What is
//! given to the builder is recorded as it is, cut to 2048 bytes; it should come from the program,
//! not from its callers.
mod db;
mod ending;
mod factory;
mod future;
mod internal;
mod live;
mod messaging;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "unmetered.rs"]
mod metrics;
mod put;
#[cfg(all(test, feature = "testing"))]
mod tests;

use std::borrow::Cow;
use std::future::Future;

use opentelemetry::trace::{Link, SpanBuilder, SpanContext};
use opentelemetry::{Context, KeyValue};

use crate::attribute::Value;
use crate::clock::Clock;
use crate::trace::ambient;
use crate::trace::tracer::Spans;

pub use db::Db;
pub use ending::{ByType, Ending};
pub use factory::Operations;
pub use future::OperationFuture;
pub use internal::Internal;
pub use messaging::Messaging;
#[cfg(feature = "metrics")]
pub use metrics::{OperationMetrics, OperationMetricsBuilder};

use factory::global;
use live::Live;
use metrics::Metered;
#[cfg(not(feature = "metrics"))]
use metrics::OperationMetrics;
use put::{extra, set};

type Text = Cow<'static, str>;

/// What is about to be done, and the span that tells of it.
///
/// Each call of a setter replaces what was set before; an empty text sets nothing. A clone is
/// another operation that looks the same.
#[derive(Clone, Debug)]
#[must_use = "an operation does nothing until something is run in it"]
pub struct Operation<K> {
    what: K,
    extra: Vec<KeyValue>,
    links: Vec<Link>,
    parent: Option<Context>,
    spans: Spans,
    clock: Clock,
    metrics: Option<OperationMetrics>,
}

mod sealed {
    use opentelemetry::KeyValue;
    use opentelemetry::trace::SpanKind;

    /// What the semantic conventions say of a kind of operation.
    pub trait Convention {
        fn name(&self) -> super::Text;
        fn span_kind(&self, links: usize) -> SpanKind;
        fn attributes(self, into: &mut Vec<KeyValue>);
        #[cfg(feature = "metrics")]
        fn kind(&self) -> super::metrics::Kind;
    }
}
use sealed::Convention;

/// Room for the attributes of most operations, so that the list need not grow.
const USUAL: usize = 8;

impl<K: Convention> Operation<K> {
    /// Adds an attribute of your own, or replaces one of the conventions; a text is cut to 2048
    /// bytes.
    pub fn attribute(mut self, key: impl Into<Text>, value: impl Into<Value>) -> Self {
        if let Some(attribute) = extra(key.into(), value.into()) {
            set(&mut self.extra, attribute);
        }
        self
    }

    /// Makes the span a child of what this context holds, instead of what is current.
    pub fn parent(self, parent: Context) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// Links the span to another one; an invalid context is left out.
    ///
    /// For messages: to the context that came with each of them, or, when sending, to the span in
    /// which each was [created](Operation::create).
    pub fn link(mut self, to: SpanContext) -> Self {
        if to.is_valid() {
            self.links.push(Link::with_context(to));
        }
        self
    }

    /// Runs a future in the span; with `Err`, the span's `error.type` is the name of `E`
    /// ([`Ending::of`]).
    pub fn run<F, T, E>(self, future: F) -> OperationFuture<F, ByType<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.run_with(future, Ending::of)
    }

    /// Runs a future in the span; `ending` says what its output means.
    ///
    /// ```
    /// # use std::io::{Error, ErrorKind};
    /// use tower_observability::operation::{Ending, Operation};
    ///
    /// # async fn ask() -> Result<Vec<u8>, Error> { Ok(Vec::new()) }
    /// # async fn products() {
    /// let rows = Operation::db("sqlite").summary("list products").run_with(ask(), |found| match found {
    ///     Ok(rows) => Ending::ok().attribute("db.response.returned_rows", rows.len()),
    ///     Err(error) if error.kind() == ErrorKind::TimedOut => Ending::failed("timeout"),
    ///     Err(_) => Ending::failed("io"),
    /// });
    /// # rows.await.unwrap();
    /// # }
    /// ```
    pub fn run_with<F, J>(self, future: F, ending: J) -> OperationFuture<F, J>
    where
        F: Future,
        J: FnOnce(&F::Output) -> Ending,
    {
        OperationFuture::new(future, ending, self.prepare())
    }

    /// Runs a closure in the span, on this thread; as [`run`](Self::run) does a future.
    ///
    /// A closure that runs on another thread needs [`in_exchange`](crate::exchange::in_exchange) to belong to the request:
    ///
    /// ```
    /// use tower_observability::exchange::in_exchange;
    /// use tower_observability::operation::Operation;
    ///
    /// # async fn handler() {
    /// let query = || Operation::db("sqlite").summary("count orders").call(|| {
    ///     Ok::<_, std::io::Error>(3)
    /// });
    /// let counted = tokio::task::spawn_blocking(in_exchange(query)).await;
    /// # let _ = counted;
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The closure's.
    pub fn call<T, E>(self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.call_with(work, Ending::of)
    }

    /// Runs a closure in the span, on this thread; `ending` says what its result means.
    pub fn call_with<R>(self, work: impl FnOnce() -> R, ending: impl FnOnce(&R) -> Ending) -> R {
        let live = self.prepare().start();
        let done = live.run(|| {
            let result = work();
            let ending = ending(&result);
            (result, ending)
        });
        match done {
            Ok((result, ending)) => {
                live.end(ending);
                result
            }
            Err(panic) => {
                live.end(Ending::panicked());
                std::panic::resume_unwind(panic)
            }
        }
    }

    fn prepare(self) -> Prepared {
        let Self { what, extra, links, parent, spans, clock, metrics } = self;
        let name = what.name();
        let mut builder =
            SpanBuilder::from_name(name.clone()).with_kind(what.span_kind(links.len()));
        let metered = metrics.map(|metrics| Metered::new(metrics, &what));
        let mut attributes = Vec::with_capacity(USUAL + extra.len());
        what.attributes(&mut attributes);
        for attribute in extra {
            set(&mut attributes, attribute);
        }
        let metered = metered.map(|metered| metered.told(&name, &attributes));
        builder.attributes = Some(attributes);
        builder.links = (!links.is_empty()).then_some(links);
        let parent = parent.unwrap_or_else(ambient::here);
        Prepared { builder, parent, spans, clock, metered }
    }
}

/// An operation whose span can start.
struct Prepared {
    builder: SpanBuilder,
    parent: Context,
    spans: Spans,
    clock: Clock,
    metered: Option<Metered>,
}

impl Prepared {
    fn start(self) -> Live {
        let Self { builder, parent, spans, clock, metered } = self;
        Live::start(builder, parent, &spans, clock, metered)
    }
}
