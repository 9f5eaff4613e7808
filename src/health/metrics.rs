//! Shows a registry what the checks found.

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use super::{Group, Health, Status};
use crate::config::ConfigError;
use crate::metrics::RegisterError;
use crate::metrics::collect::Described;
use crate::metrics::names::{self, ConstantLabels, prefixed};
use crate::metrics::register::register;

/// Tells a registry how healthy a service is, as its probes tell it at the same instant.
///
/// | metric | what |
/// |---|---|
/// | `health_check_status{check}` | 0 for fail, 1 for warn, 2 for pass |
/// | `health_check_duration_seconds{check}` | how long the last run took, by the [clock](super::HealthBuilder::clock) of the results; not there before the first |
/// | `health_check_transitions_total{check,to}` | how often it became `fail`, `warn` or `pass` |
/// | `health_status{group}` | 0 for fail, 1 for warn, 2 for pass, of `live`, `ready` and `startup` |
///
/// Transitions by age are counted within a second.
///
/// ```
/// use prometheus::Registry;
/// use tower_observability::health::{Health, HealthMetrics};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (health, registry) = (Health::builder().start()?, Registry::new());
/// HealthMetrics::new(&health).register(&registry)?;
/// # assert_eq!(registry.gather()[0].name(), "health_status");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "metrics are told after `register`"]
pub struct HealthMetrics {
    health: Health,
    prefix: String,
    constant_labels: Vec<(String, String)>,
}

impl HealthMetrics {
    /// Tells of this.
    pub fn new(health: &Health) -> Self {
        Self { health: health.clone(), prefix: String::new(), constant_labels: Vec::new() }
    }

    /// Puts a prefix and `_` before every name. None by default.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Adds a label that every series has.
    pub fn constant_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.constant_labels.push((name.into(), value.into()));
        self
    }

    /// Makes the metrics come out of this registry.
    ///
    /// # Errors
    /// When a setting cannot be used, or the registry has metrics of these names and constant labels
    /// already.
    pub fn register(self, registry: &Registry) -> Result<(), RegisterError> {
        names::prefix(&self.prefix)?;
        let own = ["check", "group", "to"];
        let constant = ConstantLabels::new("constant_label", self.constant_labels, &own)?;
        let collector = HealthCollector::new(self.health, &self.prefix, constant)?;
        register(registry, collector, "give these a prefix or a constant label")
    }
}

struct HealthCollector {
    health: Health,
    constant: ConstantLabels,
    status: Described,
    duration: Described,
    transitions: Described,
    groups: Described,
}

impl HealthCollector {
    /// # Errors
    /// When the prefix or a label is not one.
    fn new(health: Health, prefix: &str, constant: ConstantLabels) -> Result<Self, ConfigError> {
        let described = |name, help, kind, labels: &[&str]| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            Described::new(prefixed(prefix, name), help, kind, labels, &constant)
        };
        let (gauge, counter) = (MetricType::GAUGE, MetricType::COUNTER);
        Ok(Self {
            status: described(
                "health_check_status",
                "Status of a health check: 0 for fail, 1 for warn, 2 for pass.",
                gauge,
                &["check"],
            )?,
            duration: described(
                "health_check_duration_seconds",
                "Duration of the last run of a health check.",
                gauge,
                &["check"],
            )?,
            transitions: described(
                "health_check_transitions_total",
                "How often a health check became what it was not.",
                counter,
                &["check", "to"],
            )?,
            groups: described(
                "health_status",
                "Status of a group of health checks: 0 for fail, 1 for warn, 2 for pass.",
                gauge,
                &["group"],
            )?,
            health,
            constant,
        })
    }
}

impl Collector for HealthCollector {
    fn desc(&self) -> Vec<&Desc> {
        [&self.status, &self.duration, &self.transitions, &self.groups].map(Described::desc).into()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let snapshot = self.health.snapshot();
        let (mut status, mut duration, mut transitions) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (rules, known)) in snapshot.each().enumerate() {
            let check = ("check", rules.name.as_str());
            let labels = || self.constant.pairs_with([check]);
            status.push(self.status.value(labels(), number(snapshot.of(at))));
            if let Some(took) = known.took() {
                duration.push(self.duration.value(labels(), took.as_secs_f64()));
            }
            for to in [Status::Fail, Status::Warn, Status::Pass] {
                let labels = self.constant.pairs_with([check, ("to", to.as_str())]);
                let count = self.health.board().transitions(at, to) as f64;
                transitions.push(self.transitions.value(labels, count));
            }
        }
        let groups = Group::ALL.map(|group| {
            let labels = self.constant.pairs_with([("group", group.as_str())]);
            self.groups.value(labels, number(snapshot.group(group)))
        });
        let families = [
            self.status.family(status),
            self.duration.family(duration),
            self.transitions.family(transitions),
            self.groups.family(groups.into()),
        ];
        families.into_iter().flatten().collect()
    }
}

fn number(status: Status) -> f64 {
    match status {
        Status::Fail => 0.0,
        Status::Warn => 1.0,
        Status::Pass => 2.0,
    }
}
