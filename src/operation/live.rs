//! A span under way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Instant, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, TraceContextExt};

use super::ending::Ending;
use crate::clock::Clock;
use crate::exchange::{Panic, isolated};
use crate::trace::tracer::{Spans, Started};

pub(super) struct Live {
    context: Context,
    /// Nothing where the span keeps nothing.
    measured: Option<Measured>,
}

struct Measured {
    clock: Clock,
    wall: SystemTime,
    start: Instant,
}

impl Live {
    pub(super) fn start(
        builder: SpanBuilder,
        parent: &Context,
        spans: &Spans,
        clock: Clock,
    ) -> Self {
        let (wall, start) = (clock.wall(), clock.now());
        let Started { context, recording } = spans.start(builder.with_start_time(wall), parent);
        Self { context, measured: recording.then_some(Measured { clock, wall, start }) }
    }

    /// Without a span of its own.
    pub(super) fn without_span(context: Context) -> Self {
        Self { context, measured: None }
    }

    /// Runs `inner` with the span current, and catches its panic.
    pub(super) fn run<R>(&self, inner: impl FnOnce() -> R) -> Result<R, Panic> {
        catch_unwind(AssertUnwindSafe(|| {
            let _current = self.context.clone().attach();
            inner()
        }))
    }

    /// Ends the span, as late after its start as the monotonic clock says. A processor's panic stays
    /// its own.
    pub(super) fn end(self, ending: Ending) {
        let Some(Measured { clock, wall, start }) = self.measured else { return };
        isolated(|| {
            let took = clock.now().saturating_duration_since(start);
            let span = self.context.span();
            let at = wall.checked_add(took).unwrap_or(wall);
            ending.tell(&span, at);
            span.end_with_timestamp(at);
        });
    }
}
