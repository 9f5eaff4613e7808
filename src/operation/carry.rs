//! Where an operation goes on from.

use opentelemetry::Context;

use crate::exchange::Facts;
use crate::trace::ambient;

/// The context to go on from.
pub(super) fn around() -> Context {
    let current = Context::current();
    if ambient::has_span(&current) {
        return current;
    }
    ambient::context(Facts::current().as_deref())
}
