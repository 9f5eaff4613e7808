//! Span processors: what is kept of a trace, and what of it may leave.
//!
//! They wrap the processor that exports. Where both are used, redaction belongs inside: it then
//! works on the spans that leave, and on no others.
//!
//! ```
//! use std::time::Duration;
//! use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SimpleSpanProcessor};
//! use tower_observability::trace::processor::{SpanRedaction, TailKeeping};
//!
//! let keeping = TailKeeping::new().slower_than(Duration::from_secs(1))?;
//! let redaction = SpanRedaction::new().key("user.email")?.pattern(r"\b\d{16}\b")?;
//!
//! let export = SimpleSpanProcessor::new(InMemorySpanExporter::default());
//! let one_percent = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.01)));
//! let provider = SdkTracerProvider::builder()
//!     .with_sampler(keeping.sampler(one_percent))
//!     .with_span_processor(keeping.processor(redaction.processor(export)))
//!     .build();
//! # drop(provider);
//! # Ok::<(), tower_observability::config::ConfigError>(())
//! ```

mod redaction;
mod tail;

pub use redaction::{RedactionProcessor, SpanRedaction};
pub use tail::{TailDropped, TailKeeping, TailProcessor, TailSampler};
