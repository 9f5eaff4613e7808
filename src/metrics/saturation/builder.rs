//! What every collector is set up with.

use prometheus::Registry;
use prometheus::core::Collector;
use prometheus::proto::MetricType;

use crate::config::ConfigError;
use crate::metrics::collect::Described;
use crate::metrics::names::{self, ConstantLabels, prefixed};
use crate::metrics::register::{RegisterError, register};

/// Sets up a collector: [`ProcessCollector`](super::ProcessCollector),
/// [`RuntimeCollector`](super::RuntimeCollector) or [`Gauges`](super::Gauges).
#[must_use = "it shows nothing until it is registered"]
pub struct CollectorBuilder<C: FromSettings> {
    pub(crate) settings: C::Settings,
    names: NameSettings,
}

/// What becomes a collector.
pub trait FromSettings: Collector + Sized + 'static {
    /// What this collector alone is told.
    type Settings;

    /// What may be in the way where a registry refuses a metric; empty where nothing is known.
    const HINT: &str = "";

    /// Checks the settings and makes the collector.
    fn from_settings(settings: Self::Settings, names: NameSettings) -> Result<Self, ConfigError>;
}

/// How the metrics of a collector are named, as given.
#[derive(Clone, Default)]
pub struct NameSettings {
    prefix: String,
    constant_labels: Vec<(String, String)>,
}

impl<C: FromSettings> CollectorBuilder<C> {
    pub(crate) fn new(settings: C::Settings) -> Self {
        Self { settings, names: NameSettings::default() }
    }

    /// Puts a prefix and `_` before the name of each metric; none by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.names.prefix = prefix.into();
        self
    }

    /// Adds a label with the same value to each metric; an empty value leaves it out.
    pub fn constant_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.names.constant_labels.push((name.into(), value.into()));
        self
    }

    /// Makes the collector, to be registered by hand.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn build(self) -> Result<C, ConfigError> {
        C::from_settings(self.settings, self.names)
    }

    /// Makes the collector and registers it.
    ///
    /// # Errors
    /// Names the first setting that cannot be used, or the metric that the registry has already.
    pub fn register(self, registry: &Registry) -> Result<(), RegisterError> {
        register(registry, self.build()?, C::HINT)
    }
}

impl NameSettings {
    /// Checks the prefix and the labels, to which one collector adds its own; `taken` are the
    /// names of labels that differ within a metric.
    pub(crate) fn check(
        &self,
        own: impl IntoIterator<Item = (String, String)>,
        taken: &[&str],
    ) -> Result<Names, ConfigError> {
        self.named(self.constant_labels.iter().cloned().chain(own), taken)
    }

    /// Checks the prefix, and these labels in place of the constant ones.
    pub(super) fn check_prefix(
        &self,
        labels: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Names, ConfigError> {
        self.named(labels, &[])
    }

    fn named(
        &self,
        labels: impl IntoIterator<Item = (String, String)>,
        taken: &[&str],
    ) -> Result<Names, ConfigError> {
        names::prefix(&self.prefix)?;
        let labels = ConstantLabels::new("constant_label", labels, taken)?;
        Ok(Names { prefix: self.prefix.clone(), labels })
    }
}

/// How the metrics of a collector are named.
pub(crate) struct Names {
    prefix: String,
    pub(crate) labels: ConstantLabels,
}

impl Names {
    pub(crate) fn describe(
        &self,
        name: &str,
        help: &str,
        kind: MetricType,
        labels: &[&str],
    ) -> Result<Described, ConfigError> {
        let name = prefixed(&self.prefix, name);
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Described::new(name, help, kind, labels, &self.labels)
    }
}
