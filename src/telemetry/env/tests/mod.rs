mod metrics;
mod otlp;
mod properties;

use super::*;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::Metering;

/// The settings after reading these variables, and the warnings as texts.
fn read(variables: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let mut settings = Settings::new("checkout".to_owned());
    let lookup = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    };
    apply(&mut settings, &lookup);
    let warnings = settings.warnings.iter().map(ToString::to_string).collect();
    (settings, warnings)
}

/// What a variable sets, as `tell` shows it; with the warning if there is one.
fn shown(variables: &[(&str, &str)], tell: impl Fn(&Settings) -> String) -> String {
    let (settings, warnings) = read(variables);
    [vec![tell(&settings)], warnings].concat().join(" | ")
}

#[test]
fn an_empty_environment_changes_nothing() {
    let (settings, warnings) = read(&[]);
    let plain = Settings::new("checkout".to_owned());
    assert_eq!((format!("{settings:?}"), warnings), (format!("{plain:?}"), vec![]));
    let (empty, warnings) = read(&[
        ("OTEL_SERVICE_NAME", ""),
        ("OTEL_TRACES_SAMPLER", " "),
        ("OTEL_PROPAGATORS", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ("OTEL_BSP_SCHEDULE_DELAY", ""),
    ]);
    assert_eq!((format!("{empty:?}"), warnings), (format!("{plain:?}"), vec![]));
}

#[test]
fn only_true_switches_off() {
    for (value, expected) in [
        ("true", "true"),
        ("TRUE", "true"),
        ("False", "false"),
        ("1", r#"false | OTEL_SDK_DISABLED="1": is neither true nor false; ignored"#),
    ] {
        let disabled =
            shown(&[("OTEL_SDK_DISABLED", value)], |settings| settings.disabled.to_string());
        assert_eq!(disabled, expected, "{value}");
    }
}

#[test]
fn samplers_are_those_of_the_specification() {
    const RATIO: &str = "is not a ratio from 0 to 1; ignored";
    for (name, argument, expected) in [
        ("always_on", "", "Alone(AlwaysOn)".to_owned()),
        ("always_off", "", "Alone(AlwaysOff)".to_owned()),
        ("ParentBased_Always_Off", "", "ParentBased(AlwaysOff)".to_owned()),
        ("traceidratio", "0.25", "Alone(Ratio(0.25))".to_owned()),
        ("traceidratio", "", "Alone(Ratio(1.0))".to_owned()),
        ("parentbased_always_on", "0.25", "ParentBased(AlwaysOn)".to_owned()),
        ("parentbased_always_off", "", "ParentBased(AlwaysOff)".to_owned()),
        ("parentbased_traceidratio", "1", "ParentBased(Ratio(1.0))".to_owned()),
        (
            "parentbased_traceidratio",
            "1.1",
            format!(r#"ParentBased(Ratio(1.0)) | OTEL_TRACES_SAMPLER_ARG="1.1": {RATIO}"#),
        ),
        (
            "traceidratio",
            "NaN",
            format!(r#"Alone(Ratio(1.0)) | OTEL_TRACES_SAMPLER_ARG="NaN": {RATIO}"#),
        ),
        (
            "jaeger_remote",
            "",
            "ParentBased(AlwaysOn) | OTEL_TRACES_SAMPLER=\"jaeger_remote\": is not a sampler \
             that is known here; ignored"
                .to_owned(),
        ),
    ] {
        let variables = [("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)];
        let sampling = shown(&variables, |settings| format!("{:?}", settings.sampling));
        assert_eq!(sampling, expected);
    }
}

#[test]
fn propagators_are_a_list() {
    const STRANGER: &str =
        r#"OTEL_PROPAGATORS="b3": is not a propagator that is known here; left out"#;
    for (value, expected) in [
        ("tracecontext", "[TraceContext]".to_owned()),
        ("baggage, tracecontext,baggage", "[Baggage, TraceContext]".to_owned()),
        ("TraceContext", "[TraceContext]".to_owned()),
        ("none", "[]".to_owned()),
        ("none,baggage", "[]".to_owned()),
        ("b3,baggage", format!("[Baggage] | {STRANGER}")),
        ("b3", format!("[TraceContext, Baggage] | {STRANGER}")),
        (",", "[TraceContext, Baggage]".to_owned()),
    ] {
        let formats =
            shown(&[("OTEL_PROPAGATORS", value)], |settings| format!("{:?}", settings.propagators));
        assert_eq!(formats, expected, "{value}");
    }
}

#[test]
fn a_resource_is_percent_decoded_and_taken_whole_or_not_at_all() {
    const BAD: &str = "is not a list of key=value, percent-encoded; ignored";
    let list = |settings: &Settings| {
        let attributes = settings.resource.iter();
        let attributes = attributes.map(|one| format!("{}={}", one.key, one.value));
        let all: Vec<_> = attributes.chain([format!("name={}", settings.service_name)]).collect();
        all.join(";")
    };
    for (value, expected) in [
        ("a=b, c = d ,", "a=b;c=d;name=checkout".to_owned()),
        ("a=b%2Cc%3Dd%20e", "a=b,c=d e;name=checkout".to_owned()),
        ("%61=%C3%A9", "a=é;name=checkout".to_owned()),
        ("a=b=c", "a=b=c;name=checkout".to_owned()),
        ("a=", "a=;name=checkout".to_owned()),
        ("service.name=cart,a=b", "a=b;name=cart".to_owned()),
        ("a=b,c", format!(r#"name=checkout | OTEL_RESOURCE_ATTRIBUTES="a=b,c": {BAD}"#)),
        ("a=%zz", format!(r#"name=checkout | OTEL_RESOURCE_ATTRIBUTES="a=%zz": {BAD}"#)),
        ("a=%4", format!(r#"name=checkout | OTEL_RESOURCE_ATTRIBUTES="a=%4": {BAD}"#)),
        ("a=%FF", format!(r#"name=checkout | OTEL_RESOURCE_ATTRIBUTES="a=%FF": {BAD}"#)),
        ("=b", format!(r#"name=checkout | OTEL_RESOURCE_ATTRIBUTES="=b": {BAD}"#)),
    ] {
        assert_eq!(shown(&[("OTEL_RESOURCE_ATTRIBUTES", value)], list), expected);
    }
    let named = [
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=cart"),
        ("OTEL_SERVICE_NAME", "basket"),
        ("K8S_POD_NAME", "pod-1"),
        ("POD_NAME", "pod-2"),
        ("POD_NAMESPACE", "shop"),
        ("NODE_NAME", "builder"),
    ];
    assert_eq!(shown(&named, list), "k8s.pod.name=pod-1;name=basket");
    let in_pod = [&named[..], &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]].concat();
    let expected = "k8s.pod.name=pod-1;k8s.namespace.name=shop;k8s.node.name=builder;name=basket";
    assert_eq!(shown(&in_pod, list), expected);
}

#[test]
fn what_was_said_outright_wins_over_what_the_pod_says() {
    let variables = [
        ("K8S_POD_NAME", "pod-1"),
        ("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=mine,service.instance.id=i-1"),
    ];
    let lookup = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    };
    let telemetry = Telemetry::builder("checkout").from_env_with(lookup).build().unwrap();
    let get =
        |key: &'static str| telemetry.resource().get(&key.into()).map(|value| value.to_string());
    assert_eq!(get("k8s.pod.name").as_deref(), Some("mine"));
    assert_eq!(get("service.instance.id").as_deref(), Some("i-1"));
    assert_eq!(get("service.name").as_deref(), Some("checkout"));
    assert_eq!(get("telemetry.sdk.language").as_deref(), Some("rust"));
}

#[test]
fn batches_have_bounds() {
    let tell = |settings: &Settings| {
        let Batch { queue, size, delay, timeout } = settings.span_batch;
        format!("{queue} {size} {delay:?} {timeout:?}")
    };
    const MILLIS: &str = "is not a number of milliseconds from 1 to 86400000; ignored";
    const COUNT: &str = "is not a number from 1 to 1048576; ignored";
    for (name, value, expected) in [
        ("SCHEDULE_DELAY", "250", "2048 512 250ms 30s".to_owned()),
        ("EXPORT_TIMEOUT", "250", "2048 512 5s 250ms".to_owned()),
        ("EXPORT_TIMEOUT", "0", "2048 512 5s 86400s".to_owned()),
        ("MAX_QUEUE_SIZE", "4096", "4096 512 5s 30s".to_owned()),
        ("MAX_QUEUE_SIZE", "100", "100 100 5s 30s".to_owned()),
        ("MAX_EXPORT_BATCH_SIZE", "64", "2048 64 5s 30s".to_owned()),
        (
            "MAX_EXPORT_BATCH_SIZE",
            "4096",
            "2048 2048 5s 30s | OTEL_BSP_MAX_EXPORT_BATCH_SIZE=\"4096\": is more than the queue \
             holds; 2048 used"
                .to_owned(),
        ),
        (
            "SCHEDULE_DELAY",
            "0",
            format!(r#"2048 512 5s 30s | OTEL_BSP_SCHEDULE_DELAY="0": {MILLIS}"#),
        ),
        (
            "SCHEDULE_DELAY",
            "5s",
            format!(r#"2048 512 5s 30s | OTEL_BSP_SCHEDULE_DELAY="5s": {MILLIS}"#),
        ),
        (
            "MAX_QUEUE_SIZE",
            "1048577",
            format!(r#"2048 512 5s 30s | OTEL_BSP_MAX_QUEUE_SIZE="1048577": {COUNT}"#),
        ),
        (
            "MAX_QUEUE_SIZE",
            "-1",
            format!(r#"2048 512 5s 30s | OTEL_BSP_MAX_QUEUE_SIZE="-1": {COUNT}"#),
        ),
    ] {
        let variable = format!("OTEL_BSP_{name}");
        assert_eq!(shown(&[(&variable, value)], tell), expected);
    }
    let (settings, warnings) = read(&[("OTEL_BLRP_MAX_QUEUE_SIZE", "7")]);
    assert_eq!((settings.log_batch.queue, settings.log_batch.size, warnings), (7, 7, vec![]));
    assert_eq!(settings.span_batch, Batch::SPANS);
}

#[test]
fn spans_have_limits() {
    let (settings, warnings) = read(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "8"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "7"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "6"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "many"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5"),
    ]);
    let limits = settings.span_limits;
    let read = [
        limits.max_attributes_per_span,
        limits.max_events_per_span,
        limits.max_links_per_span,
        limits.max_attributes_per_event,
        limits.max_attributes_per_link,
    ];
    assert_eq!(read, [9, 8, 7, 6, 128]);
    let done = "is not a number of at most 32 bits; ignored";
    let many = format!(r#"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT="many": {done}"#);
    let not_cut =
        r#"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT="5": is not supported; values are not cut"#;
    assert_eq!(warnings, [many, not_cut.to_owned()]);
}

#[test]
fn the_log_filter_is_checked() {
    let tell = |settings: &Settings| format!("{:?}", settings.log.filter);
    assert_eq!(shown(&[("RUST_LOG", "info,hyper=warn")], tell), r#"Some("info,hyper=warn")"#);
    let expected = r#"None | RUST_LOG="hyper=loud": no filter; ignored"#;
    assert_eq!(shown(&[("RUST_LOG", "hyper=loud")], tell), expected);
}

#[cfg(unix)]
#[test]
fn what_is_not_unicode_is_warned_of() {
    use std::os::unix::ffi::OsStringExt;
    let mut settings = Settings::new("checkout".to_owned());
    const VARIABLES: [&str; 2] = ["OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_HEADERS"];
    let raw = |name: &str| {
        let bytes = [b"authorization=s3cret".as_slice(), &[255]].concat();
        VARIABLES.contains(&name).then(|| OsString::from_vec(bytes))
    };
    apply(&mut settings, &raw);
    let expected =
        VARIABLES.map(|name| Warning::new(name, "(not told)", "is not Unicode; ignored"));
    assert_eq!((settings.service_name.as_str(), settings.warnings), ("checkout", expected.into()));
}
