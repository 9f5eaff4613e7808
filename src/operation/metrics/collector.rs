//! Shows a registry how long operations took.

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use super::{Each, LABELS, OperationMetrics};
use crate::config::ConfigError;
use crate::metrics::collect::Described;
use crate::metrics::names::{prefixed, prometheus_label};

/// The metric of one kind of operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Definition {
    name: &'static str,
    help: &'static str,
    /// The attributes of the span that become labels; an empty one is none.
    pub(super) labels: [&'static str; LABELS],
}

impl Definition {
    /// The labels as Prometheus writes them, an empty one for none.
    pub(super) fn written(&self) -> [String; LABELS] {
        self.labels.map(prometheus_label)
    }
}

/// No attribute, but the span's name.
pub(super) const OPERATION_NAME: &str = "operation.name";
pub(super) const DESTINATION: &str = "messaging.destination.name";
/// With any of these attributes, there may be many names of destinations.
pub(super) const MANY: [&str; 3] = [
    "messaging.destination.template",
    "messaging.destination.temporary",
    "messaging.destination.anonymous",
];

const MESSAGING: [&str; LABELS] = [
    "messaging.system",
    "messaging.operation.name",
    DESTINATION,
    "messaging.destination.template",
    "error.type",
];

pub(super) const DEFINITIONS: Each<Definition> = Each {
    db: Definition {
        name: "db_client_operation_duration_seconds",
        help: "Duration of calls of databases and caches.",
        labels: [
            "db.system.name",
            "db.operation.name",
            "db.collection.name",
            "db.query.summary",
            "error.type",
        ],
    },
    messaging: Definition {
        name: "messaging_client_operation_duration_seconds",
        help: "Duration of what is asked of a messaging system.",
        labels: MESSAGING,
    },
    process: Definition {
        name: "messaging_process_duration_seconds",
        help: "Duration of the processing of messages.",
        labels: MESSAGING,
    },
    internal: Definition {
        name: "operation_duration_seconds",
        help: "Duration of work inside the service.",
        labels: [OPERATION_NAME, "", "", "", "error.type"],
    },
};

/// Shows what the clones of one [`OperationMetrics`] recorded.
pub(super) struct OperationCollector {
    metrics: OperationMetrics,
    durations: Each<Described>,
    overflow: Described,
}

impl OperationCollector {
    /// # Errors
    /// When the prefix or a label is not one.
    pub(super) fn new(metrics: OperationMetrics) -> Result<Self, ConfigError> {
        let (prefix, constant) = (&metrics.0.prefix, &metrics.0.constant_labels);
        let durations = DEFINITIONS.try_map(|definition| {
            let labels = definition.written().into_iter().filter(|label| !label.is_empty());
            let name = prefixed(prefix, definition.name);
            let kind = MetricType::HISTOGRAM;
            Described::new(name, definition.help, kind, labels.collect(), constant)
        })?;
        let overflow = Described::new(
            prefixed(prefix, "overflow_operations_total"),
            "Operations counted under the label _overflow, as there were too many series.",
            MetricType::COUNTER,
            Vec::new(),
            constant,
        )?;
        Ok(Self { metrics, durations, overflow })
    }
}

impl Collector for OperationCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.durations.all().into_iter().chain([&self.overflow]).map(Described::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let instruments = &*self.metrics.0;
        let constant = &instruments.constant_labels;
        let each = DEFINITIONS.all().into_iter().zip(self.durations.all());
        let each = each.zip(instruments.durations.all());
        let durations = each.filter_map(|((definition, described), family)| {
            let (names, mut metrics) = (definition.written(), Vec::new());
            family.each(|values, histogram| {
                let own = names.iter().map(String::as_str).zip(values);
                let own = own.filter(|(name, _)| !name.is_empty());
                metrics.extend(described.histogram(constant.pairs_with(own), histogram));
            });
            described.family(metrics)
        });
        let overflow = self.overflow.counter(constant.pairs(), &instruments.overflow);
        durations.chain(self.overflow.family(vec![overflow])).collect()
    }
}
