//! How the metrics of operations are set up.

use std::fmt;
use std::time::Duration;

use prometheus::Registry;

use super::collector::{DEFINITIONS, OperationCollector};
use super::{Each, OperationMetrics};
use crate::config::ConfigError;
use crate::metrics::RegisterError;
use crate::metrics::instrument::bounds::Bounds;
use crate::metrics::names::{self, ConstantLabels};
use crate::metrics::register::register;

/// Sets up [`OperationMetrics`]; a setting that cannot be used is an error of the last step.
#[derive(Clone)]
#[must_use = "metrics are made by `register`"]
pub struct OperationMetricsBuilder {
    prefix: String,
    constant_labels: Vec<(String, String)>,
    max_series: usize,
    bounds: Each<Result<Bounds, ConfigError>>,
}

/// What the conventions advise for databases.
const DB: [Duration; 9] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

impl OperationMetricsBuilder {
    /// The most series of each metric unless [`max_series`](Self::max_series) says otherwise.
    pub const DEFAULT_MAX_SERIES: usize = 500;

    pub(super) fn new() -> Self {
        let bounds = Each {
            db: Bounds::of_durations("db_duration_buckets", DB),
            messaging: Ok(Bounds::seconds()),
            process: Ok(Bounds::seconds()),
            internal: Ok(Bounds::seconds()),
        };
        Self {
            prefix: String::new(),
            constant_labels: Vec::new(),
            max_series: Self::DEFAULT_MAX_SERIES,
            bounds,
        }
    }

    /// Puts a prefix and `_` before every name: `shop` makes
    /// `shop_db_client_operation_duration_seconds`. None by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Adds a label that every series has.
    pub fn constant_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.constant_labels.push((name.into(), value.into()));
        self
    }

    /// The most series of each metric; 500 by default. What comes after them has `_overflow` in the
    /// place of every label but `error_type`.
    pub fn max_series(mut self, most: usize) -> Self {
        self.max_series = most;
        self
    }

    /// The upper bounds of the buckets for databases and caches; by default the 9 from 1 ms to 10 s
    /// that the conventions advise.
    pub fn db_duration_buckets(mut self, bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.bounds.db = Bounds::of_durations("db_duration_buckets", bounds);
        self
    }

    /// The upper bounds of the buckets for messages that are created, sent, received or settled; by
    /// default the 14 from 5 ms to 10 s that the conventions advise.
    pub fn messaging_duration_buckets(
        mut self,
        bounds: impl IntoIterator<Item = Duration>,
    ) -> Self {
        self.bounds.messaging = Bounds::of_durations("messaging_duration_buckets", bounds);
        self
    }

    /// The upper bounds of the buckets for messages that are processed; by default the 14 from 5 ms
    /// to 10 s that the conventions advise.
    pub fn process_duration_buckets(mut self, bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.bounds.process = Bounds::of_durations("process_duration_buckets", bounds);
        self
    }

    /// The upper bounds of the buckets for internal work; by default those of messages, from 5 ms
    /// to 10 s.
    pub fn internal_duration_buckets(mut self, bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.bounds.internal = Bounds::of_durations("internal_duration_buckets", bounds);
        self
    }

    /// The metrics, which come out of this registry.
    ///
    /// # Errors
    /// When a setting cannot be used, or the registry has metrics of these names and constant labels
    /// already: clone what was registered first.
    pub fn register(self, registry: &Registry) -> Result<OperationMetrics, RegisterError> {
        names::prefix(&self.prefix)?;
        let own = DEFINITIONS.all().into_iter().flat_map(|definition| definition.written());
        let own: Vec<_> = own.chain(["le".to_owned()]).collect();
        let own: Vec<_> = own.iter().map(String::as_str).collect();
        let constant_labels = ConstantLabels::new("constant_label", self.constant_labels, &own)?;
        let metrics =
            OperationMetrics::new(self.prefix, constant_labels, self.max_series, self.bounds)?;
        let hint =
            "clone the metrics that were registered, or give these a prefix or a constant label";
        register(registry, OperationCollector::new(metrics.clone())?, hint)?;
        Ok(metrics)
    }
}

impl fmt::Debug for OperationMetricsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationMetricsBuilder")
            .field("prefix", &self.prefix)
            .field("constant_labels", &self.constant_labels)
            .finish_non_exhaustive()
    }
}
