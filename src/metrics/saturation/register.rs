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
    /// The registry refused the metrics; it is as it was before.
    Refused {
        /// The name of the metric that was refused.
        metric: String,
        /// What may be in the way of it, if that is known; else empty.
        in_the_way: &'static str,
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
            Self::Refused { metric, in_the_way, source } => {
                match source {
                    Error::AlreadyReg => write!(f, "{metric} is in the registry already")?,
                    source => write!(f, "{metric} was not registered: {source}")?,
                }
                if in_the_way.is_empty() { Ok(()) } else { write!(f, "; {in_the_way}") }
            }
        }
    }
}

impl std::error::Error for RegisterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(_) => None,
            Self::Refused { source, .. } => Some(source),
        }
    }
}

pub(super) fn register(
    registry: &Registry,
    collector: impl Collector + 'static,
    in_the_way: &'static str,
) -> Result<(), RegisterError> {
    let descs: Vec<_> = collector.desc().into_iter().cloned().collect();
    registry.register(Box::new(collector)).map_err(|source| {
        let refused = descs.iter().find(|desc| is_refused(registry, desc));
        let metric = refused.or(descs.first()).map(|desc| desc.fq_name.clone());
        RegisterError::Refused { metric: metric.unwrap_or_default(), in_the_way, source }
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
