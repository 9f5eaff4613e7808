//! Telemetry set up in one place: spans, logs and metrics, their resource, where they go, and what
//! becomes of them.
//!
//! ```no_run
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use tower_observability::telemetry::{LogFormat, Telemetry};
//!
//! let telemetry = Telemetry::builder("checkout")
//!     .service_version(env!("CARGO_PKG_VERSION"))
//!     .logs(LogFormat::Auto)
//!     .from_env() // OTEL_EXPORTER_OTLP_ENDPOINT and all others; RUST_LOG
//!     .install()?; // `build` sets nothing that is global
//! // the program
//! telemetry.shutdown(Duration::from_secs(5)).await?;
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! - Ending a span, or logging, never waits: it is put into a bounded queue, or dropped and counted.
//! - Measuring never waits for an export either. One that fails is made up for by the next, but for
//!   [deltas](TelemetryBuilder::metric_temporality).
//! - Exporting needs nothing of the program's runtime, if it has one: batches are made on a thread
//!   of their own, and OTLP is sent on another one.
//! - [`shutdown`](Telemetry::shutdown) and [`flush`](Telemetry::flush) block no runtime, return
//!   within their time-out whatever the receiver does, and say what was [lost](Delivery): all that
//!   ended and was not acknowledged, also what the receiver rejected of a batch that it took.
//! - What OTLP's own requests log is not sent as logs, and they are neither traced nor measured.
//!
//! A batch is sent again where OTLP allows it, after waits of one to five seconds or what the
//! receiver asks for, for as long as [`otlp_timeout`](TelemetryBuilder::otlp_timeout) allows. The
//! log tells when an exporter begins to fail, at its first attempt, with where it sends to and why,
//! and when it gets through again. [`Undelivered`] tells the last cause, too.
//!
//! # What it does not do
//!
//! There is no TLS and no compression: send to a collector beside the program, or give an exporter
//! that has them to [`span_exporter`](TelemetryBuilder::span_exporter). A receiver that takes a batch
//! and fails to say so may get it twice.
//!
//! Metrics over OTLP carry no exemplars, as the SDK keeps none. A callback of an observable
//! instrument must not panic: the SDK ends the export of metrics for good then, of which
//! [`flush`](Telemetry::flush) and [`shutdown`](Telemetry::shutdown) tell.

mod assemble;
mod builder;
mod close;
mod deadline;
mod delivery;
mod env;
mod health;
mod ledger;
mod logs;
#[cfg(feature = "metrics")]
mod loss;
mod metrics;
mod otlp;
mod pipeline;
mod point_ledger;
mod propagator;
mod resource;
mod sampling;
mod settings;
mod warning;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};

use opentelemetry::global;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing::subscriber::{SetGlobalDefaultError, set_global_default};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

pub use builder::TelemetryBuilder;
#[cfg(feature = "stack")]
pub(crate) use delivery::Beside;
pub use delivery::{Delivery, Tally, Undelivered};
pub use logs::{InvalidFilter, LogFilter, LogFormat, LogLayer};
#[cfg(feature = "metrics")]
pub use loss::LossCollector;
pub use metrics::HistogramAggregation;
pub use otlp::Protocol;
pub use sampling::Sampling;
pub use warning::Warning;

use crate::config::ConfigError;
use crate::trace::propagation::W3cPropagator;
use close::Closing;
use ledger::Ledger;
use logs::LogSettings;
use otlp::Io;
use point_ledger::PointLedger;

/// Where a program's spans, logs and metrics are made, and where they go.
///
/// A clone is the same one. Call [`shutdown`](Self::shutdown) before the program ends: what still
/// waits is lost else. When the last clone, and the last tracer of it, is dropped without one, the
/// SDK exports what waits too, but blocks that thread for as long as 5 s.
#[derive(Clone)]
pub struct Telemetry(Arc<Parts>);

struct Parts {
    enabled: bool,
    tracer_provider: SdkTracerProvider,
    meter_provider: SdkMeterProvider,
    logger_provider: Option<SdkLoggerProvider>,
    span_ledgers: Vec<Arc<Ledger>>,
    log_ledgers: Vec<Arc<Ledger>>,
    /// None where metrics go nowhere.
    point_ledger: Option<Arc<PointLedger>>,
    io: Option<Arc<Io>>,
    service_name: String,
    resource: Resource,
    propagator: W3cPropagator,
    log: LogSettings,
    log_filter: LogFilter,
    warnings: Vec<Warning>,
    closing: Mutex<Closing>,
    /// Told when the shutdown is done.
    closed: Condvar,
    #[cfg(feature = "stack")]
    stack: crate::stack::Stack,
}

impl Telemetry {
    /// Telemetry of a service of this name, to be configured further. Without more, spans are made
    /// and go nowhere.
    pub fn builder(service_name: impl Into<String>) -> TelemetryBuilder {
        TelemetryBuilder::new(service_name.into())
    }

    /// Where spans are made; for [layers](crate::trace) and tracers that use no global.
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.0.tracer_provider
    }

    /// Where instruments are made, for layers and meters that use no global. Without an endpoint of
    /// OTLP they measure nothing.
    ///
    /// ```
    /// use opentelemetry::metrics::MeterProvider;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let telemetry = Telemetry::builder("checkout").build()?;
    /// let orders = telemetry.meter_provider().meter("checkout").u64_counter("orders").build();
    /// orders.add(1, &[]);
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn meter_provider(&self) -> &SdkMeterProvider {
        &self.0.meter_provider
    }

    /// How the context of a trace travels.
    pub fn propagator(&self) -> &W3cPropagator {
        &self.0.propagator
    }

    /// Who tells: what all signals carry.
    pub fn resource(&self) -> &Resource {
        &self.0.resource
    }

    /// What the environment said that could not be used, and what the code said in vain.
    /// [`install`](TelemetryBuilder::install) and [`set_globals`](Self::set_globals) log it, too.
    pub fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }

    /// Which events are logged, changeable while the program runs.
    pub fn log_filter(&self) -> &LogFilter {
        &self.0.log_filter
    }

    /// Whether anything is exported: false with `OTEL_SDK_DISABLED`. A span then goes nowhere, but
    /// hands on the caller's decision; an instrument measures nothing.
    pub fn is_enabled(&self) -> bool {
        self.0.enabled
    }

    /// What was delivered so far, by exporter. What is still waiting counts as lost.
    pub fn delivery(&self) -> Delivery {
        let tallies =
            |ledgers: &[Arc<Ledger>]| ledgers.iter().map(|ledger| ledger.tally()).collect();
        let points = self.0.point_ledger.iter().map(|ledger| ledger.tally()).collect();
        Delivery::new(tallies(&self.0.span_ledgers), tallies(&self.0.log_ledgers), points)
    }

    /// The layer that [`install`](TelemetryBuilder::install) logs with, for a subscriber of one's
    /// own; none if no logs were asked for. It has a filter of its own, [`log_filter`](Self::log_filter),
    /// which lets other layers see everything.
    ///
    /// ```
    /// use tower_observability::telemetry::{LogFormat, Telemetry};
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// let telemetry = Telemetry::builder("checkout").logs(LogFormat::Json).build()?;
    /// let subscriber = tracing_subscriber::registry().with(telemetry.log_layer());
    /// # drop(subscriber);
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn log_layer<S>(&self) -> Option<LogLayer<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        logs::layer(&self.0.log, &self.0.log_filter, self.0.logger_provider.as_ref())
    }

    /// Makes this that of the whole program, but for the `tracing` subscriber: the propagator,
    /// the tracer provider unless all is switched off, the meter provider if metrics are sent, and, with
    /// the feature `stack`, what operations are made by unless something is already, and the hook that
    /// tells [where](crate::catch_panic::PanicHook) a handler panicked.
    /// Logs the [warnings](Self::warnings), too. For a program with a subscriber of its own;
    /// [`install`](TelemetryBuilder::install) does it already.
    ///
    /// ```no_run
    /// use tower_observability::telemetry::{LogFormat, Telemetry};
    /// use tracing_subscriber::layer::SubscriberExt;
    /// use tracing_subscriber::util::SubscriberInitExt;
    ///
    /// let telemetry = Telemetry::builder("checkout").logs(LogFormat::Auto).from_env().build()?;
    /// tracing_subscriber::registry().with(telemetry.log_layer()).init();
    /// telemetry.set_globals();
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn set_globals(&self) {
        global::set_text_map_propagator(self.propagator().clone());
        // switched off, the API's own no-op hands on the caller's context as it is
        if self.is_enabled() {
            global::set_tracer_provider(self.tracer_provider().clone());
        }
        // one that measures nothing would take the place of one that does
        if self.0.point_ledger.is_some() {
            global::set_meter_provider(self.meter_provider().clone());
        }
        #[cfg(feature = "stack")]
        {
            let _ = self.operations().clone().set_global();
            crate::catch_panic::PanicHook::new().install();
        }
        for warning in self.warnings() {
            let (variable, value) = (warning.variable(), warning.value());
            tracing::warn!(variable, value, "{variable}: {}", warning.done());
        }
    }

    #[cfg(feature = "stack")]
    pub(crate) fn stack(&self) -> &crate::stack::Stack {
        &self.0.stack
    }

    fn install<L>(&self, layers: Option<L>) -> Result<(), InstallError>
    where
        L: Layer<Registry> + Send + Sync + 'static,
    {
        let registry = tracing_subscriber::registry();
        let set = match layers {
            Some(layers) => set_global_default(registry.with(layers).with(self.log_layer())),
            None => match self.log_layer() {
                Some(layer) => set_global_default(registry.with(layer)),
                None => Ok(()),
            },
        };
        set.map_err(InstallError::Subscriber)?;
        self.set_globals();
        Ok(())
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("enabled", &self.0.enabled)
            .field("delivery", &self.delivery())
            .field("warnings", &self.0.warnings)
            .finish_non_exhaustive()
    }
}

/// Why telemetry could not be made that of the whole program.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// A setting cannot be used.
    Config(ConfigError),
    /// The program has a `tracing` subscriber already, and nothing was made global: use
    /// [`TelemetryBuilder::build`], add [`Telemetry::log_layer`] to that subscriber, and call
    /// [`Telemetry::set_globals`].
    Subscriber(SetGlobalDefaultError),
}

impl From<ConfigError> for InstallError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Subscriber(_) => f.write_str(
                "a global tracing subscriber is set already, so no provider and no \
                 propagator were set: build the telemetry instead, add its log_layer to that \
                 subscriber, and call set_globals",
            ),
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(_) => None,
            Self::Subscriber(error) => Some(error),
        }
    }
}
