//! Traces over real transports.

mod endings;
mod grpc;
#[cfg(feature = "tracing-opentelemetry")]
mod interop;
mod kit;
mod propagation;
mod w3c;

use std::sync::LazyLock;

use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

/// Two subscribers that want everything, so that no callsite is taken to be of no interest only
/// because a thread of another test asked first.
static EVERYTHING: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Dispatch::new(registry().with(LevelFilter::TRACE))));
