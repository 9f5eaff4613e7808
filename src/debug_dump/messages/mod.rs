//! What the messages of gRPC services are.

mod write;

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

use super::hide::Opaque;
use super::tee::Way;
use crate::config::ConfigError;
use crate::grpc;
use crate::redact::Redaction;

/// The messages and services of `.proto` files, by which the messages of gRPC calls are decoded and their
/// secrets hidden by the names of their fields.
///
/// ```no_run
/// use tower_observability::debug_dump::{DebugDumpLayer, DescriptorSet, DumpControl};
///
/// // of `protoc --include_imports --descriptor_set_out=shop.bin shop.proto`
/// let descriptors = DescriptorSet::decode(&std::fs::read("shop.bin")?)?;
/// let layer = DebugDumpLayer::server(&DumpControl::new()).grpc_messages(descriptors);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DescriptorSet(DescriptorPool);

/// What a body's messages are.
pub(super) struct MessageType(MessageDescriptor);

impl DescriptorSet {
    /// Reads a [`google.protobuf.FileDescriptorSet`](https://protobuf.com/docs/descriptors), as
    /// `protoc --include_imports --descriptor_set_out` and prost-build's `file_descriptor_set_path` write it.
    ///
    /// # Errors
    /// When it is none, or lacks a file that another one imports.
    pub fn decode(bytes: &[u8]) -> Result<Self, ConfigError> {
        DescriptorPool::decode(bytes).map(Self).map_err(|error| {
            ConfigError::new(
                "grpc_messages",
                error.to_string(),
                "a FileDescriptorSet with all that it imports",
            )
        })
    }

    /// What the messages of a body are, if its method is known and they are Protocol Buffers.
    pub(super) fn message(&self, path: &str, way: Way, headers: &HeaderMap) -> Option<MessageType> {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !grpc::is_grpc(headers)
            || !matches!(kind.as_str(), "application/grpc" | "application/grpc+proto")
        {
            return None;
        }
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        let service = self.0.get_service_by_name(service)?;
        let method = service.methods().find(|known| known.name() == method)?;
        Some(MessageType(match way {
            Way::Request => method.input(),
            Way::Response => method.output(),
        }))
    }
}

impl MessageType {
    /// A message as JSON, without the fields whose names tell secrets; `None` where it is no such
    /// message. Names and texts are to be looked into still.
    pub(super) fn json(
        &self,
        data: &[u8],
        redaction: &Redaction,
        opaque: Opaque,
    ) -> Option<Vec<u8>> {
        let message = DynamicMessage::decode(self.0.clone(), data).ok()?;
        let mut out = Vec::new();
        write::Writer { redaction, opaque, depth: Default::default() }
            .message(&message, &mut out)?;
        Some(out)
    }
}

impl fmt::Debug for DescriptorSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<_> =
            self.0.services().map(|service| service.full_name().to_owned()).collect();
        f.debug_struct("DescriptorSet").field("services", &services).finish_non_exhaustive()
    }
}
