//! The layers that every service and client of the checkout is stacked with.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::request;
use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tower_observability::classify::Side;
use tower_observability::config::ConfigError;
use tower_observability::exchange::{End, Facts, ObserveLayer, Observer};
use tower_observability::request_id::RequestIdLayer;
use tower_observability::testing::{Event, Record, Recorder};
use tower_observability::trace::TraceLayer;

/// What takes longer than this is marked as slow in the access log.
const SLOW: Duration = Duration::from_millis(500);

/// Outermost first; the recorder is there for the script only.
pub type Layers =
    (RequestIdLayer, TraceLayer, AccessLogLayer, ObserveLayer<(Named, Option<Recorder>)>);

/// An observer of our own: tells which service an exchange belongs to.
#[derive(Clone)]
pub struct Named(&'static str);

impl Observer for Named {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, facts: &Arc<Facts>) {
        facts.annotate("service.name", self.0);
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

/// A place at which exchanges are observed.
pub struct Place {
    pub name: &'static str,
    service: &'static str,
    kept: Option<Kept>,
}

/// What the script keeps of a place.
#[derive(Default)]
struct Kept {
    recorder: Recorder,
    lines: Buffer,
}

impl Place {
    /// For a service that answers requests.
    pub fn server(&self) -> Result<Layers, ConfigError> {
        let log = self.access_log(AccessLogLayer::server())?;
        Ok((RequestIdLayer::server(), TraceLayer::server(), log, self.own(Side::Server)))
    }

    /// For a client that sends them; a request tells its route in its extensions.
    pub fn client(&self) -> Result<Layers, ConfigError> {
        let log = self.access_log(AccessLogLayer::client())?;
        Ok((RequestIdLayer::client(), TraceLayer::client(), log, self.own(Side::Client)))
    }

    /// Events of the log that everything else goes to, too; for the script lines of JSON.
    fn access_log(&self, layer: AccessLogLayer) -> Result<AccessLogLayer, ConfigError> {
        let layer = layer.slow(SLOW)?;
        Ok(match &self.kept {
            Some(kept) => layer.json_lines(JsonLines::new(kept.lines.clone())),
            None => layer,
        })
    }

    fn own(&self, side: Side) -> ObserveLayer<(Named, Option<Recorder>)> {
        let recorder = self.kept.as_ref().map(|kept| kept.recorder.clone());
        ObserveLayer::new(side, (Named(self.service), recorder))
    }

    /// How many exchanges have begun.
    pub fn begun(&self) -> usize {
        let events = self.kept.as_ref().map(|kept| kept.recorder.events()).unwrap_or_default();
        events.iter().filter(|event| **event == Event::Begin).count()
    }

    /// What was recorded of the exchanges that have ended.
    pub fn records(&self) -> Vec<Record> {
        self.kept.as_ref().map(|kept| kept.recorder.records()).unwrap_or_default()
    }

    /// The lines of the access log.
    pub fn lines(&self) -> Vec<String> {
        self.kept.as_ref().map(|kept| kept.lines.lines()).unwrap_or_default()
    }
}

/// The places of the checkout, from the customer inwards.
pub struct Places {
    pub gateway: Place,
    pub to_inventory: Place,
    pub inventory: Place,
    pub to_payment: Place,
    pub payment: Place,
}

impl Places {
    /// Where nothing is kept.
    pub fn serving() -> Self {
        Self::all(|name, service| Place { name, service, kept: None })
    }

    /// Where everything is kept for the script.
    pub fn recording() -> Self {
        Self::all(|name, service| Place { name, service, kept: Some(Kept::default()) })
    }

    fn all(place: impl Fn(&'static str, &'static str) -> Place) -> Self {
        Self {
            gateway: place("gateway", "gateway"),
            to_inventory: place("→inventory", "gateway"),
            inventory: place("inventory", "inventory"),
            to_payment: place("→payment", "gateway"),
            payment: place("payment", "payment"),
        }
    }

    pub fn each(&self) -> [&Place; 5] {
        [&self.gateway, &self.to_inventory, &self.inventory, &self.to_payment, &self.payment]
    }
}

/// Lines of text in memory. Clones share them.
#[derive(Clone, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.bytes()).lines().map(str::to_owned).collect()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Buffer {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
