//! Events that a handler adds to its span.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry::trace::TraceContextExt;

use super::ambient;

/// Adds an event to the current span; `false` when there is none, or it is not recording.
///
/// ```
/// use opentelemetry::KeyValue;
/// use tower_observability::trace::event;
///
/// async fn checkout() {
///     event("card.declined", [KeyValue::new("attempt", 2)]);
/// }
/// ```
///
/// The current span is OpenTelemetry's, or else that of the `tracing` span (with the feature
/// `tracing-opentelemetry`), or that of the exchange in scope. The attributes are made only if the
/// span is recording.
pub fn event(
    name: impl Into<Cow<'static, str>>,
    attributes: impl IntoIterator<Item = KeyValue>,
) -> bool {
    let context = ambient::here();
    let span = context.span();
    let recording = span.is_recording();
    if recording {
        span.add_event(name, attributes.into_iter().collect());
    }
    recording
}
