//! From settings to what the layers share.

use std::sync::Arc;
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
    pub(super) health: Option<Health>,
    pub(super) live: Board,
    pub(super) json_lines: Option<JsonLines>,
    pub(super) trusted_proxies: Option<TrustedProxies>,
    pub(super) server_metrics: MetricsLayer,
    pub(super) client_metrics: MetricsLayer,
    pub(super) operations: Operations,
    pub(super) under_way: UnderWay,
    pub(super) drain_notice: Duration,
    /// Told true where servers are to stop.
    pub(super) draining: Arc<watch::Sender<bool>>,
}

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
        let health = match (self.health, Handle::try_current()) {
            (Some(health), _) => Some(health),
            (None, Ok(_)) => Some(health_without_checks(base.version, &self.redaction)?),
            (None, Err(_)) => None,
        };
        let metrics = |builder: MetricsBuilder, set| {
            let builder = match &self.trusted_proxies {
                Some(proxies) => builder.trusted_proxies(proxies.clone()),
                None => builder,
            };
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
        let operations = OperationMetrics::builder().register(&registry).map_err(refused)?;
        let operations =
            Operations::new().tracer_provider(base.tracer_provider).metrics(&operations);
        let losses = match &self.json_lines {
            Some(lines) => base.losses.access_log(lines),
            None => base.losses,
        };
        losses.register(&registry).map_err(refused)?;
        if let Some(objectives) = &self.objectives {
            objectives.register(&registry).map_err(refused)?;
        }
        if let Some(health) = &health {
            HealthMetrics::new(health).register(&registry).map_err(refused)?;
        }
        of_the_process(ProcessCollector::builder().register(&registry))?;
        if let Ok(runtime) = RuntimeCollector::current() {
            of_the_process(runtime.register(&registry))?;
        }
        Ok(Stack {
            registry,
            objectives: self.objectives,
            redaction: self.redaction,
            dumps: self.dumps.unwrap_or_default(),
            health,
            live,
            json_lines: self.json_lines,
            trusted_proxies: self.trusted_proxies,
            server_metrics,
            client_metrics,
            operations,
            under_way: UnderWay::default(),
            drain_notice: self.drain_notice,
            draining: Arc::new(watch::Sender::new(false)),
        })
    }
}

fn health_without_checks(
    version: Option<String>,
    redaction: &Redaction,
) -> Result<Health, ConfigError> {
    let health = Health::builder().redaction(redaction.clone());
    match version {
        Some(version) => health.release_id(version).start(),
        None => health.start(),
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
            let allowed = "a registry without this metric: each telemetry needs one of its own";
            ConfigError::new("telemetry.registry", name, allowed)
        }
    }
}
