use proptest::prelude::*;

use super::*;
use crate::telemetry::otlp::Signal;

/// All variables that are read.
const ALL: [&str; 46] = [
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_PROPAGATORS",
    "OTEL_TRACES_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    "OTEL_METRICS_EXPORTER",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "RUST_LOG",
    "K8S_POD_NAME",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z0-9.,=%: _/\\[\\]-]{0,40}",
        "http://[a-z0-9:.@\\[\\]/?%-]{0,20}",
        "[0-9]{1,20}",
        Just("otlp".to_owned()),
        Just("grpc".to_owned()),
        Just("delta".to_owned()),
        Just("base2_exponential_bucket_histogram".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_environment_breaks_it(values in proptest::collection::vec(value(), ALL.len())) {
        let variables: Vec<_> = ALL.into_iter().zip(values.iter().map(String::as_str)).collect();
        let (settings, _) = read(&variables);
        // whatever is left can be used
        for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
            if let Some(target) = settings.target(signal) {
                prop_assert_eq!(target.url.scheme_str(), Some("http"));
                prop_assert!(target.url.authority().is_some());
            }
        }
        prop_assert!(!settings.service_name.trim().is_empty());
        prop_assert!(settings.span_batch.size <= settings.span_batch.queue);
        prop_assert!(settings.sampling.build().is_ok());
    }

    #[test]
    fn a_variable_is_used_or_warned_of(at in 0..ALL.len(), value in value()) {
        let name = ALL[at];
        // the argument means something with a sampler alone, INSECURE with an endpoint
        let means = !name.ends_with("_ARG") && !name.ends_with("_INSECURE");
        let (settings, warnings) = read(&[(name, &value)]);
        let plain = format!("{:?}", Settings::new("checkout".to_owned()));
        let changed = format!("{settings:?}") != plain;
        let says_nothing = value.trim().is_empty() || value.chars().all(|c| c == ',' || c.is_whitespace());
        // what is the default changes nothing
        let is_default = ["false", "512", "2048", "5000", "1000", "30000", "60000", "128", "none", "checkout"]
            .contains(&value.trim().trim_start_matches('0'));
        if means && !says_nothing && !is_default {
            prop_assert!(changed || !warnings.is_empty(), "{}={:?}", name, value);
        }
    }

    #[test]
    fn percent_encoding_is_undone(text in any::<String>()) {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let pairs = values::pairs(&format!("key={encoded}"));
        prop_assert_eq!(pairs, Ok(vec![("key".to_owned(), text)]));
    }
}
