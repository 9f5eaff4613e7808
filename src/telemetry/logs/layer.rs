//! The layer that writes lines and hands records to OTLP.

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;

use super::{LogFilter, LogSettings, Output};

/// A layer of a `tracing` subscriber; what [`Telemetry::log_layer`](super::super::Telemetry::log_layer)
/// makes.
pub type LogLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// The layer of these settings, behind a filter of its own; none if nothing is to be logged.
pub(in crate::telemetry) fn layer<S>(
    settings: &LogSettings,
    filter: &LogFilter,
    provider: Option<&SdkLoggerProvider>,
) -> Option<LogLayer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = settings.json().map(|json| match settings.output.clone() {
        Output::Stdout => lines(json, std::io::stdout),
        Output::Stderr => lines(json, std::io::stderr),
        Output::Writer(writer) => lines(json, writer),
    });
    let records = provider.map(|provider| OpenTelemetryTracingBridge::new(provider).boxed());
    let layers: Vec<LogLayer<S>> = lines.into_iter().chain(records).collect();
    (!layers.is_empty()).then(|| layers.with_filter(filter.layer()).boxed())
}

/// Lines with the IDs of the exchange in scope.
#[cfg(feature = "access-log")]
fn lines<S, W>(json: bool, writer: W) -> LogLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    use crate::access_log::stamp;
    match json {
        true => stamp::json().with_writer(writer).boxed(),
        false => stamp::text().with_writer(writer).boxed(),
    }
}

/// Lines; without the feature `access-log` they carry no IDs.
#[cfg(not(feature = "access-log"))]
fn lines<S, W>(json: bool, writer: W) -> LogLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(false);
    match json {
        true => layer.json().with_writer(writer).boxed(),
        false => layer.with_writer(writer).boxed(),
    }
}
