//! From an ended span, or a logged record, to its exporter: a bounded queue, a thread of its own
//! (the SDK's batch processor), and books of what became of each. From instruments to theirs: a
//! thread (the SDK's periodic reader) and books.

mod logs;
mod metrics;
mod spans;

use std::time::Duration;

pub(super) use logs::{DeliverLogs, LogPipeline};
pub(super) use metrics::{DeliverMetrics, reader as metric_reader};
pub(super) use spans::{DeliverSpans, FanOut, Plain, SpanPipeline};

/// How items are queued and batched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The most items that wait, those of the batch under way included.
    pub(super) queue: usize,
    /// The most items of one batch.
    pub(super) size: usize,
    /// The longest that an item waits for its batch to fill.
    pub(super) delay: Duration,
    /// For the export of one batch.
    pub(super) timeout: Duration,
}

impl Batch {
    /// The specification's defaults for spans.
    pub(super) const SPANS: Self = Self {
        queue: 2048,
        size: 512,
        delay: Duration::from_secs(5),
        timeout: Duration::from_secs(30),
    };

    /// The specification's defaults for log records.
    pub(super) const LOGS: Self = Self { delay: Duration::from_secs(1), ..Self::SPANS };
}
