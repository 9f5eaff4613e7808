//! The `OTEL_*` environment, as OpenTelemetry's specification reads it: what cannot be used is
//! warned of, and left at what it was.

mod metrics;
mod values;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::str::FromStr;

use opentelemetry::KeyValue;

use self::values::{boolean, count, headers, millis, pairs, ratio, timeout};
use super::logs::LogFilter;
use super::otlp::{self, Protocol};
use super::pipeline::Batch;
use super::propagator::Format;
use super::resource::{IN_POD, KUBERNETES, SERVICE_NAME};
use super::sampling::{Choice, Sampling};
use super::settings::{LONGEST_QUEUE, Otlp, Sending, Settings};
use super::warning::Warning;

/// Puts what the environment says over the settings.
pub(super) fn apply(settings: &mut Settings, lookup: &dyn Fn(&str) -> Option<OsString>) {
    let mut env = Env { lookup, warnings: Vec::new() };
    if let Some(disabled) = env.read("OTEL_SDK_DISABLED", boolean) {
        settings.disabled = disabled;
    }
    resource(settings, &mut env);
    sampler(settings, &mut env);
    propagators(settings, &mut env);
    exporters(settings, &mut env);
    let insecure = otlp(&mut settings.otlp, "", false, &mut env);
    otlp(&mut settings.otlp_traces, "_TRACES", insecure, &mut env);
    otlp(&mut settings.otlp_logs, "_LOGS", insecure, &mut env);
    otlp(&mut settings.otlp_metrics, "_METRICS", insecure, &mut env);
    batch(&mut settings.span_batch, "BSP", &mut env);
    batch(&mut settings.log_batch, "BLRP", &mut env);
    metrics::metering(&mut settings.metering, &mut env);
    limits(settings, &mut env);
    let filter =
        |text: &str| LogFilter::new(text).map(|_| text.to_owned()).map_err(|_| "no filter");
    if let Some(filter) = env.read("RUST_LOG", filter) {
        settings.log.filter = Some(filter);
    }
    settings.warnings.append(&mut env.warnings);
}

/// The environment, and what could not be used of it.
struct Env<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
    warnings: Vec<Warning>,
}

impl Env<'_> {
    /// A variable's value; an empty one counts as unset.
    fn text(&mut self, variable: &str) -> Option<String> {
        match (self.lookup)(variable)?.into_string() {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(text.trim().to_owned()),
            Err(_) => {
                // it may be a secret: the value of a header, the password of an endpoint
                self.warn(variable, "(not told)", "is not Unicode; ignored");
                None
            }
        }
    }

    /// A variable that names one or several of a set, in any case.
    fn names(&mut self, variable: &str) -> Option<String> {
        self.text(variable).map(|text| text.to_ascii_lowercase())
    }

    fn read<T>(
        &mut self,
        variable: &str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.warn(variable, &text, format!("{reason}; ignored"));
                None
            }
        }
    }

    fn warn(&mut self, variable: &str, value: &str, done: impl Into<String>) {
        self.warnings.push(Warning::new(variable, value, done));
    }
}

/// `OTEL_RESOURCE_ATTRIBUTES`, which wins over what Kubernetes tells, and `OTEL_SERVICE_NAME`,
/// which wins over the `service.name` of the former.
fn resource(settings: &mut Settings, env: &mut Env<'_>) {
    let in_pod = env.text(IN_POD).is_some();
    for attribute in KUBERNETES {
        let common = attribute.in_pod.filter(|_| in_pod);
        let value = env.text(attribute.variable).or_else(|| env.text(common?));
        if let Some(value) = value {
            settings.resource.push(KeyValue::new(attribute.key, value));
        }
    }
    for (key, value) in env.read("OTEL_RESOURCE_ATTRIBUTES", pairs).unwrap_or_default() {
        match key == SERVICE_NAME {
            true if value.is_empty() => {}
            true => settings.service_name = value,
            false => settings.resource.push(KeyValue::new(key, value)),
        }
    }
    if let Some(name) = env.text("OTEL_SERVICE_NAME") {
        settings.service_name = name;
    }
}

fn sampler(settings: &mut Settings, env: &mut Env<'_>) {
    const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
    let Some(name) = env.names("OTEL_TRACES_SAMPLER") else { return };
    // the specification's default for a missing or unusable argument is 1.0
    let mut ratio = || Sampling::Ratio(env.read(ARGUMENT, ratio).unwrap_or(1.0));
    settings.sampling = match name.as_str() {
        "always_on" => Choice::Alone(Sampling::AlwaysOn),
        "always_off" => Choice::Alone(Sampling::AlwaysOff),
        "traceidratio" => Choice::Alone(ratio()),
        "parentbased_always_on" => Choice::ParentBased(Sampling::AlwaysOn),
        "parentbased_always_off" => Choice::ParentBased(Sampling::AlwaysOff),
        "parentbased_traceidratio" => Choice::ParentBased(ratio()),
        _ => {
            let done = "is not a sampler that is known here; ignored";
            return env.warn("OTEL_TRACES_SAMPLER", &name, done);
        }
    };
}

fn propagators(settings: &mut Settings, env: &mut Env<'_>) {
    const VARIABLE: &str = "OTEL_PROPAGATORS";
    let Some(text) = env.names(VARIABLE) else { return };
    let mut formats = Vec::new();
    let mut none = false;
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let format = match name {
            "tracecontext" => Format::TraceContext,
            "baggage" => Format::Baggage,
            "none" => {
                none = true;
                continue;
            }
            _ => {
                env.warn(VARIABLE, name, "is not a propagator that is known here; left out");
                continue;
            }
        };
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    // a list of nothing but strangers says nothing
    if none || !formats.is_empty() {
        settings.propagators = if none { Vec::new() } else { formats };
    }
}

fn exporters(settings: &mut Settings, env: &mut Env<'_>) {
    if let Some(sending) = exporter("OTEL_TRACES_EXPORTER", env) {
        settings.traces = sending;
    }
    if let Some(sending) = exporter("OTEL_LOGS_EXPORTER", env) {
        settings.logs = sending;
    }
    if let Some(sending) = exporter(METRICS_EXPORTER, env) {
        settings.metrics = sending;
    }
}

const METRICS_EXPORTER: &str = "OTEL_METRICS_EXPORTER";

/// What is said of an exporter that a variable cannot set up, as it has no port to listen on.
const SCRAPED: &str = "is scraped, not sent: serve metrics::MetricsService, such as on the admin \
                       address; left out";

fn exporter(variable: &str, env: &mut Env<'_>) -> Option<Sending> {
    let text = env.names(variable)?;
    let mut sending = None;
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "otlp" => sending = Some(Sending::Always),
            "none" => sending = sending.or(Some(Sending::Never)),
            "prometheus" if variable == METRICS_EXPORTER => {
                sending = sending.or(Some(Sending::Never));
                env.warn(variable, name, SCRAPED);
            }
            _ => env.warn(variable, name, "is not an exporter that is known here; left out"),
        }
    }
    sending
}

/// Answers whether an endpoint without a scheme is `http`; `insecure` if nothing is said.
fn otlp(otlp: &mut Otlp, signal: &str, insecure: bool, env: &mut Env<'_>) -> bool {
    let variable = |name: &str| format!("OTEL_EXPORTER_OTLP{signal}_{name}");
    let insecure = env.read(&variable("INSECURE"), boolean).unwrap_or(insecure);
    let name = variable("ENDPOINT");
    if let Some(text) = env.text(&name) {
        match otlp::endpoint(&text, insecure) {
            Ok(url) => otlp.endpoint = Some(url),
            Err(allowed) => {
                env.warn(&name, &otlp::told(&text), format!("ignored; it takes {allowed}"));
            }
        }
    }
    if let Some(protocol) = env.read(&variable("PROTOCOL"), protocol) {
        otlp.protocol = Some(protocol);
    }
    if let Some(limit) = env.read(&variable("TIMEOUT"), timeout) {
        otlp.timeout = Some(limit);
    }
    let name = variable("HEADERS");
    if let Some(text) = env.text(&name) {
        let (headers, bad) = headers(&text);
        for (shown, reason) in bad {
            env.warn(&name, &shown, format!("{reason}; left out"));
        }
        otlp.headers = Some(headers);
    }
    let name = variable("COMPRESSION");
    if let Some(text) = env.names(&name).filter(|text| text != "none") {
        env.warn(&name, &text, "is not supported; sent without compression");
    }
    for name in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"].map(variable) {
        if let Some(text) = env.text(&name) {
            env.warn(&name, &text, "is not supported; there is no TLS");
        }
    }
    insecure
}

fn protocol(text: &str) -> Result<Protocol, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        _ => Err("is neither grpc nor http/protobuf"),
    }
}

fn batch(batch: &mut Batch, prefix: &str, env: &mut Env<'_>) {
    let variable = |name: &str| format!("OTEL_{prefix}_{name}");
    if let Some(delay) = env.read(&variable("SCHEDULE_DELAY"), millis) {
        batch.delay = delay;
    }
    if let Some(limit) = env.read(&variable("EXPORT_TIMEOUT"), timeout) {
        batch.timeout = limit;
    }
    let counts = [("MAX_QUEUE_SIZE", &mut batch.queue), ("MAX_EXPORT_BATCH_SIZE", &mut batch.size)];
    for (name, size) in counts {
        if let Some(read) = env.read(&variable(name), |text| count(text, 1..=LONGEST_QUEUE)) {
            *size = read;
        }
    }
    if batch.size > batch.queue {
        // the default size may be what does not fit; only what was said is worth a warning
        let name = variable("MAX_EXPORT_BATCH_SIZE");
        if let Some(text) = env.text(&name) {
            env.warn(&name, &text, format!("is more than the queue holds; {} used", batch.queue));
        }
        batch.size = batch.queue;
    }
}

fn limits(settings: &mut Settings, env: &mut Env<'_>) {
    let limits = &mut settings.span_limits;
    let any = |text: &str| u32::from_str(text).map_err(|_| "is not a number of at most 32 bits");
    if let Some(limit) = env.read("OTEL_ATTRIBUTE_COUNT_LIMIT", any) {
        limits.max_attributes_per_span = limit;
    }
    for (variable, limit) in [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", &mut limits.max_attributes_per_span),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", &mut limits.max_events_per_span),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", &mut limits.max_links_per_span),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", &mut limits.max_attributes_per_event),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", &mut limits.max_attributes_per_link),
    ] {
        if let Some(read) = env.read(variable, any) {
            *limit = read;
        }
    }
    for variable in ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"]
    {
        if let Some(text) = env.text(variable) {
            env.warn(variable, &text, "is not supported; values are not cut");
        }
    }
}
