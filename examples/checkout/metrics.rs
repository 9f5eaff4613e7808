//! What is measured, all in one registry.

use prometheus::Registry;
use tower_observability::metrics::saturation::{ProcessCollector, RuntimeCollector};
use tower_observability::metrics::{MetricsLayer, RegisterError};
use tower_observability::operation::OperationMetrics;
use tower_observability::telemetry::{LossCollector, Telemetry};

use crate::services::BoxError;

/// The label that tells whose a metric is, as Prometheus writes OpenTelemetry's `service.name`.
///
/// A process is one target of Prometheus, which gives all of it the same `job` and `instance`, and
/// its memory is to be told once; so there is one registry, and a label where the three services
/// that this process plays would mix. A service in a process of its own needs none.
pub const SERVICE: &str = "service_name";

/// With the metrics of the process and its runtime.
pub fn registry() -> Result<Registry, BoxError> {
    let registry = Registry::new();
    ProcessCollector::builder().register(&registry)?;
    RuntimeCollector::current()?.register(&registry)?;
    Ok(registry)
}

/// What a service answers.
pub fn server(service: &str, registry: &Registry) -> Result<MetricsLayer, RegisterError> {
    MetricsLayer::server().constant_label(SERVICE, service).register(registry)
}

/// What a service does beside: statements, look-ups, work of its own.
pub fn operations(service: &str, registry: &Registry) -> Result<OperationMetrics, RegisterError> {
    OperationMetrics::builder().constant_label(SERVICE, service).register(registry)
}

/// What is lost of a service's telemetry.
pub fn lost(
    service: &str,
    telemetry: &Telemetry,
    registry: &Registry,
) -> Result<(), RegisterError> {
    LossCollector::of(telemetry).constant_label(SERVICE, service).register(registry)
}

/// What a service asks of others.
pub fn client(service: &str, registry: &Registry) -> Result<MetricsLayer, RegisterError> {
    MetricsLayer::client().constant_label(SERVICE, service).register(registry)
}
