//! The layers that every service and client of the checkout is stacked with.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tower_observability::classify::Side;
use tower_observability::config::ConfigError;
use tower_observability::exchange::ObserveLayer;
use tower_observability::operation::Operations;
use tower_observability::stack::{ClientLayer, ServerLayer};
use tower_observability::telemetry::Telemetry;
use tower_observability::testing::{Event, Record, Recorder};

use crate::telemetry::Telemetries;

/// What takes longer than this is marked as slow in the access log.
const SLOW: Duration = Duration::from_millis(500);

/// All signals in one layer; the recorder around it is there for the script only.
pub type ServerLayers = (ObserveLayer<Option<Recorder>>, ServerLayer);

/// As those of a server.
pub type ClientLayers = (ObserveLayer<Option<Recorder>>, ClientLayer);

/// A place at which exchanges are observed.
pub struct Place {
    pub name: &'static str,
    service: &'static str,
    telemetry: Telemetry,
    kept: Option<Kept>,
}

/// What the script keeps of a place.
#[derive(Default)]
struct Kept {
    recorder: Recorder,
    lines: Buffer,
}

impl Place {
    /// For a service that answers requests: everything, but for the access log as the telemetry sets it up.
    pub fn server(&self) -> Result<ServerLayers, ConfigError> {
        let mut parts = self.telemetry.server_parts();
        parts.access_log = parts.access_log.map(|log| self.access_log(log)).transpose()?;
        Ok((self.recorder(Side::Server), parts.fuse()?))
    }

    /// For a client that sends them; a request tells its route in its extensions.
    pub fn client(&self) -> Result<ClientLayers, ConfigError> {
        let mut parts = self.telemetry.client_parts();
        parts.access_log = parts.access_log.map(|log| self.access_log(log)).transpose()?;
        Ok((self.recorder(Side::Client), parts.fuse()?))
    }

    /// What the service does beside: queries, look-ups, work of its own.
    pub fn operations(&self) -> Operations {
        self.telemetry.operations().clone()
    }

    /// Events of the log that everything else goes to, too; for the script lines of JSON.
    fn access_log(&self, layer: AccessLogLayer) -> Result<AccessLogLayer, ConfigError> {
        let layer = layer.slow(SLOW)?.field("service.name", self.service)?;
        Ok(match &self.kept {
            Some(kept) => layer.json_lines(JsonLines::new(kept.lines.clone())),
            None => layer,
        })
    }

    fn recorder(&self, side: Side) -> ObserveLayer<Option<Recorder>> {
        ObserveLayer::new(side, self.kept.as_ref().map(|kept| kept.recorder.clone()))
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
    pub fn serving(telemetry: &Telemetries) -> Self {
        Self::all(telemetry, || None)
    }

    /// Where everything is kept for the script.
    pub fn recording(telemetry: &Telemetries) -> Self {
        Self::all(telemetry, || Some(Kept::default()))
    }

    fn all(telemetry: &Telemetries, kept: impl Fn() -> Option<Kept>) -> Self {
        let place = |name, service, telemetry: &Telemetry| Place {
            name,
            service,
            telemetry: telemetry.clone(),
            kept: kept(),
        };
        Self {
            gateway: place("gateway", "gateway", &telemetry.gateway),
            to_inventory: place("→inventory", "gateway", &telemetry.gateway),
            inventory: place("inventory", "inventory", &telemetry.inventory),
            to_payment: place("→payment", "gateway", &telemetry.gateway),
            payment: place("payment", "payment", &telemetry.payment),
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
