//! Everything that can be set, from code or from the environment.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::SpanLimits;

use super::logs::LogSettings;
use super::metrics::Metering;
use super::otlp::{Protocol, Signal, Target};
use super::pipeline::Batch;
use super::propagator::Format;
use super::sampling::{Choice, Sampling};
use super::warning::Warning;
use crate::config::ConfigError;

/// Everything that can be set.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) disabled: bool,
    pub(super) service_name: String,
    /// Later entries of a key win.
    pub(super) resource: Vec<KeyValue>,
    pub(super) otlp: Otlp,
    pub(super) otlp_traces: Otlp,
    pub(super) otlp_logs: Otlp,
    pub(super) otlp_metrics: Otlp,
    pub(super) traces: Sending,
    pub(super) logs: Sending,
    pub(super) metrics: Sending,
    pub(super) sampling: Choice,
    pub(super) span_batch: Batch,
    pub(super) log_batch: Batch,
    pub(super) metering: Metering,
    pub(super) span_limits: SpanLimits,
    pub(super) propagators: Vec<Format>,
    pub(super) log: LogSettings,
    pub(super) warnings: Vec<Warning>,
}

impl Settings {
    pub(super) fn new(service_name: String) -> Self {
        Self {
            disabled: false,
            service_name,
            resource: Vec::new(),
            otlp: Otlp::default(),
            otlp_traces: Otlp::default(),
            otlp_logs: Otlp::default(),
            otlp_metrics: Otlp::default(),
            traces: Sending::WithEndpoint,
            logs: Sending::Never,
            metrics: Sending::WithEndpoint,
            sampling: Choice::ParentBased(Sampling::AlwaysOn),
            span_batch: Batch::SPANS,
            log_batch: Batch::LOGS,
            metering: Metering::DEFAULT,
            span_limits: SpanLimits::default(),
            propagators: vec![Format::TraceContext, Format::Baggage],
            log: LogSettings::default(),
            warnings: Vec::new(),
        }
    }

    /// Where a signal is sent; nowhere if nobody said to send it.
    pub(super) fn target(&self, signal: Signal) -> Option<Target> {
        let (own, sending, limit) = match signal {
            Signal::Traces => (&self.otlp_traces, self.traces, self.span_batch.timeout),
            Signal::Logs => (&self.otlp_logs, self.logs, self.log_batch.timeout),
            Signal::Metrics => (&self.otlp_metrics, self.metrics, self.metering.timeout),
        };
        let endpoint = own.endpoint.as_ref().or(self.otlp.endpoint.as_ref());
        let by_port = || endpoint.map(Protocol::of).unwrap_or_default();
        let protocol = own.protocol.or(self.otlp.protocol).unwrap_or_else(by_port);
        let url = match (&own.endpoint, &self.otlp.endpoint, sending) {
            _ if self.disabled => return None,
            (_, _, Sending::Never) | (None, None, Sending::WithEndpoint) => return None,
            (Some(url), ..) => url.clone(),
            (None, Some(base), _) => signal.under(base, protocol),
            (None, None, Sending::Always) => signal.under(&protocol.default_endpoint(), protocol),
        };
        let headers = own.headers.as_ref().or(self.otlp.headers.as_ref());
        let timeout = own.timeout.or(self.otlp.timeout).unwrap_or(DEFAULT_TIMEOUT);
        Some(Target {
            signal,
            protocol,
            url,
            headers: headers.cloned().unwrap_or_default(),
            timeout: timeout.min(limit),
        })
    }
}

/// The specification's default for `OTEL_EXPORTER_OTLP_TIMEOUT`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a signal is sent over OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// If there is an endpoint.
    WithEndpoint,
    /// To the default endpoint if there is no other.
    Always,
    Never,
}

/// What is set for OTLP, in general or for one signal.
#[derive(Debug, Default)]
pub(super) struct Otlp {
    pub(super) endpoint: Option<Uri>,
    pub(super) protocol: Option<Protocol>,
    pub(super) headers: Option<HeaderMap>,
    pub(super) timeout: Option<Duration>,
}

/// A header to send. Its value may be a secret, so no error tells it.
pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let allowed =
        "the name and the value of an HTTP header, for instance authorization and a token";
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| allowed)?;
    let mut value = HeaderValue::from_str(value).map_err(|_| allowed)?;
    value.set_sensitive(true);
    let reserved =
        ["content-type", "content-length", "content-encoding", "te", "host", "connection"];
    let known = name.as_str();
    // gRPC would take such a value for base64
    if reserved.contains(&known) || known.starts_with("grpc-") || known.ends_with("-bin") {
        return Err("a header that is not one of HTTP's framing or gRPC's own");
    }
    Ok((name, value))
}

/// A duration that can be waited: from 1 ms to 1 day.
pub(super) fn duration(field: &'static str, duration: Duration) -> Result<Duration, ConfigError> {
    if (SHORTEST..=LONGEST).contains(&duration) {
        return Ok(duration);
    }
    Err(ConfigError::new(field, format!("{duration:?}"), "a duration from 1 ms to 1 day"))
}

/// The shortest time that can be set.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);
/// The longest time that can be set.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest queue that can be set; its room is taken at the start.
pub(super) const LONGEST_QUEUE: usize = 1 << 20;
