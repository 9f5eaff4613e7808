//! Everything a layer records into.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::flags::Flags;
use super::instrument::bounds::Bounds;
use super::instrument::counter::Counter;
use super::instrument::gauge::Active;
use super::instrument::histogram::Histogram;
use super::names::ConstantLabels;
use super::otel;
use super::series::Scheme;
use super::series::labels::Label;
use super::series::store::{SeriesBounds, Store};
use crate::classify::{Protocol, Side};
use crate::exchange::WaitEnd;
use crate::message::method::Known;

/// What a layer and its clones record into, and its collector reads.
pub(super) struct Instruments {
    pub(super) side: Side,
    pub(super) prefix: String,
    pub(super) constant_labels: ConstantLabels,
    pub(super) store: Store,
    pub(super) active: Actives,
    pub(super) poll_ready: Waits<Histogram>,
    pub(super) shed: Counter,
    /// Of a server: a client's exchange has none.
    pub(super) flags: Flags,
    pub(super) otel: Option<Arc<otel::Backend>>,
}

/// The exchanges under way, by method and scheme, and the gRPC calls.
pub(super) struct Actives {
    places: Box<[Active]>,
    made: Instant,
}

/// What one of them counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Http { method: Known, scheme: Scheme },
    Grpc,
}

impl Counted {
    pub(super) fn told(self) -> Vec<Label<'static>> {
        match self {
            Self::Http { method, scheme } => vec![
                Label::text("http.request.method", method.as_str()),
                Label::text("url.scheme", scheme.as_str()),
            ],
            Self::Grpc => vec![Label::text("rpc.system.name", "grpc")],
        }
    }
}

impl Actives {
    pub(super) fn new() -> Self {
        let places = Known::all().count() * Scheme::ALL.len() + 1;
        let places = (0..places).map(|_| Active::default()).collect();
        Self { places, made: Instant::now() }
    }

    /// That of what claims to be one.
    #[inline]
    pub(super) fn of(&self, protocol: Protocol, method: Known, scheme: Scheme) -> Option<&Active> {
        self.places.get(match protocol {
            Protocol::Grpc => self.places.len() - 1,
            Protocol::Http => method.place() * Scheme::ALL.len() + scheme as usize,
        })
    }

    /// How old they are at this moment.
    #[inline]
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.made)
    }

    /// Those that ever counted something.
    pub(super) fn used(&self) -> impl Iterator<Item = (Counted, &Active)> {
        let http = Known::all()
            .flat_map(|method| Scheme::ALL.map(|scheme| Counted::Http { method, scheme }));
        http.chain([Counted::Grpc]).zip(&self.places).filter(|(_, active)| active.is_used())
    }
}

/// How long requests waited for the service to be ready, by what became of them.
pub(super) struct Waits<T> {
    called: T,
    refused: T,
    cancelled: T,
}

impl<T> Waits<T> {
    /// Makes each, given what is told as `error.type`, if anything is.
    pub(super) fn by(make: impl Fn(Option<&'static str>) -> T) -> Self {
        Self { called: make(None), refused: make(Some(REFUSED)), cancelled: make(Some(CANCELLED)) }
    }

    #[inline]
    pub(super) fn of(&self, end: WaitEnd) -> &T {
        match end {
            WaitEnd::Called => &self.called,
            WaitEnd::Refused => &self.refused,
            WaitEnd::Cancelled => &self.cancelled,
        }
    }

    /// With what is told as `error.type`, if anything is.
    pub(super) fn all(&self) -> [(Option<&'static str>, &T); 3] {
        [(None, &self.called), (Some(REFUSED), &self.refused), (Some(CANCELLED), &self.cancelled)]
    }
}

const REFUSED: &str = "refused";
const CANCELLED: &str = "cancelled";

impl Instruments {
    pub(super) fn new(
        side: Side,
        prefix: String,
        constant_labels: ConstantLabels,
        most: (usize, usize),
        bounds: SeriesBounds,
        poll_ready: Bounds,
        otel: Option<otel::Backend>,
    ) -> Arc<Self> {
        let created = SystemTime::now();
        let flags = Flags::new(Bounds::clone(&bounds.duration), most.0);
        let (poll_ready, otel) = (Arc::new(poll_ready), otel.map(Arc::new));
        let instruments = Arc::new(Self {
            side,
            prefix,
            constant_labels,
            store: Store::new(most.0, most.1, bounds, created, otel.clone()),
            active: Actives::new(),
            poll_ready: Waits::by(|_| Histogram::new(Arc::clone(&poll_ready), created)),
            shed: Counter::new(created),
            flags,
            otel,
        });
        if let Some(otel) = &instruments.otel {
            otel.observe(&instruments);
        }
        instruments
    }
}
