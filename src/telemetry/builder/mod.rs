//! The settings of [`Telemetry`].

mod logs;
mod metrics;
mod otlp;
mod spans;

use std::ffi::OsString;
use std::fmt;

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanProcessor;
use tracing_subscriber::{Layer, Registry};

use super::logs::LogLayer;
use super::pipeline::{Batch, SpanPipeline};
use super::resource::{DEPLOYMENT, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION};
use super::settings::Settings;
use super::{InstallError, Telemetry, assemble, env};
use crate::config::ConfigError;
use crate::trace::processor::{SpanRedaction, TailKeeping};

pub(super) use self::logs::OTLP_LOGS;
pub(super) use self::metrics::{OTLP_METRICS, TEMPORALITY};

/// Makes a pipeline once the batch settings are known.
pub(super) type MakePipeline = Box<dyn FnOnce(Batch) -> SpanPipeline + Send>;

/// The settings of [`Telemetry`]; made by [`Telemetry::builder`].
///
/// Of settings that say the same thing, the last one holds, [`from_env`](Self::from_env) being one
/// of them: call it last to let the environment decide, or first to give it the last word only
/// where the code has none.
#[must_use = "nothing is set up before `build` or `install`"]
pub struct TelemetryBuilder {
    pub(super) settings: Settings,
    pub(super) exporters: Vec<MakePipeline>,
    pub(super) processors: Vec<Box<dyn SpanProcessor>>,
    pub(super) tail_keeping: Option<TailKeeping>,
    pub(super) span_redaction: Option<SpanRedaction>,
    /// The settings of OTLP that the code made, and that mean nothing without an endpoint.
    pub(super) of_otlp: Vec<&'static str>,
    /// The first setting that cannot be used.
    pub(super) error: Option<ConfigError>,
    #[cfg(feature = "stack")]
    pub(crate) stack: crate::stack::StackSettings,
}

impl TelemetryBuilder {
    pub(super) fn new(service_name: String) -> Self {
        let settings = Settings::new(service_name);
        Self {
            settings,
            exporters: Vec::new(),
            processors: Vec::new(),
            tail_keeping: None,
            span_redaction: None,
            of_otlp: Vec::new(),
            error: None,
            #[cfg(feature = "stack")]
            stack: Default::default(),
        }
    }

    /// Puts the `OTEL_*` environment, `RUST_LOG` and the pod's variables over what was set so far.
    ///
    /// | variables | what they set |
    /// |---|---|
    /// | `OTEL_SDK_DISABLED` | `true`: no spans, nothing measured, nothing exported |
    /// | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | the resource |
    /// | `K8S_POD_NAME`, `K8S_POD_UID`, `K8S_NAMESPACE_NAME`, `K8S_NODE_NAME`, `K8S_CONTAINER_NAME`, `K8S_DEPLOYMENT_NAME`, `K8S_CLUSTER_NAME` | the attributes `k8s.pod.name` and so on |
    /// | in a pod (where `KUBERNETES_SERVICE_HOST` is set) also `POD_NAME`, `POD_UID`, `POD_NAMESPACE`, `NODE_NAME`, `CONTAINER_NAME` | the same |
    /// | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the sampler |
    /// | `OTEL_PROPAGATORS` | `tracecontext`, `baggage`, `none` |
    /// | `OTEL_TRACES_EXPORTER`, `OTEL_LOGS_EXPORTER`, `OTEL_METRICS_EXPORTER` | `otlp`, `none` |
    /// | `OTEL_EXPORTER_OTLP_ENDPOINT`, `_PROTOCOL`, `_HEADERS`, `_TIMEOUT`, `_INSECURE`, and each with `_TRACES`, `_LOGS` or `_METRICS` | OTLP |
    /// | `OTEL_BSP_*`, `OTEL_BLRP_*` | the batches of spans and of log records |
    /// | `OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_METRIC_EXPORT_TIMEOUT` | how often metrics are exported, and for how long it is tried |
    /// | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | [`metric_temporality`](Self::metric_temporality): `cumulative`, `delta`, `lowmemory` |
    /// | `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` | [`metric_histograms`](Self::metric_histograms): `explicit_bucket_histogram`, `base2_exponential_bucket_histogram` |
    /// | `OTEL_*_COUNT_LIMIT` | the limits of a span |
    /// | `RUST_LOG` | [`log_filter`](Self::log_filter) |
    ///
    /// What cannot be used is ignored, and listed by [`Telemetry::warnings`]. Unlike the
    /// specification's default, nothing is sent to `localhost` unasked: OTLP needs an endpoint, or
    /// `otlp` as the exporter. TLS, compression and exemplars are not here, so their variables are
    /// warned of; so is `prometheus` as the exporter of metrics, which are scraped from the program
    /// then, not sent.
    pub fn from_env(self) -> Self {
        self.from_env_with(|variable| std::env::var_os(variable))
    }

    /// As [`from_env`](Self::from_env), with variables from elsewhere.
    ///
    /// ```
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let variables = [("OTEL_SERVICE_NAME", "checkout-eu"), ("OTEL_BSP_SCHEDULE_DELAY", "soon")];
    /// let lookup = |name: &str| {
    ///     variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    /// };
    /// let telemetry = Telemetry::builder("checkout").from_env_with(lookup).build()?;
    /// let name = telemetry.resource().get(&"service.name".into());
    /// assert_eq!(name.unwrap().as_str(), "checkout-eu");
    /// assert_eq!(telemetry.warnings()[0].variable(), "OTEL_BSP_SCHEDULE_DELAY");
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn from_env_with(mut self, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        env::apply(&mut self.settings, &lookup);
        self
    }

    /// `service.name`, in the place of the one that [`Telemetry::builder`] was given: after
    /// [`from_env`](Self::from_env) it wins over `OTEL_SERVICE_NAME`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.settings.service_name = name.into();
        self
    }

    /// `service.version`.
    pub fn service_version(self, version: impl Into<String>) -> Self {
        self.resource_attribute(SERVICE_VERSION, version.into())
    }

    /// `deployment.environment.name`, such as `production`.
    pub fn deployment_environment(self, name: impl Into<String>) -> Self {
        self.resource_attribute(DEPLOYMENT, name.into())
    }

    /// `service.instance.id`; a random UUID by default.
    pub fn service_instance_id(self, id: impl Into<String>) -> Self {
        self.resource_attribute(SERVICE_INSTANCE_ID, id.into())
    }

    /// An attribute of the resource, which all signals carry.
    pub fn resource_attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        let attribute = KeyValue::new(key, value);
        match attribute.key.as_str() {
            "" => self.refuse("telemetry.resource_attribute", "", "a key that is not empty"),
            SERVICE_NAME => self.settings.service_name = attribute.value.as_str().into_owned(),
            _ => self.settings.resource.push(attribute),
        }
        self
    }

    /// Sets everything up, but nothing that is global.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    ///
    /// # Panics
    ///
    /// Where the system can start no thread for an exporter: the SDK offers no other way.
    pub fn build(self) -> Result<Telemetry, ConfigError> {
        assemble::build(self)
    }

    /// Sets everything up, and makes it that of the whole program: the tracer
    /// provider, the meter provider if metrics are sent, the propagator and, if
    /// [`logs`](Self::logs) or [`otlp_logs`](Self::otlp_logs) were asked for, the `tracing`
    /// subscriber.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and when the program has a `tracing` subscriber already; nothing
    /// is global then.
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build).
    pub fn install(self) -> Result<Telemetry, InstallError> {
        let telemetry = self.build()?;
        telemetry.install(None::<LogLayer<Registry>>)?;
        Ok(telemetry)
    }

    /// As [`install`](Self::install), with further layers in the `tracing` subscriber, which is set
    /// even if no logs were asked for. `layers` is given what was set up; several layers are put
    /// together with [`Layer::and_then`], or in a `Vec` of boxed ones.
    ///
    /// The log's filter is the log's alone. A layer without a filter of its own sees every event
    /// and span, also those of the libraries that send telemetry, so give it one:
    ///
    #[cfg_attr(feature = "tracing-opentelemetry", doc = "```no_run")]
    #[cfg_attr(not(feature = "tracing-opentelemetry"), doc = "```ignore")]
    /// use opentelemetry::trace::TracerProvider;
    /// use tower_observability::telemetry::{LogFormat, Telemetry};
    /// use tracing_subscriber::{EnvFilter, Layer};
    ///
    /// let telemetry = Telemetry::builder("checkout").logs(LogFormat::Auto).from_env().install_with(
    ///     |telemetry| {
    ///         // spans of the `tracing` crate, exported beside those of this crate's layers
    ///         tracing_opentelemetry::layer()
    ///             .with_tracer(telemetry.tracer_provider().tracer("checkout"))
    ///             .with_filter(EnvFilter::new("info,h2=off,hyper=off,tonic=off,reqwest=off"))
    ///     },
    /// )?;
    /// # drop(telemetry);
    /// # Ok::<(), tower_observability::telemetry::InstallError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`install`](Self::install).
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build).
    pub fn install_with<L>(
        self,
        layers: impl FnOnce(&Telemetry) -> L,
    ) -> Result<Telemetry, InstallError>
    where
        L: Layer<Registry> + Send + Sync + 'static,
    {
        let telemetry = self.build()?;
        telemetry.install(Some(layers(&telemetry)))?;
        Ok(telemetry)
    }

    fn refuse(&mut self, field: &'static str, value: &str, allowed: &'static str) {
        self.fail(ConfigError::new(field, value, allowed));
    }

    pub(crate) fn fail(&mut self, error: ConfigError) {
        self.error.get_or_insert(error);
    }
}

impl fmt::Debug for TelemetryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryBuilder")
            .field("settings", &self.settings)
            .field("exporters", &self.exporters.len())
            .field("processors", &self.processors)
            .field("error", &self.error)
            .finish()
    }
}
