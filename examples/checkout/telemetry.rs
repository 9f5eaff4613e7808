//! The telemetry of the three services. They share this process, so each has one of its own; in
//! programs of their own each would simply `install` it.

use tower_observability::telemetry::{Telemetry, TelemetryBuilder};

use crate::services::PATIENCE;

pub struct Telemetries {
    pub gateway: Telemetry,
    pub inventory: Telemetry,
    pub payment: Telemetry,
}

/// Telemetry of one service; spans go where `OTEL_*` says.
pub fn service(name: &'static str) -> TelemetryBuilder {
    Telemetry::builder(name)
        .service_version(env!("CARGO_PKG_VERSION"))
        .from_env()
        // whatever OTEL_SERVICE_NAME says: it is the same for all three
        .service_name(name)
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
