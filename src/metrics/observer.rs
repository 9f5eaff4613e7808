//! What is recorded of an exchange, and when.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::request;
use http::uri::Authority;
use tower::load_shed::error::Overloaded;

use super::instrument::histogram::nanos;
use super::instruments::Instruments;
use super::routes::RouteRule;
use super::series::Scheme;
use super::series::labels::Labels;
use super::series::store::Measured;
use crate::caller::TrustedProxies;
use crate::classify::Side;
use crate::error::as_error;
use crate::exchange::{End, Facts, Observer, WaitEnd, isolated};
use crate::message::method::Known;
use crate::message::server::{Server, own_port};
use crate::shard;

/// The observer that records metrics; configured as a [`MetricsLayer`](super::MetricsLayer).
#[derive(Clone)]
pub struct Metrics {
    pub(super) instruments: Arc<Instruments>,
    pub(super) routes: RouteRule,
    pub(super) proxies: Option<TrustedProxies>,
    pub(super) server: Option<(Arc<str>, u16)>,
    pub(super) sheds: Option<Arc<Sheds>>,
}

pub(super) type Sheds = dyn Fn(&(dyn Error + 'static)) -> bool + Send + Sync;

/// What is kept of an exchange under way.
#[derive(Clone, Copy, Debug)]
pub struct Measuring {
    method: Known,
    scheme: Scheme,
}

impl Observer for Metrics {
    type Exchange = Measuring;
    const WANTS_SCOPE: bool = false;
    const WANTS_REQUEST_BODY: bool = false;
    const WANTS_WAIT: bool = true;

    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Measuring {
        let side = facts.side();
        let scheme = Scheme::of(head, side, self.proxies.as_ref());
        let actives = &self.instruments.active;
        let method = Known::of(facts.method());
        if side == Side::Client
            && let Some(authority) = head.uri.authority()
        {
            facts.set_target(authority);
        }
        if let Some(active) = actives.of(facts.protocol(), method, scheme) {
            active.enter(shard::of_this_thread(), actives.age(facts.started()));
        }
        Measuring { method, scheme }
    }

    fn end(&self, measuring: Measuring, end: &End<'_>) {
        let instruments = &*self.instruments;
        let (shard, Measuring { method, scheme }) = (shard::of_this_thread(), measuring);
        if let Some(active) = instruments.active.of(end.facts.protocol(), method, scheme) {
            let began = || instruments.active.age(end.facts.started());
            active.leave(shard, end.duration, began);
        }
        if end.error.is_some_and(|error| self.is_shed(error)) {
            instruments.shed.add(shard, 1);
        }
        let measured = Measured::of(end);
        let route = self.routes.of(end.route);
        let labels = Labels::of(
            end,
            route.as_ref().map(AsRef::as_ref),
            method,
            scheme,
            self.server(end.facts.target(), scheme),
        );
        if end.facts.side() == Side::Server {
            instruments.flags.record(end, &measured, shard);
        }
        instruments.store.record(&labels, shard, end.facts.started_at(), &measured);
    }

    fn waited(&self, wait: Duration, end: WaitEnd) {
        let waits = &self.instruments.poll_ready;
        let wait = nanos(wait);
        waits.of(end).record(shard::of_this_thread(), wait);
        if let Some(otel) = &self.instruments.otel {
            otel.waited(wait, end);
        }
    }

    fn refused(&self, error: &(dyn Any + 'static)) {
        if self.is_shed(error) {
            self.instruments.shed.add(shard::of_this_thread(), 1);
        }
    }
}

impl Metrics {
    /// Where a client's request goes: as it says itself, or else as the layer was told.
    #[inline]
    fn server<'a>(
        &'a self,
        asked: Option<&'a Authority>,
        scheme: Scheme,
    ) -> Option<(&'a str, Option<u16>)> {
        let Some(server) = asked.and_then(Server::of) else {
            let told = self.server.as_ref();
            return told.map(|(address, port)| (&**address, Some(*port)));
        };
        let port = server.port.or_else(|| own_port(scheme.as_str()));
        Some((server.address, port))
    }

    /// Whether the service would not take the request on.
    #[cold]
    fn is_shed(&self, error: &(dyn Any + 'static)) -> bool {
        // an error's own `source` may panic, as the user's rule may
        let is_shed = || {
            let causes = std::iter::successors(as_error(error), |error| cause(*error));
            // a chain of errors that goes round is cut
            causes.take(32).any(|cause| {
                cause.is::<Overloaded>()
                    || self.sheds.as_ref().is_some_and(|is_shed| is_shed(cause))
            })
        };
        error.is::<Overloaded>() || isolated(is_shed).unwrap_or_default()
    }
}

/// What is behind an error; an I/O error tells the sources of what it was made of, but not that.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("prefix", &self.instruments.prefix).finish_non_exhaustive()
    }
}
