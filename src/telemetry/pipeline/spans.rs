//! The pipelines of spans.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use super::Batch;
use crate::telemetry::health::{Accepted, Health, Receiver, caught};
use crate::telemetry::ledger::Ledger;

/// Where the spans of a pipeline go.
pub(in crate::telemetry) trait DeliverSpans:
    fmt::Debug + Send + Sync + 'static
{
    /// Delivers a batch; says how much of it was taken, or why nothing was. `health`
    /// is told of attempts that are not the last one.
    fn deliver(
        &self,
        batch: Vec<SpanData>,
        health: &Health,
    ) -> impl Future<Output = Result<Accepted, String>> + Send;

    /// Is told the resource before the first batch.
    fn set_resource(&mut self, resource: &Resource);

    /// Where it delivers to, if that is known.
    fn receiver(&self) -> Option<Receiver> {
        None
    }

    /// Is told that no batch follows.
    fn close(&self) -> OTelSdkResult {
        Ok(())
    }
}

/// An exporter of the user's own.
#[derive(Debug)]
pub(in crate::telemetry) struct Plain<E>(pub(in crate::telemetry) E);

impl<E: SpanExporter + 'static> DeliverSpans for Plain<E> {
    async fn deliver(&self, batch: Vec<SpanData>, _: &Health) -> Result<Accepted, String> {
        let size = batch.len();
        self.0.export(batch).await.map_err(|error| error.to_string())?;
        Ok(Accepted::all(size))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }

    fn close(&self) -> OTelSdkResult {
        // what exporters override, opentelemetry-otlp's among them; it calls the one with a
        // time-out else
        self.0.shutdown()
    }
}

/// Keeps the books of an exporter.
#[derive(Debug)]
struct Booked<D> {
    deliver: D,
    ledger: Arc<Ledger>,
}

impl<D: DeliverSpans> SpanExporter for Booked<D> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let size = batch.len();
        let result = caught(self.deliver.deliver(batch, self.ledger.health())).await;
        self.ledger.close(size, result)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.deliver.close()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.deliver.set_resource(resource);
    }
}

/// A queue, a thread and an exporter.
#[derive(Debug)]
pub(in crate::telemetry) struct SpanPipeline {
    processor: BatchSpanProcessor,
    ledger: Arc<Ledger>,
}

impl SpanPipeline {
    pub(in crate::telemetry) fn new(
        name: &'static str,
        deliver: impl DeliverSpans,
        batch: Batch,
    ) -> Self {
        let health = Health::new(name, "spans", deliver.receiver());
        let ledger = Arc::new(Ledger::new(name, health, batch.queue));
        let exporter = Booked { deliver, ledger: Arc::clone(&ledger) };
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(batch.queue)
            .with_max_export_batch_size(batch.size)
            .with_scheduled_delay(batch.delay)
            .build();
        Self { processor: BatchSpanProcessor::new(exporter, config), ledger }
    }

    pub(in crate::telemetry) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    fn on_end(&self, span: SpanData) {
        // the processor's own queue is as long, so that what is admitted always finds room
        if self.ledger.admit() {
            self.processor.on_end(span);
        }
    }
}

/// Gives each span to every pipeline.
#[derive(Debug)]
pub(in crate::telemetry) struct FanOut(pub(in crate::telemetry) Vec<SpanPipeline>);

impl FanOut {
    /// Does something that blocks to all pipelines at once, so that none waits for another.
    fn all(&self, act: impl Fn(&BatchSpanProcessor) -> OTelSdkResult + Sync) -> OTelSdkResult {
        let act = &act;
        thread::scope(|scope| {
            let started: Vec<_> = self
                .0
                .iter()
                .map(|pipeline| {
                    let run = move || act(&pipeline.processor);
                    // a system that has no thread left does it one by one
                    thread::Builder::new().spawn_scoped(scope, run).map_err(|_| run())
                })
                .collect();
            let ended = started.into_iter().map(|run| match run {
                Ok(handle) => handle.join().unwrap_or_else(|_| {
                    Err(OTelSdkError::InternalFailure("an exporter panicked".to_owned()))
                }),
                Err(result) => result,
            });
            ended.fold(Ok(()), OTelSdkResult::and)
        })
    }
}

impl SpanProcessor for FanOut {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if let Some((last, others)) = self.0.split_last() {
            for pipeline in others {
                pipeline.on_end(span.clone());
            }
            last.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.all(SpanProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.all(|processor| processor.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        for pipeline in &mut self.0 {
            pipeline.processor.set_resource(resource);
        }
    }
}
