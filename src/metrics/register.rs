//! Registers a collector, or says which of its metrics is in the way.

use std::fmt;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Error, Registry};

use crate::config::ConfigError;

/// Why metrics were not registered.
#[derive(Debug)]
#[non_exhaustive]
pub enum RegisterError {
    /// A setting cannot be used.
    Config(ConfigError),
    /// The registry does not take a metric, nor any of those with it: none is in it. (It may keep in mind
    /// the labels and the help of names it refused, as `prometheus` 0.14 does.)
    Metric {
        /// What the metric is called.
        name: String,
        /// What may be in the way, if that is known; else empty.
        hint: &'static str,
        /// What the registry said.
        source: Error,
    },
}

impl From<ConfigError> for RegisterError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Metric { name, hint, source } => {
                match source {
                    Error::AlreadyReg => write!(f, "the registry has {name} already")?,
                    source => write!(f, "the registry does not take {name}: {source}")?,
                }
                if hint.is_empty() { Ok(()) } else { write!(f, ": {hint}") }
            }
        }
    }
}

impl std::error::Error for RegisterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(_) => None,
            Self::Metric { source, .. } => Some(source),
        }
    }
}

pub(crate) fn register(
    registry: &Registry,
    collector: impl Collector + 'static,
    hint: &'static str,
) -> Result<(), RegisterError> {
    let descs: Vec<_> = collector.desc().into_iter().cloned().collect();
    registry.register(Box::new(collector)).map_err(|source| {
        let refused = descs.iter().find(|desc| is_refused(registry, desc));
        let name = refused.or(descs.first()).map(|desc| desc.fq_name.clone());
        RegisterError::Metric { name: name.unwrap_or_default(), hint, source }
    })
}

/// Whether the registry takes this metric alone: of several it does not say which it refused.
fn is_refused(registry: &Registry, desc: &Desc) -> bool {
    let probe = || Box::new(Probe(desc.clone()));
    let is_refused = registry.register(probe()).is_err();
    if !is_refused {
        // what was registered a moment ago can be taken back
        let _ = registry.unregister(probe());
    }
    is_refused
}

struct Probe(Desc);

impl Collector for Probe {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        Vec::new()
    }
}
