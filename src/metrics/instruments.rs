//! Everything a layer records into.

use std::sync::Arc;
use std::time::SystemTime;

use http::Method;

use super::instrument::bounds::Bounds;
use super::instrument::counter::Counter;
use super::instrument::gauge::Active;
use super::instrument::histogram::Histogram;
use super::names::ConstantLabels;
use super::series::Scheme;
use super::series::store::{SeriesBounds, Store};
use crate::classify::{Protocol, Side};
use crate::exchange::WaitEnd;
use crate::message::method;

/// What a layer and its clones record into, and its collector reads.
pub(super) struct Instruments {
    pub(super) side: Side,
    pub(super) prefix: String,
    pub(super) constant_labels: ConstantLabels,
    pub(super) store: Store,
    pub(super) active: Actives,
    pub(super) poll_ready: Waits,
    pub(super) shed: Counter,
}

/// The exchanges under way, by method and scheme, and the gRPC calls.
pub(super) struct Actives(Box<[Active]>);

/// Among which exchanges one is counted while it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(usize);

/// What one of them counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Http { method: &'static str, scheme: Scheme },
    Grpc,
}

impl Actives {
    pub(super) fn new() -> Self {
        let places = method::all().count() * Scheme::ALL.len() + 1;
        Self((0..places).map(|_| Active::default()).collect())
    }

    /// The place of what claims to be one.
    #[inline]
    pub(super) fn place(&self, protocol: Protocol, method: &Method, scheme: Scheme) -> Place {
        Place(match protocol {
            Protocol::Grpc => self.0.len() - 1,
            Protocol::Http => method::place(method) * Scheme::ALL.len() + scheme as usize,
        })
    }

    #[inline]
    pub(super) fn at(&self, place: Place) -> Option<&Active> {
        self.0.get(place.0)
    }

    /// Those that ever counted something.
    pub(super) fn used(&self) -> impl Iterator<Item = (Counted, &Active)> {
        let http = method::all()
            .flat_map(|method| Scheme::ALL.map(|scheme| Counted::Http { method, scheme }));
        http.chain([Counted::Grpc]).zip(&self.0).filter(|(_, active)| active.is_used())
    }
}

/// How long requests waited for the service to be ready, by what became of them.
pub(super) struct Waits {
    called: Histogram,
    refused: Histogram,
    cancelled: Histogram,
}

impl Waits {
    fn new(bounds: Bounds, created: SystemTime) -> Self {
        let bounds = Arc::new(bounds);
        let histogram = || Histogram::new(Arc::clone(&bounds), created);
        Self { called: histogram(), refused: histogram(), cancelled: histogram() }
    }

    #[inline]
    pub(super) fn of(&self, end: WaitEnd) -> &Histogram {
        match end {
            WaitEnd::Called => &self.called,
            WaitEnd::Refused => &self.refused,
            WaitEnd::Cancelled => &self.cancelled,
        }
    }

    /// With what is told as `error.type`, if anything is.
    pub(super) fn all(&self) -> [(Option<&'static str>, &Histogram); 3] {
        [
            (None, &self.called),
            (Some("refused"), &self.refused),
            (Some("cancelled"), &self.cancelled),
        ]
    }
}

impl Instruments {
    pub(super) fn new(
        side: Side,
        prefix: String,
        constant_labels: ConstantLabels,
        most: (usize, usize),
        bounds: SeriesBounds,
        poll_ready: Bounds,
    ) -> Arc<Self> {
        let created = SystemTime::now();
        Arc::new(Self {
            side,
            prefix,
            constant_labels,
            store: Store::new(most.0, most.1, bounds, created),
            active: Actives::new(),
            poll_ready: Waits::new(poll_ready, created),
            shed: Counter::new(created),
        })
    }
}
