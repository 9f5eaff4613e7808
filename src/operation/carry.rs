//! Carries what is current to where it is not.

use opentelemetry::Context;

use crate::exchange::{Facts, in_exchange};
use crate::trace::ambient;

/// The context to go on from.
pub(super) fn around() -> Context {
    let current = Context::current();
    if ambient::has_span(&current) {
        return current;
    }
    ambient::context(Facts::current().as_deref())
}

/// Carries the current OpenTelemetry context, and the exchange in scope, into work that runs
/// elsewhere, such as on a blocking thread: what is traced there belongs to the request.
///
/// It does for traces what [`in_exchange`] does alone. For a spawned future there are
/// OpenTelemetry's [`with_current_context`](opentelemetry::trace::FutureExt::with_current_context)
/// and [`in_exchange`](crate::exchange::InExchangeExt::in_exchange).
///
/// ```
/// use tower_observability::operation::{Operation, in_context};
///
/// async fn handler() {
///     let query = || Operation::db("sqlite").summary("count orders").call(|| {
///         Ok::<_, std::io::Error>(3)
///     });
///     let counted = tokio::task::spawn_blocking(in_context(query)).await;
///     # let _ = counted;
/// }
/// ```
pub fn in_context<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let context = around();
    in_exchange(move || {
        let _current = context.attach();
        work()
    })
}
