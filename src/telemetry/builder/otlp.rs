//! OTLP.

use std::time::Duration;

use http::HeaderMap;

use super::TelemetryBuilder;
use crate::telemetry::otlp::{self, Protocol};
use crate::telemetry::settings::{duration, header};

impl TelemetryBuilder {
    /// Sends traces, [metrics](Self::otlp_metrics) and, [if asked](Self::otlp_logs), logs to an
    /// OpenTelemetry collector: the base URL of one, such as `http://localhost:4318`. Over HTTP,
    /// `/v1/traces`, `/v1/metrics` and `/v1/logs` are added.
    ///
    /// Only the scheme `http` is taken: this crate is built without TLS. No proxy is used, whatever
    /// `HTTP_PROXY` says.
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
    /// [`Protocol::HttpProtobuf`]. Like all settings of OTLP, it does nothing without an endpoint,
    /// of which [`Telemetry::warnings`](crate::telemetry::Telemetry::warnings) tells.
    pub fn otlp_protocol(mut self, protocol: Protocol) -> Self {
        self.of_otlp.push("telemetry.otlp_protocol");
        self.settings.otlp.protocol = Some(protocol);
        self
    }

    /// A header of each OTLP request, such as an API key.
    pub fn otlp_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.of_otlp.push("telemetry.otlp_header");
        match header(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                let headers = self.settings.otlp.headers.get_or_insert_with(HeaderMap::new);
                headers.insert(name, value);
            }
            Err(allowed) => self.refuse("telemetry.otlp_header", name.as_ref(), allowed),
        }
        self
    }

    /// For the export of one batch, or of 2000 data points, its retries included; 10 s by default.
    pub fn otlp_timeout(mut self, timeout: Duration) -> Self {
        self.of_otlp.push("telemetry.otlp_timeout");
        match duration("telemetry.otlp_timeout", timeout) {
            Ok(timeout) => self.settings.otlp.timeout = Some(timeout),
            Err(error) => self.fail(error),
        }
        self
    }
}
