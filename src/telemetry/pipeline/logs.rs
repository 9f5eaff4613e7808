//! The pipeline of log records.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, LogProcessor, SdkLogRecord,
};

use super::Batch;
use crate::telemetry::health::{Accepted, Health, Receiver, caught};
use crate::telemetry::ledger::Ledger;

/// Where the records of a pipeline go.
pub(in crate::telemetry) trait DeliverLogs:
    fmt::Debug + Send + Sync + 'static
{
    /// Delivers a batch of `size`; says how much of it was taken, or why nothing was. `health`
    /// is told of attempts that are not the last one.
    fn deliver(
        &self,
        batch: &LogBatch<'_>,
        size: usize,
        health: &Health,
    ) -> impl Future<Output = Result<Accepted, String>> + Send;

    /// Is told the resource before the first batch.
    fn set_resource(&mut self, resource: &Resource);

    /// Where it delivers to, if that is known.
    fn receiver(&self) -> Option<Receiver>;
}

/// Keeps the books of an exporter.
#[derive(Debug)]
struct Booked<D> {
    deliver: D,
    ledger: Arc<Ledger>,
}

impl<D: DeliverLogs> LogExporter for Booked<D> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let size = batch.iter().count();
        let result = caught(self.deliver.deliver(&batch, size, self.ledger.health())).await;
        self.ledger.close(size, result)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.deliver.set_resource(resource);
    }
}

/// A queue, a thread and an exporter.
#[derive(Debug)]
pub(in crate::telemetry) struct LogPipeline {
    processor: BatchLogProcessor,
    ledger: Arc<Ledger>,
}

impl LogPipeline {
    pub(in crate::telemetry) fn new(
        name: &'static str,
        deliver: impl DeliverLogs,
        batch: Batch,
    ) -> Self {
        let health = Health::new(name, "log records", deliver.receiver());
        let ledger = Arc::new(Ledger::new(name, health, batch.queue));
        let exporter = Booked { deliver, ledger: Arc::clone(&ledger) };
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(batch.queue)
            .with_max_export_batch_size(batch.size)
            .with_scheduled_delay(batch.delay)
            .build();
        let processor = BatchLogProcessor::builder(exporter).with_batch_config(config).build();
        Self { processor, ledger }
    }

    pub(in crate::telemetry) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }
}

impl LogProcessor for LogPipeline {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.ledger.admit() {
            self.processor.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}
