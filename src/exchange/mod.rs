//! The core: one wrapper of a service, which decides how an exchange ended and tells the observers.

mod active;
mod body;
mod caught;
mod end;
mod facts;
mod flag;
mod fuse;
mod future;
mod layer;
mod learned;
mod link;
mod observer;
mod optional;
#[cfg(feature = "axum")]
mod router;
mod routing;
mod scope;
mod service;
mod wait;

pub use body::ObserveBody;
pub use caught::{CaughtPanic, PanicBacktrace};
pub use end::End;
pub use facts::{Facts, annotate};
pub use flag::{Flag, flag};
pub use future::ObserveFuture;
pub use layer::ObserveLayer;
pub use observer::Observer;
#[cfg(feature = "operation")]
pub(crate) use observer::Panic;
#[cfg(any(feature = "catch-panic", feature = "health", feature = "operation"))]
pub(crate) use observer::discard;
#[cfg(feature = "catch-panic")]
pub(crate) use observer::drop_and_resume;
#[cfg(any(
    feature = "access-log",
    feature = "debug-dump",
    feature = "health",
    feature = "live",
    feature = "metrics",
    feature = "sentry",
    feature = "slo",
    feature = "trace"
))]
pub(crate) use observer::isolated;
pub use scope::{InExchange, InExchangeExt, in_exchange};
pub use service::Observe;
pub use wait::WaitEnd;

#[cfg(all(test, feature = "testing"))]
pub(crate) mod tests;
