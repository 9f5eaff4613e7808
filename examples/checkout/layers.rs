//! The layers that every service and client of the checkout is stacked with.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::Registry;
use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tower_observability::catch_panic::CatchPanicLayer;
use tower_observability::classify::Side;
use tower_observability::config::ConfigError;
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
use tower_observability::exchange::ObserveLayer;
use tower_observability::live::{Board, LiveLayer};
use tower_observability::metrics::MetricsLayer;
use tower_observability::operation::{OperationMetrics, Operations};
use tower_observability::redact::Redaction;
use tower_observability::request_id::RequestIdLayer;
use tower_observability::sentry::SentryLayer;
use tower_observability::slo::{SloLayer, SloTracker};
use tower_observability::telemetry::Telemetry;
use tower_observability::testing::{Event, Record, Recorder};
use tower_observability::trace::TraceLayer;

use crate::metrics;
use crate::objectives::objectives;
use crate::services::BoxError;
use crate::telemetry::Telemetries;

/// What takes longer than this is marked as slow in the access log.
const SLOW: Duration = Duration::from_millis(500);

/// Outermost first; the recorder is there for the script only.
pub type ClientLayers = (
    RequestIdLayer,
    TraceLayer,
    AccessLogLayer,
    MetricsLayer,
    LiveLayer,
    ObserveLayer<Option<Recorder>>,
);

/// As those of a client; inside of all that record, what dumps, what reports to Sentry and what catches
/// panics.
pub type ServerLayers = (
    RequestIdLayer,
    TraceLayer,
    AccessLogLayer,
    MetricsLayer,
    LiveLayer,
    ObserveLayer<Option<Recorder>>,
    SloLayer,
    DebugDumpLayer,
    SentryLayer,
    CatchPanicLayer,
);

/// A place at which exchanges are observed.
pub struct Place {
    pub name: &'static str,
    service: &'static str,
    telemetry: Telemetry,
    metrics: MetricsLayer,
    operations: OperationMetrics,
    live: Board,
    objectives: SloTracker,
    dumps: DumpControl,
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
    pub fn server(&self) -> Result<ServerLayers, ConfigError> {
        let trace = self.trace(TraceLayer::server());
        let log = self.access_log(AccessLogLayer::server())?;
        let recorder = self.recorder(Side::Server);
        let dump = DebugDumpLayer::server(&self.dumps).redaction(redaction()?);
        let (sentry, catch_panic) = (SentryLayer::server(), CatchPanicLayer::server());
        let (metrics, live) = (self.metrics.clone(), LiveLayer::server(&self.live));
        let slo = SloLayer::server(&self.objectives);
        Ok((
            RequestIdLayer::server(),
            trace,
            log,
            metrics,
            live,
            recorder,
            slo,
            dump,
            sentry,
            catch_panic,
        ))
    }

    /// For a client that sends them; a request tells its route in its extensions.
    pub fn client(&self) -> Result<ClientLayers, ConfigError> {
        let trace = self.trace(TraceLayer::client());
        let log = self.access_log(AccessLogLayer::client())?;
        let recorder = self.recorder(Side::Client);
        let (metrics, live) = (self.metrics.clone(), LiveLayer::client(&self.live));
        Ok((RequestIdLayer::client(), trace, log, metrics, live, recorder))
    }

    /// What the service does beside: queries, look-ups, work of its own.
    pub fn operations(&self) -> Operations {
        let operations = Operations::new().tracer_provider(self.telemetry.tracer_provider());
        operations.metrics(&self.operations)
    }

    /// Spans of the service's own provider, as the global one is the gateway's.
    fn trace(&self, layer: TraceLayer) -> TraceLayer {
        layer
            .tracer_provider(self.telemetry.tracer_provider())
            .propagator(self.telemetry.propagator().clone())
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
    /// What is promised to customers.
    pub objectives: SloTracker,
    /// What runs, was slow or failed in all of them.
    pub live: Board,
    /// Switches the dumps of all of them.
    pub dumps: DumpControl,
}

impl Places {
    /// Where nothing is kept.
    pub fn serving(telemetry: &Telemetries, registry: &Registry) -> Result<Self, BoxError> {
        Self::all(telemetry, registry, || None)
    }

    /// Where everything is kept for the script.
    pub fn recording(telemetry: &Telemetries, registry: &Registry) -> Result<Self, BoxError> {
        Self::all(telemetry, registry, || Some(Kept::default()))
    }

    fn all(
        telemetry: &Telemetries,
        registry: &Registry,
        kept: impl Fn() -> Option<Kept>,
    ) -> Result<Self, BoxError> {
        let objectives = SloTracker::builder().objectives(objectives()?).build()?;
        objectives.register(registry)?;
        let live = Board::builder().redaction(redaction()?).build()?;
        let dumps = DumpControl::new();
        let place = |name, service, telemetry: &Telemetry, metrics, operations| Place {
            name,
            service,
            telemetry: telemetry.clone(),
            metrics,
            operations,
            live: live.clone(),
            objectives: objectives.clone(),
            dumps: dumps.clone(),
            kept: kept(),
        };
        let server = |service, telemetry| {
            metrics::lost(service, telemetry, registry)?;
            let metrics = metrics::server(service, registry)?;
            let operations = metrics::operations(service, registry)?;
            Ok::<_, BoxError>(place(service, service, telemetry, metrics, operations))
        };
        // clones of one layer: its metrics tell by themselves which server was called
        let calls = metrics::client("gateway", registry)?;
        let gateway = server("gateway", &telemetry.gateway)?;
        let operations = gateway.operations.clone();
        let client =
            |name| place(name, "gateway", &telemetry.gateway, calls.clone(), operations.clone());
        Ok(Self {
            gateway,
            to_inventory: client("→inventory"),
            inventory: server("inventory", &telemetry.inventory)?,
            to_payment: client("→payment"),
            payment: server("payment", &telemetry.payment)?,
            live: live.clone(),
            objectives: objectives.clone(),
            dumps: dumps.clone(),
        })
    }

    pub fn each(&self) -> [&Place; 5] {
        [&self.gateway, &self.to_inventory, &self.inventory, &self.to_payment, &self.payment]
    }
}

/// Whoever may look at exchanges need not see cards.
fn redaction() -> Result<Redaction, ConfigError> {
    Redaction::default().key("card")
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
