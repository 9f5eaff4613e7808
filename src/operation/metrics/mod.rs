//! Durations of operations.
//!
//! Names and labels follow OpenTelemetry's conventions for
//! [databases](https://opentelemetry.io/docs/specs/semconv/db/database-metrics/) and
//! [messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/), as they are
//! written for Prometheus.

mod builder;
mod collector;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::SpanContext;
use opentelemetry::{KeyValue, StringValue, Value};

pub use builder::OperationMetricsBuilder;
use collector::{DEFINITIONS, DESTINATION, MANY, OPERATION_NAME};

use super::Text;
use super::sealed::Convention;
use crate::config::ConfigError;
use crate::id::TraceIdentity;
use crate::metrics::instrument::bounds::Bounds;
use crate::metrics::instrument::counter::Counter;
use crate::metrics::instrument::exemplar::Sampled;
use crate::metrics::instrument::family::Family;
use crate::metrics::instrument::histogram::{Histogram, nanos};
use crate::metrics::names::ConstantLabels;
use crate::shard;

/// Measures operations: how long they took, by what they did and how they ended, exactly as their
/// spans tell it, whether or not those are sampled. Clones record into the same metrics.
///
/// | metric | of | labels beside `error_type` |
/// |---|---|---|
/// | `db_client_operation_duration_seconds` | databases and caches | `db_system_name`, `db_operation_name`, `db_collection_name`, `db_query_summary` |
/// | `messaging_client_operation_duration_seconds` | messages created, sent, received, settled | `messaging_system`, `messaging_operation_name`, `messaging_destination_name`, `messaging_destination_template` |
/// | `messaging_process_duration_seconds` | messages processed | the same |
/// | `operation_duration_seconds` | internal work | `operation_name` |
/// | `overflow_operations_total` | operations whose labels became `_overflow` | none, nor `error_type` |
///
/// A label is left out where the operation does not tell it, and `error_type` where nothing went
/// wrong. The labels say what the attributes of the span do. The name of a destination is left out where it is temporary or anonymous, or has a
/// template, as there may be many then; so are the namespace and the server of a database.
///
/// ```
/// use prometheus::Registry;
/// use tower_observability::operation::{OperationMetrics, Operations};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let metrics = OperationMetrics::builder().register(&registry)?;
/// let operations = Operations::new().metrics(&metrics);
/// operations.cache("redis", "GET").call(|| Ok::<_, std::io::Error>(3))?;
/// # assert_eq!(registry.gather().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OperationMetrics(Arc<Instruments>);

impl OperationMetrics {
    /// Sets up metrics.
    pub fn builder() -> OperationMetricsBuilder {
        OperationMetricsBuilder::new()
    }

    fn new(
        prefix: String,
        constant_labels: ConstantLabels,
        most: usize,
        bounds: Each<Result<Bounds, ConfigError>>,
    ) -> Result<Self, ConfigError> {
        let durations = bounds.try_map(|bounds| {
            let stays = [false, false, false, false, true];
            Ok::<_, ConfigError>(Family::histograms(bounds?, most, stays))
        })?;
        let overflow = Counter::new(SystemTime::now());
        Ok(Self(Arc::new(Instruments { prefix, constant_labels, durations, overflow })))
    }
}

impl fmt::Debug for OperationMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationMetrics").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

/// The most labels of an operation, with its error.
const LABELS: usize = 5;

/// What is recorded into, and a collector reads.
struct Instruments {
    prefix: String,
    constant_labels: ConstantLabels,
    durations: Each<Family<LABELS>>,
    overflow: Counter,
}

/// Which of the durations an operation is recorded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Db,
    Messaging,
    Process,
    Internal,
}

/// An operation that is to be measured.
pub(super) struct Metered {
    metrics: OperationMetrics,
    kind: Kind,
    /// Nothing for what the operation does not tell.
    labels: [Option<StringValue>; LABELS - 1],
}

impl Metered {
    pub(super) fn new(metrics: OperationMetrics, what: &impl Convention) -> Self {
        Self { metrics, kind: what.kind(), labels: Default::default() }
    }

    /// Takes the labels from what the span tells, so that both tell the same.
    pub(super) fn told(mut self, name: &Text, attributes: &[KeyValue]) -> Self {
        let told = |key: &str| attributes.iter().find(|told| told.key.as_str() == key);
        let is_many = MANY.into_iter().any(|key| told(key).is_some());
        for (key, label) in DEFINITIONS.of(self.kind).labels.into_iter().zip(&mut self.labels) {
            *label = match key {
                OPERATION_NAME => Some(name.clone().into()),
                DESTINATION if is_many => None,
                key => told(key).map(|told| match &told.value {
                    Value::String(text) => text.clone(),
                    other => other.as_str().into_owned().into(),
                }),
            };
        }
        self
    }

    /// Records how long it took until `at`, and how it ended; `span` is its own, if that is kept.
    pub(super) fn record(
        self,
        took: Duration,
        at: SystemTime,
        error_type: Option<&'static str>,
        span: Option<&SpanContext>,
    ) {
        let Instruments { durations, overflow, .. } = &*self.metrics.0;
        let shard = shard::of_this_thread();
        let value = nanos(took);
        let sampled = span.filter(|span| span.is_sampled()).and_then(TraceIdentity::of);
        let record = |histogram: &Histogram| {
            histogram.record_sampled(
                shard,
                value,
                sampled.map(|trace| Sampled::new(trace, at)).as_ref(),
            );
        };
        let [one, two, three, four] = self.labels.each_ref().map(|label| match label {
            Some(label) => label.as_str(),
            None => "",
        });
        let labels = [one, two, three, four, error_type.unwrap_or_default()];
        if !durations.of(self.kind).with(labels, at, record) {
            overflow.add(shard, 1);
        }
    }
}

/// One thing for each kind of operation.
#[derive(Clone, Copy, Debug)]
struct Each<T> {
    db: T,
    messaging: T,
    process: T,
    internal: T,
}

impl<T> Each<T> {
    fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::Db => &self.db,
            Kind::Messaging => &self.messaging,
            Kind::Process => &self.process,
            Kind::Internal => &self.internal,
        }
    }

    fn all(&self) -> [&T; 4] {
        [&self.db, &self.messaging, &self.process, &self.internal]
    }

    fn try_map<U, E>(self, make: impl Fn(T) -> Result<U, E>) -> Result<Each<U>, E> {
        Ok(Each {
            db: make(self.db)?,
            messaging: make(self.messaging)?,
            process: make(self.process)?,
            internal: make(self.internal)?,
        })
    }
}
