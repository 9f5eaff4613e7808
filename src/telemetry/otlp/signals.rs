//! Spans and log records as OTLP's messages.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::LogBatch;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;

use super::Sender;
use crate::telemetry::health::{Accepted, Health, Receiver};
use crate::telemetry::pipeline::{DeliverLogs, DeliverSpans};

/// Sends spans.
#[derive(Debug)]
pub(in crate::telemetry) struct OtlpSpans {
    sender: Sender,
    resource: ResourceAttributesWithSchema,
}

impl OtlpSpans {
    pub(in crate::telemetry) fn new(sender: Sender) -> Self {
        Self { sender, resource: ResourceAttributesWithSchema::default() }
    }
}

impl DeliverSpans for OtlpSpans {
    async fn deliver(&self, batch: Vec<SpanData>, health: &Health) -> Result<Accepted, String> {
        let size = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let answer = self.sender.send(&Bytes::from(request.encode_to_vec()), health)?;
        // a receiver that took the batch and answered with something else still took it
        let partial =
            ExportTraceServiceResponse::decode(answer).unwrap_or_default().partial_success;
        Ok(match partial {
            Some(partial) => Accepted::part(size, partial.rejected_spans, partial.error_message),
            None => Accepted::all(size),
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }

    fn receiver(&self) -> Option<Receiver> {
        Some(self.sender.receiver().clone())
    }
}

/// Sends log records.
#[derive(Debug)]
pub(in crate::telemetry) struct OtlpLogs {
    sender: Sender,
    resource: ResourceAttributesWithSchema,
}

impl OtlpLogs {
    pub(in crate::telemetry) fn new(sender: Sender) -> Self {
        Self { sender, resource: ResourceAttributesWithSchema::default() }
    }
}

impl DeliverLogs for OtlpLogs {
    async fn deliver(
        &self,
        batch: &LogBatch<'_>,
        size: usize,
        health: &Health,
    ) -> Result<Accepted, String> {
        let resource_logs = group_logs_by_resource_and_scope(batch, &self.resource);
        let request = ExportLogsServiceRequest { resource_logs };
        let answer = self.sender.send(&Bytes::from(request.encode_to_vec()), health)?;
        let partial = ExportLogsServiceResponse::decode(answer).unwrap_or_default().partial_success;
        Ok(match partial {
            Some(partial) => {
                Accepted::part(size, partial.rejected_log_records, partial.error_message)
            }
            None => Accepted::all(size),
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }

    fn receiver(&self) -> Option<Receiver> {
        Some(self.sender.receiver().clone())
    }
}
