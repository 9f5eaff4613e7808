//! The telemetry of the three services. They share this process, so each has one of its own; in
//! programs of their own each would simply `install` it.

use prometheus::Registry;
use tower_observability::config::ConfigError;
use tower_observability::debug_dump::DumpControl;
use tower_observability::live::Board;
use tower_observability::redact::Redaction;
use tower_observability::slo::SloTracker;
use tower_observability::telemetry::{Telemetry, TelemetryBuilder};

use crate::objectives::objectives;
use crate::services::PATIENCE;

/// The label that tells whose a metric is, as Prometheus writes OpenTelemetry's `service.name`.
///
/// A process is one target of Prometheus, which gives all of it the same `job` and `instance`, and
/// its memory is to be told once; so there is one registry, and a label where the three services
/// that this process plays would mix. A service in a process of its own needs none.
pub const SERVICE: &str = "service_name";

/// What the three have in common.
pub struct Shared {
    registry: Registry,
    /// What runs, was slow or failed in all of them.
    live: Board,
    /// Switches the dumps of all of them.
    dumps: DumpControl,
    redaction: Redaction,
}

pub struct Telemetries {
    pub gateway: Telemetry,
    pub inventory: Telemetry,
    pub payment: Telemetry,
    /// What is promised to customers; the gateway counts it.
    pub objectives: SloTracker,
}

impl Shared {
    pub fn new() -> Result<Self, ConfigError> {
        // whoever may look at exchanges need not see cards
        let redaction = Redaction::default().key("card")?;
        let live = Board::builder().redaction(redaction.clone()).build()?;
        Ok(Self { registry: Registry::new(), live, dumps: DumpControl::new(), redaction })
    }

    /// Telemetry of one service; spans go where `OTEL_*` says.
    pub fn service(&self, name: &'static str) -> TelemetryBuilder {
        Telemetry::builder(name)
            .service_version(env!("CARGO_PKG_VERSION"))
            .registry(self.registry.clone())
            .constant_label(SERVICE, name)
            .live(self.live.clone())
            .dumps(self.dumps.clone())
            .redaction(self.redaction.clone())
            .from_env()
            // whatever OTEL_SERVICE_NAME says: it is the same for all three
            .service_name(name)
    }
}

/// What is promised, counted.
pub fn promised() -> Result<SloTracker, ConfigError> {
    SloTracker::builder().objectives(objectives()?).build()
}

impl Telemetries {
    /// Exports what waits, and tells what was lost: all at once, so that one deadline is enough.
    pub async fn shutdown(&self) {
        tokio::join!(shutdown(&self.gateway), shutdown(&self.inventory), shutdown(&self.payment),);
    }
}

async fn shutdown(telemetry: &Telemetry) {
    if let Err(undelivered) = telemetry.shutdown(PATIENCE).await {
        eprintln!("checkout: {undelivered}");
    }
}
