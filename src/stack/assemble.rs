//! From settings to what the layers share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::settings::StackSettings;
use super::under_way::UnderWay;
use crate::access_log::JsonLines;
use crate::caller::TrustedProxies;
use crate::config::ConfigError;
use crate::debug_dump::DumpControl;
use crate::health::{Health, HealthMetrics};
use crate::live::Board;
use crate::metrics::saturation::{CollectorBuilder, ProcessCollector, RuntimeCollector};
use crate::metrics::{MetricsBuilder, MetricsLayer, RegisterError};
use crate::operation::{OperationMetrics, Operations};
use crate::redact::Redaction;
use crate::slo::SloTracker;
use crate::telemetry::LossCollector;

/// What the layers and the admin service of one telemetry share.
pub(crate) struct Stack {
    pub(super) registry: Registry,
    pub(super) objectives: Option<SloTracker>,
    pub(super) redaction: Redaction,
    pub(super) dumps: DumpControl,
    pub(super) health: OnceLock<Health>,
    version: Option<String>,
    constant_labels: Vec<(String, String)>,
    pub(super) live: Board,
    pub(super) json_lines: Option<JsonLines>,
    pub(super) trusted_proxies: Option<TrustedProxies>,
    pub(super) server_metrics: MetricsLayer,
    pub(super) client_metrics: MetricsLayer,
    pub(super) operations: Operations,
    pub(super) under_way: UnderWay,
    pub(super) drain_notice: Duration,
    /// Whether no health is ready any more, also one that is set later.
    drains: AtomicBool,
    /// Told true where servers are to stop.
    pub(super) draining: Arc<watch::Sender<bool>>,
}

/// Gives a builder of metrics the constant labels.
macro_rules! labelled {
    ($builder:expr, $labels:expr) => {
        $labels.iter().fold($builder, |builder, (name, value)| builder.constant_label(name, value))
    };
}

/// Where a registry that was given does not take what is to be registered.
const REGISTRY: &str = "telemetry.registry";

/// What the layers stand on.
pub(crate) struct Base<'a> {
    pub(crate) tracer_provider: &'a SdkTracerProvider,
    /// None where metrics are not sent.
    pub(crate) meter_provider: Option<&'a SdkMeterProvider>,
    pub(crate) losses: CollectorBuilder<LossCollector>,
    pub(crate) version: Option<String>,
}

impl StackSettings {
    pub(crate) fn assemble(self, base: Base<'_>) -> Result<Stack, ConfigError> {
        let registry = self.registry.unwrap_or_default();
        let live = match self.live {
            Some(live) => live,
            None => Board::builder().redaction(self.redaction.clone()).build()?,
        };
        let labels = &self.constant_labels;
        let metrics = |builder: MetricsBuilder, set| {
            let builder = match &self.trusted_proxies {
                Some(proxies) => builder.trusted_proxies(proxies.clone()),
                None => builder,
            };
            let builder = labelled!(builder, labels);
            #[cfg(feature = "otel-metrics")]
            let builder = match base.meter_provider {
                Some(provider) => builder.meter_provider(provider),
                None => builder,
            };
            let set: Option<super::settings::SetMetrics> = set;
            let builder = match set {
                Some(set) => set(builder),
                None => builder,
            };
            builder.register(&registry).map_err(refused)
        };
        #[cfg(not(feature = "otel-metrics"))]
        let _ = base.meter_provider;
        let server_metrics = metrics(MetricsLayer::server(), self.server_metrics)?;
        let client_metrics = metrics(MetricsLayer::client(), self.client_metrics)?;
        let operations = labelled!(OperationMetrics::builder(), labels);
        let operations = operations.register(&registry).map_err(refused)?;
        let operations =
            Operations::new().tracer_provider(base.tracer_provider).metrics(&operations);
        let losses = match &self.json_lines {
            Some(lines) => base.losses.access_log(lines),
            None => base.losses,
        };
        labelled!(losses, labels).register(&registry).map_err(refused)?;
        if let Some(objectives) = &self.objectives {
            objectives.register(&registry).map_err(|error| match refused(error) {
                error if error.field() == REGISTRY => {
                    let allowed = "a registry without objectives: it takes one set of them";
                    ConfigError::new("objectives", error.value(), allowed)
                }
                error => error,
            })?;
        }
        of_the_process(ProcessCollector::builder().register(&registry))?;
        if let Ok(runtime) = RuntimeCollector::current() {
            of_the_process(runtime.register(&registry))?;
        }
        let stack = Stack {
            registry,
            objectives: self.objectives,
            redaction: self.redaction,
            dumps: self.dumps.unwrap_or_default(),
            health: OnceLock::new(),
            version: base.version,
            constant_labels: self.constant_labels,
            live,
            json_lines: self.json_lines,
            trusted_proxies: self.trusted_proxies,
            server_metrics,
            client_metrics,
            operations,
            under_way: UnderWay::default(),
            drain_notice: self.drain_notice,
            drains: AtomicBool::new(false),
            draining: Arc::new(watch::Sender::new(false)),
        };
        if let Some(health) = self.health {
            stack.set_health(health)?;
        }
        Ok(stack)
    }
}

impl Stack {
    pub(super) fn set_health(&self, health: Health) -> Result<(), ConfigError> {
        let another = || {
            let allowed = "one health: set it once, and before `admin` is asked for";
            ConfigError::new("health", "another one", allowed)
        };
        if self.health.get().is_some() {
            return Err(another());
        }
        let metrics = labelled!(HealthMetrics::new(&health), self.constant_labels);
        metrics.register(&self.registry).map_err(refused)?;
        let told = health.clone();
        self.health.set(health).map_err(|_| another())?;
        if self.drains.load(Ordering::SeqCst) {
            told.drain();
        }
        Ok(())
    }

    pub(super) fn drain(&self) {
        self.drains.store(true, Ordering::SeqCst);
        if let Some(health) = self.health.get() {
            health.drain();
        }
    }

    /// The health, and where nobody set one and there is a runtime, one without checks.
    pub(super) fn health(&self) -> Option<&Health> {
        if self.health.get().is_none() && Handle::try_current().is_ok() {
            let health = Health::builder().redaction(self.redaction.clone());
            let health = match &self.version {
                Some(version) => health.release_id(version).start(),
                None => health.start(),
            };
            // if a registry has such metrics already, it has no checks that were lost
            let _ = health.and_then(|health| self.set_health(health));
        }
        self.health.get()
    }
}

/// What is told of the process may stand in the registry already: there is one process.
fn of_the_process(registered: Result<(), RegisterError>) -> Result<(), ConfigError> {
    match registered {
        Err(RegisterError::Metric { source: prometheus::Error::AlreadyReg, .. }) => Ok(()),
        registered => registered.map_err(refused),
    }
}

fn refused(error: RegisterError) -> ConfigError {
    match error {
        RegisterError::Config(error) => error,
        RegisterError::Metric { name, .. } => {
            let allowed = "a registry without this metric: one of its own, or a constant_label";
            ConfigError::new(REGISTRY, name, allowed)
        }
    }
}
