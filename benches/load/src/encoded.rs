//! Where the spans of every stack go: they are encoded as OTLP, and dropped.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;

/// So long that no span is dropped, which would cost less than to export it.
pub const QUEUE: usize = 1 << 15;

#[derive(Debug, Default)]
pub struct Encoded {
    resource: ResourceAttributesWithSchema,
    exported: Exported,
}

/// How many spans were exported.
#[derive(Clone, Debug, Default)]
pub struct Exported(Arc<AtomicU64>);

impl Encoded {
    pub fn exported(&self) -> Exported {
        self.exported.clone()
    }
}

impl Exported {
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl SpanExporter for Encoded {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        black_box(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        self.exported.0.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}
