//! The program's own log.

use tracing_subscriber::fmt::MakeWriter;

use super::TelemetryBuilder;
use crate::telemetry::logs::{LogFormat, Output, Writer};
use crate::telemetry::settings::Sending;

/// The setting that asks for a signal, not for how one is sent.
pub(in crate::telemetry) const OTLP_LOGS: &str = "telemetry.otlp_logs";

impl TelemetryBuilder {
    /// Writes the program's `tracing` events as lines: [`install`](Self::install) makes them those
    /// of the whole program, [`Telemetry::log_layer`](crate::telemetry::Telemetry::log_layer) is for a subscriber of one's own.
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

    /// Which events are logged: directives as in `RUST_LOG`; [`LogFilter::DEFAULT`] by default,
    /// which leaves out what OpenTelemetry's SDK says of itself.
    ///
    /// [`LogFilter::DEFAULT`]: crate::telemetry::LogFilter::DEFAULT
    pub fn log_filter(mut self, directives: impl Into<String>) -> Self {
        self.settings.log.filter = Some(directives.into());
        self
    }

    /// Sends the program's `tracing` events over OTLP, beside the lines or without them. Without an
    /// endpoint none is sent, of which [`Telemetry::warnings`](crate::telemetry::Telemetry::warnings) tells.
    pub fn otlp_logs(mut self) -> Self {
        self.of_otlp.push(OTLP_LOGS);
        if self.settings.logs == Sending::Never {
            self.settings.logs = Sending::WithEndpoint;
        }
        self
    }
}
