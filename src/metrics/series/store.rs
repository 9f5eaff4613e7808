//! What is recorded of exchanges, by their labels.

use std::sync::Arc;
use std::time::SystemTime;

use super::labels::{Call, Key, Labels};
use crate::exchange::End;
use crate::metrics::instrument::bounded::{Bounded, Equivalent, Room};
use crate::metrics::instrument::bounds::Bounds;
use crate::metrics::instrument::counter::Counter;
use crate::metrics::instrument::exemplar::Sampled;
use crate::metrics::instrument::family::OVERFLOW;
use crate::metrics::instrument::histogram::{Histogram, nanos};
use crate::metrics::otel;
use crate::shard::Shard;

/// The bounds of the four histograms of a series.
#[derive(Clone, Debug)]
pub(in crate::metrics) struct SeriesBounds {
    pub(in crate::metrics) duration: Arc<Bounds>,
    pub(in crate::metrics) time_to_first_byte: Arc<Bounds>,
    pub(in crate::metrics) request_body_size: Arc<Bounds>,
    pub(in crate::metrics) response_body_size: Arc<Bounds>,
}

/// What is recorded of the exchanges that have the same labels.
pub(in crate::metrics) struct Series {
    pub(in crate::metrics) duration: Histogram,
    pub(in crate::metrics) time_to_first_byte: Histogram,
    pub(in crate::metrics) request_body_size: Histogram,
    pub(in crate::metrics) response_body_size: Histogram,
    otel: Option<otel::OfSeries>,
}

/// What one exchange adds; nanoseconds and bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::metrics) struct Measured {
    pub(in crate::metrics) duration: u64,
    pub(in crate::metrics) time_to_first_byte: Option<u64>,
    pub(in crate::metrics) request_body_size: Option<u64>,
    pub(in crate::metrics) response_body_size: Option<u64>,
    /// The trace that it can be found by, and when it ended.
    pub(in crate::metrics) sampled: Option<Sampled>,
}

/// The largest request that is told: 1 TiB. Its size is only what the caller says, and a few lies of
/// 2^63 bytes would turn the sum over.
const MAX_REQUEST_BYTES: u64 = 1 << 40;

impl Measured {
    #[inline]
    pub(in crate::metrics) fn of(end: &End<'_>) -> Self {
        let ended_at = || {
            let started = end.facts.started_at();
            started.checked_add(end.duration).unwrap_or(started)
        };
        let sampled = end.facts.trace().filter(|trace| trace.sampled());
        Self {
            duration: nanos(end.duration),
            time_to_first_byte: end.time_to_headers.map(nanos),
            request_body_size: end.request_bytes.map(|bytes| bytes.min(MAX_REQUEST_BYTES)),
            response_body_size: end.status.map(|_| end.response_bytes),
            sampled: sampled.map(|trace| Sampled::new(*trace, ended_at())),
        }
    }
}

impl Series {
    fn new(bounds: &SeriesBounds, created: SystemTime, otel: Option<otel::OfSeries>) -> Self {
        let histogram = |bounds: &Arc<Bounds>| Histogram::new(Arc::clone(bounds), created);
        Self {
            duration: histogram(&bounds.duration),
            time_to_first_byte: histogram(&bounds.time_to_first_byte),
            request_body_size: histogram(&bounds.request_body_size),
            response_body_size: histogram(&bounds.response_body_size),
            otel,
        }
    }

    #[inline]
    fn record(&self, shard: Shard, measured: &Measured) {
        let record = |histogram: &Histogram, value: Option<u64>| {
            if let Some(value) = value {
                histogram.record_sampled(shard, value, measured.sampled.as_ref());
            }
        };
        record(&self.duration, Some(measured.duration));
        record(&self.time_to_first_byte, measured.time_to_first_byte);
        record(&self.request_body_size, measured.request_body_size);
        record(&self.response_body_size, measured.response_body_size);
        if let Some(otel) = &self.otel {
            otel.record(measured);
        }
    }
}

/// All series of a layer.
pub(in crate::metrics) struct Store {
    series: Bounded<Key, Series>,
    servers: Bounded<KeptServer, ()>,
    bounds: SeriesBounds,
    otel: Option<Arc<otel::Backend>>,
    /// Exchanges whose labels were too many.
    pub(in crate::metrics) overflow: Counter,
}

impl Store {
    pub(in crate::metrics) fn new(
        most_series: usize,
        most_servers: usize,
        bounds: SeriesBounds,
        created: SystemTime,
        otel: Option<Arc<otel::Backend>>,
    ) -> Self {
        Self {
            series: Bounded::new(most_series),
            servers: Bounded::new(most_servers),
            bounds,
            otel,
            overflow: Counter::new(created),
        }
    }

    /// Adds an exchange to the series of its labels.
    #[inline]
    pub(in crate::metrics) fn record(
        &self,
        labels: &Labels<'_>,
        shard: Shard,
        now: SystemTime,
        measured: &Measured,
    ) {
        let series = self.series.get(labels).or_else(|| self.first(*labels, shard, now));
        if let Some(series) = series {
            series.record(shard, measured);
        }
    }

    /// Of a series that there is not yet, or not to be.
    #[cold]
    fn first(&self, labels: Labels<'_>, shard: Shard, now: SystemTime) -> Option<&Series> {
        let known = match labels.server {
            Some((address, port)) => {
                let server = Server { address, port };
                self.servers.get_or_make(&server, Room::IfAny, || ()).is_some()
            }
            None => true,
        };
        let labels = if known { labels } else { without_server(labels) };
        let series = self.series.get_or_make(&labels, Room::IfAny, || self.make(&labels, now));
        if series.is_none() || !known {
            self.overflow.add(shard, 1);
        }
        series.or_else(|| {
            let labels = without_route(without_server(labels));
            self.series.get_or_make(&labels, Room::Always, || self.make(&labels, now))
        })
    }

    fn make(&self, labels: &Labels<'_>, now: SystemTime) -> Series {
        let otel = self.otel.as_ref().map(|otel| otel.series(labels));
        Series::new(&self.bounds, now, otel)
    }

    /// Shows every series.
    pub(in crate::metrics) fn each(&self, mut show: impl FnMut(Labels<'_>, &Series)) {
        self.series.each(|key, series| show(key.labels(), series));
    }
}

/// Where a client's request goes.
#[derive(Hash)]
struct Server<'a> {
    address: &'a str,
    port: Option<u16>,
}

struct KeptServer {
    address: Box<str>,
    port: Option<u16>,
}

impl From<&Server<'_>> for KeptServer {
    fn from(server: &Server<'_>) -> Self {
        Self { address: server.address.into(), port: server.port }
    }
}

impl Equivalent<KeptServer> for Server<'_> {
    fn is(&self, kept: &KeptServer) -> bool {
        self.port == kept.port && *self.address == *kept.address
    }
}

fn without_server(labels: Labels<'_>) -> Labels<'_> {
    Labels { server: labels.server.map(|_| (OVERFLOW, None)), ..labels }
}

fn without_route(labels: Labels<'_>) -> Labels<'_> {
    let call = match labels.call {
        Call::Http { method, scheme, status, route: _ } => {
            Call::Http { method, scheme, status, route: Some(OVERFLOW) }
        }
        Call::Grpc { code, method: _ } => Call::Grpc { method: OVERFLOW, code },
    };
    Labels { call, ..labels }
}
