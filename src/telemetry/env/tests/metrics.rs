use super::*;
use crate::telemetry::otlp::Signal;

/// Where metrics are sent.
fn target(settings: &Settings) -> String {
    match settings.target(Signal::Metrics) {
        Some(target) => format!("{:?} {} {:?}", target.protocol, target.url, target.timeout),
        None => "nowhere".to_owned(),
    }
}

#[test]
fn metrics_go_where_the_specification_says() {
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const OWN_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    const EXPORTER: &str = "OTEL_METRICS_EXPORTER";
    const SCRAPED: &str = "OTEL_METRICS_EXPORTER=\"prometheus\": is scraped, not sent: serve \
                           metrics::MetricsService, such as on the admin address; left out";
    const CONSOLE: &str = "OTEL_METRICS_EXPORTER=\"console\": is not an exporter that is known \
                           here; left out";
    let scraped = |target: &str| format!("{target} | {SCRAPED}");
    for (variables, expected) in [
        (vec![], "nowhere".to_owned()),
        (vec![(ENDPOINT, "http://c:1/x/")], "HttpProtobuf http://c:1/x/v1/metrics 10s".to_owned()),
        (vec![(ENDPOINT, "http://c:4317")], "Grpc http://c:4317/ 10s".to_owned()),
        (vec![(ENDPOINT, "http://c:1"), (EXPORTER, "none")], "nowhere".to_owned()),
        (vec![(EXPORTER, "OTLP")], "HttpProtobuf http://localhost:4318/v1/metrics 10s".to_owned()),
        (
            vec![(ENDPOINT, "http://c:1"), (OWN_ENDPOINT, "http://m:2/own")],
            "HttpProtobuf http://m:2/own 10s".to_owned(),
        ),
        (
            vec![
                (ENDPOINT, "http://c:1"),
                ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "500"),
            ],
            "Grpc http://c:1/ 500ms".to_owned(),
        ),
        (
            vec![(ENDPOINT, "http://c:1"), ("OTEL_METRIC_EXPORT_TIMEOUT", "3000")],
            "HttpProtobuf http://c:1/v1/metrics 3s".to_owned(),
        ),
        (vec![("OTEL_SDK_DISABLED", "true"), (ENDPOINT, "http://c:1")], "nowhere".to_owned()),
        (vec![(ENDPOINT, "http://c:1"), (EXPORTER, "prometheus")], scraped("nowhere")),
        (
            vec![(ENDPOINT, "http://c:4317"), (EXPORTER, "prometheus,otlp")],
            scraped("Grpc http://c:4317/ 10s"),
        ),
        (
            vec![(ENDPOINT, "http://c:4317"), (EXPORTER, "console")],
            format!("Grpc http://c:4317/ 10s | {CONSOLE}"),
        ),
    ] {
        assert_eq!(shown(&variables, target), expected, "{variables:?}");
    }
}

#[test]
fn metrics_have_an_interval_and_a_form() {
    let tell = |settings: &Settings| {
        let Metering { interval, timeout, temporality, histograms, limit } = settings.metering;
        format!("{interval:?} {timeout:?} {temporality:?} {histograms:?} {limit:?}")
    };
    let plain = "60s 30s Cumulative ExplicitBucket None";
    for (variable, value, expected) in [
        ("OTEL_METRIC_EXPORT_INTERVAL", "250", "250ms 30s Cumulative ExplicitBucket None"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "250", "60s 250ms Cumulative ExplicitBucket None"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0", "60s 86400s Cumulative ExplicitBucket None"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "DELTA",
            "60s 30s Delta ExplicitBucket None",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "LowMemory",
            "60s 30s LowMemory ExplicitBucket None",
        ),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", plain),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "Base2_Exponential_Bucket_Histogram",
            "60s 30s Cumulative Base2Exponential None",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "explicit_bucket_histogram",
            plain,
        ),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off", plain),
    ] {
        assert_eq!(shown(&[(variable, value)], tell), expected, "{variable}={value}");
    }
    const MILLIS: &str = "is not a number of milliseconds from 1 to 86400000; ignored";
    for (variable, value, done) in [
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", MILLIS),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m", MILLIS),
        (
            "OTEL_METRIC_EXPORT_TIMEOUT",
            "-1",
            "is not a number of milliseconds from 0 to 86400000; ignored",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "both",
            "is none of cumulative, delta and lowmemory; ignored",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "summary",
            "is neither explicit_bucket_histogram nor base2_exponential_bucket_histogram; ignored",
        ),
        (
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "trace_based",
            "is not supported; metrics are sent without exemplars",
        ),
    ] {
        let expected = format!("{plain} | {variable}={value:?}: {done}");
        assert_eq!(shown(&[(variable, value)], tell), expected);
    }
}
