//! A span under way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Instant, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, TraceContextExt};

use super::ending::Ending;
use super::metrics::Metered;
use crate::clock::Clock;
use crate::exchange::{Panic, isolated};
use crate::trace::tracer::{Spans, Started};

pub(super) struct Live {
    context: Context,
    /// Whether the context is that of a span of its own, which is kept.
    recording: bool,
    /// Nothing where nobody is told.
    measured: Option<Measured>,
}

struct Measured {
    clock: Clock,
    wall: SystemTime,
    start: Instant,
    metered: Option<Metered>,
}

impl Live {
    /// A panic of the provider stays its own: the work is done without a span then, and measured all
    /// the same. So does one of a clock, without which nothing is.
    pub(super) fn start(
        builder: SpanBuilder,
        parent: Context,
        spans: &Spans,
        clock: Clock,
        metered: Option<Metered>,
    ) -> Self {
        let Some((wall, start)) = isolated(|| (clock.wall(), clock.now())) else {
            return Self { context: parent, recording: false, measured: None };
        };
        let started = isolated(|| spans.start(builder.with_start_time(wall), &parent));
        let Started { context, recording } =
            started.unwrap_or(Started { context: parent, recording: false });
        let is_told = recording || metered.is_some();
        let measured = is_told.then_some(Measured { clock, wall, start, metered });
        Self { context, recording, measured }
    }

    /// Runs `inner` with the span current, and catches its panic.
    pub(super) fn run<R>(&self, inner: impl FnOnce() -> R) -> Result<R, Panic> {
        catch_unwind(AssertUnwindSafe(|| {
            let _current = self.context.clone().attach();
            inner()
        }))
    }

    /// Ends the span, as late after its start as the monotonic clock says, and tells the metrics the
    /// same. A processor's panic stays its own.
    pub(super) fn end(self, ending: Ending) {
        let Some(Measured { clock, wall, start, metered }) = self.measured else { return };
        let Some(now) = isolated(|| clock.now()) else { return };
        let took = now.saturating_duration_since(start);
        let at = wall.checked_add(took).unwrap_or(wall);
        let error_type = ending.error_type();
        let span = self.context.span();
        if self.recording {
            isolated(|| {
                ending.tell(&span, at);
                span.end_with_timestamp(at);
            });
        }
        if let Some(metered) = metered {
            let own = self.recording.then(|| span.span_context());
            isolated(|| metered.record(took, at, error_type, own));
        }
    }
}
