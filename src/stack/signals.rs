//! All signals of one exchange, told by one wrapper.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, request, response};

use super::under_way::UnderWay;
use crate::access_log::AccessLog;
use crate::debug_dump::DebugDump;
use crate::exchange::{End, Facts, Observer, WaitEnd};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::request_id::RequestIds;
use crate::slo::Slo;
use crate::trace::Trace;

#[cfg(feature = "sentry")]
pub(super) type Sentry = Option<crate::sentry::Sentry>;
#[cfg(not(feature = "sentry"))]
pub(super) type Sentry = ();

/// Outermost first. What is switched off is `None`.
pub(super) type Fused = (
    Option<RequestIds>,
    Option<Trace>,
    Option<AccessLog>,
    Option<Metrics>,
    Option<Live>,
    Option<Slo>,
    Option<DebugDump>,
    Sentry,
);

/// What the layers of a [`Telemetry`](crate::telemetry::Telemetry) observe with: all its signals, fused.
#[derive(Clone)]
pub struct Signals {
    fused: Fused,
    /// None on a client.
    under_way: Option<UnderWay>,
}

impl Signals {
    pub(super) fn new(fused: Fused, under_way: Option<UnderWay>) -> Self {
        Self { fused, under_way }
    }
}

impl Observer for Signals {
    type Exchange = <Fused as Observer>::Exchange;

    const WANTS_SCOPE: bool = Fused::WANTS_SCOPE;
    const WANTS_REQUEST_BODY: bool = Fused::WANTS_REQUEST_BODY;
    const WANTS_DATA: bool = Fused::WANTS_DATA;
    const WANTS_HANDED: bool = Fused::WANTS_HANDED;
    const WANTS_TRAILERS: bool = Fused::WANTS_TRAILERS;
    const WANTS_WAIT: bool = Fused::WANTS_WAIT;

    #[inline]
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange {
        let exchange = self.fused.begin(head, facts);
        if let Some(under_way) = &self.under_way {
            under_way.begun();
        }
        exchange
    }

    #[inline]
    fn scope<R>(&self, exchange: &mut Self::Exchange, inner: impl FnOnce() -> R) -> R {
        self.fused.scope(exchange, inner)
    }

    #[inline]
    fn wants_request_body(&self, exchange: &Self::Exchange) -> bool {
        self.fused.wants_request_body(exchange)
    }

    #[inline]
    fn request_body<B: 'static>(&self, exchange: &mut Self::Exchange, body: B) -> B {
        self.fused.request_body(exchange, body)
    }

    #[inline]
    fn response(
        &self,
        exchange: &mut Self::Exchange,
        head: &mut response::Parts,
        facts: &Arc<Facts>,
    ) {
        self.fused.response(exchange, head, facts);
    }

    #[inline]
    fn scope_to_response(
        &self,
        exchange: &mut Self::Exchange,
        head: &mut Option<response::Parts>,
        facts: &Arc<Facts>,
        inner: impl FnOnce(&mut Option<response::Parts>),
    ) {
        self.fused.scope_to_response(exchange, head, facts, inner);
    }

    #[inline]
    fn wants_data(&self, exchange: &Self::Exchange) -> bool {
        self.fused.wants_data(exchange)
    }

    #[inline]
    fn data(&self, exchange: &mut Self::Exchange, bytes: &[u8]) {
        self.fused.data(exchange, bytes);
    }

    #[inline]
    fn data_left_out(&self, exchange: &mut Self::Exchange) {
        self.fused.data_left_out(exchange);
    }

    #[inline]
    fn handed(&self, exchange: &mut Self::Exchange, total: u64) {
        self.fused.handed(exchange, total);
    }

    #[inline]
    fn trailers(&self, exchange: &mut Self::Exchange, trailers: &HeaderMap) {
        self.fused.trailers(exchange, trailers);
    }

    #[inline]
    fn end(&self, exchange: Self::Exchange, end: &End<'_>) {
        // dropped last, so that nobody who sees it gone misses its records
        let _ended = Ended(self.under_way.as_ref());
        self.fused.end(exchange, end);
    }

    #[inline]
    fn refused(&self, error: &(dyn Any + 'static)) {
        self.fused.refused(error);
    }

    #[inline]
    fn waited(&self, wait: Duration, end: WaitEnd) {
        self.fused.waited(wait, end);
    }
}

struct Ended<'a>(Option<&'a UnderWay>);

impl Drop for Ended<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(under_way) = self.0 {
            under_way.ended();
        }
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (request_id, trace, access_log, metrics, live, slo, debug_dump, sentry) = &self.fused;
        f.debug_struct("Signals")
            .field("request_id", &request_id.is_some())
            .field("trace", &trace.is_some())
            .field("access_log", &access_log.is_some())
            .field("metrics", &metrics.is_some())
            .field("live", &live.is_some())
            .field("slo", &slo.is_some())
            .field("debug_dump", &debug_dump.is_some())
            .field("sentry", sentry)
            .finish()
    }
}
