//! Makes operations.

use std::sync::OnceLock;

use opentelemetry::trace::{Tracer, TracerProvider};

use super::metrics::OperationMetrics;
use super::{Db, Internal, Messaging, Operation, Text};
use crate::clock::Clock;
use crate::trace::tracer::Spans;

/// Makes [`Operation`]s whose spans go to one provider; cheap to clone.
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tower_observability::operation::Operations;
///
/// let provider = SdkTracerProvider::builder().build();
/// let operations = Operations::new().tracer_provider(&provider);
/// let look_up = operations.cache("redis", "GET");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Operations {
    spans: Spans,
    clock: Clock,
    metrics: Option<OperationMetrics>,
}

impl Operations {
    /// Spans of the global provider, measured with the system's clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the spans with this provider instead of the global one.
    pub fn tracer_provider<P>(self, provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        Self { spans: Spans::of(provider), ..self }
    }

    /// Measures with this clock.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Measures the operations, too.
    #[cfg(feature = "metrics")]
    pub fn metrics(self, metrics: &OperationMetrics) -> Self {
        Self { metrics: Some(metrics.clone()), ..self }
    }

    /// Makes this the factory behind [`Operation::db`] and its like, for the whole process; `false`
    /// when there is one already: another one that was set, or the default one, which is there from
    /// the first of these operations on.
    ///
    /// ```standalone_crate
    /// use tower_observability::operation::{Operation, Operations};
    /// # use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
    /// # let exporter = InMemorySpanExporter::default();
    /// # let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    ///
    /// assert!(Operations::new().tracer_provider(&provider).set_global());
    /// // from anywhere
    /// let counted = Operation::db("sqlite").call(|| Ok::<_, std::io::Error>(3));
    /// # assert_eq!(counted.unwrap(), 3);
    /// # assert_eq!(exporter.get_finished_spans().unwrap().len(), 1);
    /// # assert!(!Operations::new().set_global());
    /// ```
    #[must_use = "where it is false, another factory makes and measures the operations"]
    pub fn set_global(self) -> bool {
        GLOBAL.set(self).is_ok()
    }

    /// A call of a database; see [`Operation::db`].
    pub fn db(&self, system: impl Into<Text>) -> Operation<Db> {
        self.of(Db::new(system.into()))
    }

    /// A call of a cache; see [`Operation::cache`].
    pub fn cache(&self, system: impl Into<Text>, command: impl Into<Text>) -> Operation<Db> {
        self.db(system).operation(command)
    }

    /// A message is made, to be sent in a batch; see [`Operation::create`].
    pub fn create(
        &self,
        system: impl Into<Text>,
        destination: impl Into<Text>,
    ) -> Operation<Messaging> {
        self.of(Messaging::new("create", system.into(), destination.into()))
    }

    /// Messages are sent; see [`Operation::send`].
    pub fn send(
        &self,
        system: impl Into<Text>,
        destination: impl Into<Text>,
    ) -> Operation<Messaging> {
        self.of(Messaging::new("send", system.into(), destination.into()))
    }

    /// Messages are asked for; see [`Operation::receive`].
    pub fn receive(
        &self,
        system: impl Into<Text>,
        destination: impl Into<Text>,
    ) -> Operation<Messaging> {
        self.of(Messaging::new("receive", system.into(), destination.into()))
    }

    /// Messages are processed; see [`Operation::process`].
    pub fn process(
        &self,
        system: impl Into<Text>,
        destination: impl Into<Text>,
    ) -> Operation<Messaging> {
        self.of(Messaging::new("process", system.into(), destination.into()))
    }

    /// Messages are settled; see [`Operation::settle`].
    pub fn settle(
        &self,
        system: impl Into<Text>,
        destination: impl Into<Text>,
    ) -> Operation<Messaging> {
        self.of(Messaging::new("settle", system.into(), destination.into()))
    }

    /// Work inside the service; see [`Operation::internal`].
    pub fn internal(&self, name: impl Into<Text>) -> Operation<Internal> {
        self.of(Internal::new(name.into()))
    }

    fn of<K>(&self, what: K) -> Operation<K> {
        let Self { spans, clock, metrics } = self.clone();
        let (extra, links) = (Vec::new(), Vec::new());
        Operation { what, extra, links, parent: None, spans, clock, metrics }
    }
}

static GLOBAL: OnceLock<Operations> = OnceLock::new();

/// The factory behind `Operation::db` and its like, which looks up the global provider once.
pub(super) fn global() -> &'static Operations {
    GLOBAL.get_or_init(Operations::new)
}
