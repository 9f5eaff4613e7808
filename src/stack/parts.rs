//! The layers that the fused ones are made of, each of which can be changed, replaced, left out or used
//! alone.

use super::layer::{ClientLayer, ServerLayer};
use super::signals::Signals;
use super::under_way::UnderWay;
use crate::access_log::AccessLogLayer;
use crate::catch_panic::CatchPanicLayer;
use crate::classify::Side;
use crate::config::ConfigError;
use crate::debug_dump::DebugDumpLayer;
use crate::exchange::ObserveLayer;
use crate::live::LiveLayer;
use crate::metrics::MetricsLayer;
use crate::request_id::RequestIdLayer;
#[cfg(feature = "sentry")]
use crate::sentry::SentryLayer;
use crate::slo::SloLayer;
use crate::trace::TraceLayer;

/// Refuses parts of the other side.
macro_rules! check {
    ($parts:ident, $side:expr, $of:literal; $($part:ident)+) => { $(
        if let Some(layer) = &$parts.$part && layer.side() != $side {
            let allowed = concat!("a layer made for a ", $of);
            return Err(ConfigError::new(stringify!($part), layer.side().as_str(), allowed));
        }
    )+ };
}

/// What the parts of either side observe with, the outermost first.
macro_rules! fused {
    ($parts:ident, $sentry:expr) => {
        (
            $parts.request_id.map(ObserveLayer::into_observer),
            $parts.trace.map(ObserveLayer::into_observer),
            $parts.access_log.map(ObserveLayer::into_observer),
            $parts.metrics.map(ObserveLayer::into_observer),
            $parts.live.map(ObserveLayer::into_observer),
            $parts.slo.map(ObserveLayer::into_observer),
            $parts.debug_dump.map(ObserveLayer::into_observer),
            $sentry,
        )
    };
}

/// The layers of a server, as a [`Telemetry`](crate::telemetry::Telemetry) sets them up, the outermost
/// first. Change one, replace it, or leave it out with `None`, and [fuse](Self::fuse) them; or take one out
/// to use it alone.
///
/// ```
/// use std::time::Duration;
/// use tower_observability::telemetry::Telemetry;
///
/// let telemetry = Telemetry::builder("shop").build()?;
/// let mut parts = telemetry.server_parts();
/// let slow = Duration::from_millis(500);
/// parts.access_log = parts.access_log.map(|log| log.slow(slow)?.skip_path("/livez")).transpose()?;
/// parts.live = None;
/// let layer = parts.fuse()?;
/// # drop(layer);
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerParts {
    /// Gives each exchange an ID.
    pub request_id: Option<RequestIdLayer>,
    /// Records a span.
    pub trace: Option<TraceLayer>,
    /// Writes a line.
    pub access_log: Option<AccessLogLayer>,
    /// Counts and measures.
    pub metrics: Option<MetricsLayer>,
    /// Keeps what the live page shows.
    pub live: Option<LiveLayer>,
    /// Counts good and bad by objective; `None` where there are no objectives.
    pub slo: Option<SloLayer>,
    /// Dumps what a rule asks for.
    pub debug_dump: Option<DebugDumpLayer>,
    /// Reports panics and failures.
    #[cfg(feature = "sentry")]
    pub sentry: Option<SentryLayer>,
    /// Answers where the service panics. It is inside of all others.
    pub catch_panic: CatchPanicLayer,
    pub(super) under_way: UnderWay,
}

/// The layers of a client; see [`ServerParts`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientParts {
    /// Sends the ID of the exchange in scope, or a new one.
    pub request_id: Option<RequestIdLayer>,
    /// Records a span, and sends its context.
    pub trace: Option<TraceLayer>,
    /// Writes a line.
    pub access_log: Option<AccessLogLayer>,
    /// Counts and measures.
    pub metrics: Option<MetricsLayer>,
    /// Keeps what the live page shows.
    pub live: Option<LiveLayer>,
    /// Counts good and bad by objective; `None` where there are no objectives.
    pub slo: Option<SloLayer>,
    /// Dumps what a rule asks for.
    pub debug_dump: Option<DebugDumpLayer>,
}

impl ServerParts {
    /// All in one layer: one wrapper, one look at the clock, one end.
    ///
    /// The clock, the classification, the deadline and the routes of an exchange are set on the fused layer;
    /// those of the parts do not count.
    ///
    /// # Errors
    ///
    /// When a part is a client's.
    pub fn fuse(self) -> Result<ServerLayer, ConfigError> {
        check! { self, Side::Server, "server";
        request_id trace access_log metrics live slo debug_dump }
        #[cfg(feature = "sentry")]
        check! { self, Side::Server, "server"; sentry }
        Ok(self.into_layer())
    }

    /// Of parts that are a server's.
    pub(super) fn into_layer(self) -> ServerLayer {
        #[cfg(feature = "sentry")]
        let sentry = self.sentry.map(ObserveLayer::into_observer);
        #[cfg(not(feature = "sentry"))]
        let sentry = ();
        let signals = Signals::new(fused!(self, sentry), Some(self.under_way));
        let observe = ObserveLayer::new(Side::Server, signals);
        ServerLayer { observe, catch_panic: self.catch_panic }
    }
}

impl ClientParts {
    /// All in one layer; see [`ServerParts::fuse`].
    ///
    /// # Errors
    ///
    /// When a part is a server's.
    pub fn fuse(self) -> Result<ClientLayer, ConfigError> {
        check! { self, Side::Client, "client";
        request_id trace access_log metrics live slo debug_dump }
        Ok(self.into_layer())
    }

    /// Of parts that are a client's.
    pub(super) fn into_layer(self) -> ClientLayer {
        let signals = Signals::new(fused!(self, Default::default()), None);
        ClientLayer { observe: ObserveLayer::new(Side::Client, signals) }
    }
}
