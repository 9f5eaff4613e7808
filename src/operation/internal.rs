//! Work inside the service.

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

#[cfg(feature = "metrics")]
use super::metrics::Kind;
use super::sealed::Convention;
use super::{Operation, Text, global};
use crate::message::bound::bounded;

/// Work inside the service: what an [`Operation::internal`] tells.
#[derive(Clone, Debug)]
pub struct Internal {
    name: Text,
}

impl Internal {
    pub(super) fn new(name: Text) -> Self {
        Self { name }
    }
}

impl Operation<Internal> {
    /// Work inside the service, in a span of kind INTERNAL with this name, of which there should be
    /// few.
    pub fn internal(name: impl Into<Text>) -> Self {
        global().internal(name)
    }
}

impl Convention for Internal {
    fn name(&self) -> Text {
        bounded(self.name.clone())
    }

    fn span_kind(&self, _: usize) -> SpanKind {
        SpanKind::Internal
    }

    fn attributes(self, _: &mut Vec<KeyValue>) {}

    #[cfg(feature = "metrics")]
    fn kind(&self) -> Kind {
        Kind::Internal
    }
}
