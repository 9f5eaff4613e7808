//! The settings of [`Telemetry`].

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::{ShouldSample, SpanExporter, SpanLimits, SpanProcessor};
use tracing_subscriber::fmt::MakeWriter;

use super::logs::{LogFormat, Output, Writer};
use super::otlp::{self, Protocol};
use super::pipeline::{Batch, Plain, SpanPipeline};
use super::resource::{DEPLOYMENT, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION};
use super::sampling::{Choice, Sampling};
use super::settings::{LONGEST_QUEUE, Sending, Settings, duration, header};
use super::{InstallError, Telemetry, assemble, env};
use crate::config::ConfigError;
use crate::trace::processor::{SpanRedaction, TailKeeping};

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
    /// The first setting that cannot be used.
    pub(super) error: Option<ConfigError>,
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
            error: None,
        }
    }

    /// Puts the `OTEL_*` environment, `RUST_LOG` and the pod's variables over what was set so far.
    ///
    /// | variables | what they set |
    /// |---|---|
    /// | `OTEL_SDK_DISABLED` | `true`: no spans, nothing exported |
    /// | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | the resource |
    /// | `K8S_POD_NAME`, `K8S_POD_UID`, `K8S_NAMESPACE_NAME`, `K8S_NODE_NAME`, `K8S_CONTAINER_NAME`, `K8S_DEPLOYMENT_NAME`, `K8S_CLUSTER_NAME` | the attributes `k8s.pod.name` and so on |
    /// | in a pod (where `KUBERNETES_SERVICE_HOST` is set) also `POD_NAME`, `POD_UID`, `POD_NAMESPACE`, `NODE_NAME`, `CONTAINER_NAME` | the same |
    /// | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the sampler |
    /// | `OTEL_PROPAGATORS` | `tracecontext`, `baggage`, `none` |
    /// | `OTEL_TRACES_EXPORTER`, `OTEL_LOGS_EXPORTER` | `otlp`, `none` |
    /// | `OTEL_EXPORTER_OTLP_ENDPOINT`, `_PROTOCOL`, `_HEADERS`, `_TIMEOUT`, `_INSECURE`, and each with `_TRACES` or `_LOGS` | OTLP |
    /// | `OTEL_BSP_*`, `OTEL_BLRP_*` | the batches of spans and of log records |
    /// | `OTEL_*_COUNT_LIMIT` | the limits of a span |
    /// | `RUST_LOG` | [`log_filter`](Self::log_filter) |
    ///
    /// What cannot be used is ignored, and listed by [`Telemetry::warnings`]. Unlike the
    /// specification's default, nothing is sent to `localhost` unasked: OTLP needs an endpoint, or
    /// `otlp` as the exporter.
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

    /// Sends traces, and [logs if asked](Self::otlp_logs), to an OpenTelemetry collector: the base
    /// URL of one, such as `http://localhost:4318`. Over HTTP, `/v1/traces` and `/v1/logs` are
    /// added.
    ///
    /// Only the scheme `http` is taken: this crate is built without TLS.
    pub fn otlp_endpoint(mut self, url: impl AsRef<str>) -> Self {
        match otlp::endpoint(url.as_ref(), false) {
            Ok(url) => self.settings.otlp.endpoint = Some(url),
            Err(allowed) => {
                self.refuse("telemetry.otlp_endpoint", &otlp::told(url.as_ref()), allowed);
            }
        }
        self
    }

    /// How OTLP travels; by default the endpoint's port tells: gRPC for 4317, else
    /// [`Protocol::HttpProtobuf`].
    pub fn otlp_protocol(mut self, protocol: Protocol) -> Self {
        self.settings.otlp.protocol = Some(protocol);
        self
    }

    /// A header of each OTLP request, such as an API key.
    pub fn otlp_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match header(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                let headers = self.settings.otlp.headers.get_or_insert_with(HeaderMap::new);
                headers.insert(name, value);
            }
            Err(allowed) => self.refuse("telemetry.otlp_header", name.as_ref(), allowed),
        }
        self
    }

    /// For the export of one batch, its retries included; 10 s by default.
    pub fn otlp_timeout(mut self, timeout: Duration) -> Self {
        match duration("telemetry.otlp_timeout", timeout) {
            Ok(timeout) => self.settings.otlp.timeout = Some(timeout),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Which of the traces that start here are sampled; all by default.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.settings.sampling = Choice::ParentBased(sampling);
        self
    }

    /// A sampler of one's own, which is asked about every span.
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.settings.sampling = Choice::Custom(Box::new(sampler));
        self
    }

    /// The most spans that wait for an exporter, those of the batch under way included; what comes
    /// above is dropped and counted. 2048 by default, 1 048 576 at most.
    pub fn span_queue(mut self, spans: usize) -> Self {
        match (1..=LONGEST_QUEUE).contains(&spans) {
            true => self.settings.span_batch.queue = spans,
            false => self.refuse(
                "telemetry.span_queue",
                &spans.to_string(),
                "a number from 1 to 1048576",
            ),
        }
        self
    }

    /// The most spans of one batch; 512 by default, and never more than the queue holds.
    pub fn span_batch(mut self, spans: usize) -> Self {
        match (1..=LONGEST_QUEUE).contains(&spans) {
            true => self.settings.span_batch.size = spans,
            false => self.refuse(
                "telemetry.span_batch",
                &spans.to_string(),
                "a number from 1 to 1048576",
            ),
        }
        self
    }

    /// The longest that a span waits for its batch to fill; 5 s by default.
    pub fn span_delay(mut self, delay: Duration) -> Self {
        match duration("telemetry.span_delay", delay) {
            Ok(delay) => self.settings.span_batch.delay = delay,
            Err(error) => self.fail(error),
        }
        self
    }

    /// How much a span may hold.
    pub fn span_limits(mut self, limits: SpanLimits) -> Self {
        self.settings.span_limits = limits;
        self
    }

    /// Exports spans there, too, with a queue and a thread of its own. `name` tells it apart in
    /// [`Delivery`](super::Delivery) and in the log.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use opentelemetry::trace::{Tracer, TracerProvider};
    /// use opentelemetry_sdk::trace::InMemorySpanExporter;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let spans = InMemorySpanExporter::default();
    /// let telemetry = Telemetry::builder("checkout").span_exporter("memory", spans.clone()).build()?;
    /// let tracer = telemetry.tracer_provider().tracer("example");
    /// tracer.in_span("pay", |_| {});
    /// telemetry.flush(std::time::Duration::from_secs(5)).await?;
    /// assert_eq!(spans.get_finished_spans()?[0].name, "pay");
    /// # Ok(()) }
    /// ```
    pub fn span_exporter(
        mut self,
        name: &'static str,
        exporter: impl SpanExporter + 'static,
    ) -> Self {
        let make = move |batch| SpanPipeline::new(name, Plain(exporter), batch);
        self.exporters.push(Box::new(make));
        self
    }

    /// A processor of one's own, which sees each span before the exporters do.
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Exports traces that failed or were slow, whole, though the sampler said no. What it drops is
    /// none of [`Delivery`](super::Delivery): a clone of `keeping` tells it.
    pub fn tail_keeping(mut self, keeping: TailKeeping) -> Self {
        self.tail_keeping = Some(keeping);
        self
    }

    /// Redacts spans before any exporter gets them.
    pub fn span_redaction(mut self, redaction: SpanRedaction) -> Self {
        self.span_redaction = Some(redaction);
        self
    }

    /// Writes the program's `tracing` events as lines: [`install`](Self::install) makes them those
    /// of the whole program, [`Telemetry::log_layer`] is for a subscriber of one's own.
    ///
    /// With the feature `access-log` each line carries the request ID and the trace ID.
    pub fn logs(mut self, format: LogFormat) -> Self {
        self.settings.log.format = Some(format);
        self
    }

    /// Writes lines to the standard error; to the standard output by default.
    pub fn logs_to_stderr(mut self) -> Self {
        self.settings.log.output = Output::Stderr;
        self
    }

    /// Writes lines there; [`LogFormat::Auto`] is JSON then.
    pub fn logs_to(mut self, writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static) -> Self {
        self.settings.log.output = Output::Writer(Writer::new(writer));
        self
    }

    /// Which events are logged: directives as in `RUST_LOG`; `info` by default.
    pub fn log_filter(mut self, directives: impl Into<String>) -> Self {
        self.settings.log.filter = Some(directives.into());
        self
    }

    /// Sends the program's `tracing` events over OTLP, beside the lines or without them.
    pub fn otlp_logs(mut self) -> Self {
        if self.settings.logs == Sending::Never {
            self.settings.logs = Sending::WithEndpoint;
        }
        self
    }

    /// Sets everything up, but nothing that is global.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn build(self) -> Result<Telemetry, ConfigError> {
        assemble::build(self)
    }

    /// Sets everything up, and makes it that of the whole program: the tracer provider, the
    /// propagator and, if [`logs`](Self::logs) or [`otlp_logs`](Self::otlp_logs) were asked for,
    /// the `tracing` subscriber.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and when the program has a `tracing` subscriber already.
    pub fn install(self) -> Result<Telemetry, InstallError> {
        let telemetry = self.build()?;
        telemetry.install()?;
        Ok(telemetry)
    }

    fn refuse(&mut self, field: &'static str, value: &str, allowed: &'static str) {
        self.fail(ConfigError::new(field, value, allowed));
    }

    fn fail(&mut self, error: ConfigError) {
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
