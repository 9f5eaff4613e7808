//! Spans: which are made, and what becomes of them.

use std::time::Duration;

use opentelemetry_sdk::trace::{ShouldSample, SpanExporter, SpanLimits, SpanProcessor};

use super::TelemetryBuilder;
use crate::telemetry::pipeline::{Plain, SpanPipeline};
use crate::telemetry::sampling::{Choice, Sampling};
use crate::telemetry::settings::{LONGEST_QUEUE, duration};
use crate::trace::processor::{SpanRedaction, TailKeeping};

impl TelemetryBuilder {
    /// Which of the traces that start here are sampled; all by default.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.settings.sampling = Choice::ParentBased(sampling);
        self
    }

    /// A sampler of one's own, which is asked about every span.
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.settings.sampling = Choice::Custom(Box::new(sampler));
        self
    }

    /// The most spans that wait for an exporter, those of the batch under way included; what comes
    /// above is dropped and counted. 2048 by default, 1 048 576 at most.
    pub fn span_queue(mut self, spans: usize) -> Self {
        match (1..=LONGEST_QUEUE).contains(&spans) {
            true => self.settings.span_batch.queue = spans,
            false => self.refuse(
                "telemetry.span_queue",
                &spans.to_string(),
                "a number from 1 to 1048576",
            ),
        }
        self
    }

    /// The most spans of one batch; 512 by default, and never more than the queue holds.
    pub fn span_batch(mut self, spans: usize) -> Self {
        match (1..=LONGEST_QUEUE).contains(&spans) {
            true => self.settings.span_batch.size = spans,
            false => self.refuse(
                "telemetry.span_batch",
                &spans.to_string(),
                "a number from 1 to 1048576",
            ),
        }
        self
    }

    /// The longest that a span waits for its batch to fill; 5 s by default.
    pub fn span_delay(mut self, delay: Duration) -> Self {
        match duration("telemetry.span_delay", delay) {
            Ok(delay) => self.settings.span_batch.delay = delay,
            Err(error) => self.fail(error),
        }
        self
    }

    /// How much a span may hold.
    pub fn span_limits(mut self, limits: SpanLimits) -> Self {
        self.settings.span_limits = limits;
        self
    }

    /// Exports spans there, too, with a queue and a thread of its own. `name` tells it apart in
    /// [`Delivery`](crate::telemetry::Delivery) and in the log.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use opentelemetry::trace::{Tracer, TracerProvider};
    /// use opentelemetry_sdk::trace::InMemorySpanExporter;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let spans = InMemorySpanExporter::default();
    /// let telemetry = Telemetry::builder("checkout").span_exporter("memory", spans.clone()).build()?;
    /// let tracer = telemetry.tracer_provider().tracer("example");
    /// tracer.in_span("pay", |_| {});
    /// telemetry.flush(std::time::Duration::from_secs(5)).await?;
    /// assert_eq!(spans.get_finished_spans()?[0].name, "pay");
    /// # Ok(()) }
    /// ```
    pub fn span_exporter(
        mut self,
        name: &'static str,
        exporter: impl SpanExporter + 'static,
    ) -> Self {
        let make = move |batch| SpanPipeline::new(name, Plain(exporter), batch);
        self.exporters.push(Box::new(make));
        self
    }

    /// A processor of one's own, which sees each span before the exporters do.
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Exports traces that failed or were slow, whole, though the sampler said no. What it drops is
    /// none of [`Delivery`](crate::telemetry::Delivery): a clone of `keeping` tells it.
    pub fn tail_keeping(mut self, keeping: TailKeeping) -> Self {
        self.tail_keeping = Some(keeping);
        self
    }

    /// Redacts spans before any exporter gets them. Log records are not redacted, neither the lines
    /// nor what [`otlp_logs`](Self::otlp_logs) sends: log no secrets.
    pub fn span_redaction(mut self, redaction: SpanRedaction) -> Self {
        self.span_redaction = Some(redaction);
        self
    }
}
