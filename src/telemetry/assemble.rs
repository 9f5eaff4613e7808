//! From settings to parts that run.

use std::sync::{Arc, Condvar, Mutex};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};

use super::builder::{OTLP_LOGS, OTLP_METRICS, TEMPORALITY, TelemetryBuilder};
use super::close::Closing;
use super::logs::LogFilter;
use super::otlp::{Io, OtlpLogs, OtlpMetrics, OtlpSpans, Sender, Signal};
use super::pipeline::{FanOut, LogPipeline, SpanPipeline, metric_reader};
use super::propagator;
#[cfg(feature = "stack")]
use super::resource::SERVICE_VERSION;
use super::sampling::{Choice, Sampling};
use super::settings::{Sending, Settings};
use super::warning::Warning;
use super::{Parts, Telemetry, resource};
use crate::config::ConfigError;

/// What tells this crate's OTLP exporter apart.
const OTLP: &str = "otlp";

pub(super) fn build(builder: TelemetryBuilder) -> Result<Telemetry, ConfigError> {
    let TelemetryBuilder {
        mut settings,
        exporters,
        processors,
        tail_keeping,
        span_redaction,
        of_otlp,
        error,
        #[cfg(feature = "stack")]
        stack,
    } = builder;
    if let Some(error) = error {
        return Err(error);
    }
    if settings.service_name.trim().is_empty() {
        let allowed = "a name that is not empty";
        return Err(ConfigError::new("telemetry.service_name", settings.service_name, allowed));
    }
    let directives = settings.log.filter.as_deref().unwrap_or(LogFilter::DEFAULT);
    let log_filter = LogFilter::new(directives).map_err(|_| {
        let allowed = "directives as in RUST_LOG, such as info,hyper=warn";
        ConfigError::new("telemetry.log_filter", directives, allowed)
    })?;
    settings.span_batch.size = settings.span_batch.size.min(settings.span_batch.queue);
    let targets = [Signal::Traces, Signal::Logs, Signal::Metrics].map(|one| settings.target(one));
    settings.warnings.append(&mut idle(&settings, of_otlp));
    let io = match &targets {
        [None, None, None] => None,
        _ => Some(Io::new()?),
    };
    // made before any thread is started, as making one may fail
    let sender = |target| match (io.clone(), target) {
        (Some(io), Some(target)) => Sender::new(io, target).map(Some),
        _ => Ok(None),
    };
    let [spans, logs, metrics] = targets.map(sender);
    let (spans, logs, metrics) = (spans?, logs?, metrics?);
    let sampling = match settings.disabled {
        // what is switched off still hands on the caller's decision
        true => Choice::ParentBased(Sampling::AlwaysOff),
        false => settings.sampling,
    };
    let sampler = sampling.build()?;

    let resource = resource::build(&settings.service_name, &settings.resource);
    let mut provider = SdkTracerProvider::builder()
        .with_span_limits(settings.span_limits)
        .with_resource(resource.clone());
    provider = match &tail_keeping {
        Some(keeping) if !settings.disabled => provider.with_sampler(keeping.sampler(sampler)),
        _ => provider.with_sampler(sampler),
    };
    let mut span_ledgers = Vec::new();
    if !settings.disabled {
        let otlp = spans
            .map(|sender| SpanPipeline::new(OTLP, OtlpSpans::new(sender), settings.span_batch));
        let own = exporters.into_iter().map(|make| make(settings.span_batch));
        let pipelines: Vec<_> = otlp.into_iter().chain(own).collect();
        span_ledgers.extend(pipelines.iter().map(SpanPipeline::ledger));
        let fan_out = (!pipelines.is_empty()).then(|| Boxed(Box::new(FanOut(pipelines))));
        // redaction works on what leaves alone, so it is inside of what holds spans back
        let redacted = fan_out.map(|inner| match &span_redaction {
            Some(redaction) => Boxed(Box::new(redaction.processor(inner))),
            None => inner,
        });
        let kept = redacted.map(|inner| match &tail_keeping {
            Some(keeping) => Boxed(Box::new(keeping.processor(inner))),
            None => inner,
        });
        for processor in processors.into_iter().map(Boxed).chain(kept) {
            provider = provider.with_span_processor(processor);
        }
    }
    let mut log_ledgers = Vec::new();
    let logger_provider = logs.map(|sender| {
        let pipeline = LogPipeline::new(OTLP, OtlpLogs::new(sender), settings.log_batch);
        log_ledgers.push(pipeline.ledger());
        SdkLoggerProvider::builder()
            .with_resource(resource.clone())
            .with_log_processor(pipeline)
            .build()
    });
    let metering = settings.metering;
    let mut meter_provider = SdkMeterProvider::builder()
        .with_resource(resource.clone())
        .with_view(move |instrument: &Instrument| metering.stream(instrument));
    let mut point_ledger = None;
    if let Some(sender) = metrics {
        let (reader, ledger) = metric_reader(OTLP, OtlpMetrics::new(sender), &metering);
        meter_provider = meter_provider.with_reader(reader);
        point_ledger = Some(ledger);
    }
    let (tracer_provider, meter_provider) = (provider.build(), meter_provider.build());
    #[cfg(feature = "stack")]
    let stack = stack.assemble(crate::stack::Base {
        tracer_provider: &tracer_provider,
        meter_provider: point_ledger.as_ref().map(|_| &meter_provider),
        losses: super::LossCollector::of_ledgers(&span_ledgers, &log_ledgers, &point_ledger),
        version: resource.get(&SERVICE_VERSION.into()).map(|version| version.as_str().into_owned()),
    })?;
    Ok(Telemetry(Arc::new(Parts {
        enabled: !settings.disabled,
        tracer_provider,
        meter_provider,
        logger_provider,
        span_ledgers,
        log_ledgers,
        point_ledger,
        io,
        service_name: settings.service_name,
        resource,
        propagator: propagator::of(&settings.propagators),
        log: settings.log,
        log_filter,
        warnings: settings.warnings,
        closing: Mutex::new(Closing::Open),
        closed: Condvar::new(),
        #[cfg(feature = "stack")]
        stack,
    })))
}

/// Warns of settings of OTLP that do nothing, as there is no endpoint; not of what was switched off.
fn idle(settings: &Settings, mut of_otlp: Vec<&'static str>) -> Vec<Warning> {
    const DONE: &str =
        "does nothing without an endpoint: set otlp_endpoint or OTEL_EXPORTER_OTLP_ENDPOINT";
    let [traces, logs, metrics] = [
        (Signal::Traces, settings.traces),
        (Signal::Logs, settings.logs),
        (Signal::Metrics, settings.metrics),
    ]
    .map(|(signal, sending)| (settings.target(signal).is_some(), sending));
    of_otlp.sort_unstable();
    of_otlp.dedup();
    of_otlp.retain(|setting| match *setting {
        _ if settings.disabled => false,
        OTLP_LOGS => logs == (false, Sending::WithEndpoint),
        OTLP_METRICS | TEMPORALITY => metrics == (false, Sending::WithEndpoint),
        _ => !logs.0 && !metrics.0 && traces == (false, Sending::WithEndpoint),
    });
    of_otlp.into_iter().map(|setting| Warning::new(setting, "", DONE)).collect()
}

/// A processor whose type is not known.
#[derive(Debug)]
struct Boxed(Box<dyn SpanProcessor>);

impl SpanProcessor for Boxed {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: std::time::Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
