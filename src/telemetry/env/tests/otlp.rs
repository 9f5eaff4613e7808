use http::HeaderMap;

use super::*;
use crate::telemetry::otlp::Signal;

/// Where traces and logs are sent.
fn targets(settings: &Settings) -> String {
    let one = |signal| match settings.target(signal) {
        Some(target) => {
            format!("{:?} {} {:?}", target.protocol, target.url, target.timeout)
        }
        None => "nowhere".to_owned(),
    };
    format!("{}; {}", one(Signal::Traces), one(Signal::Logs))
}

#[test]
fn otlp_goes_where_the_specification_says() {
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
    const TRACES: &str = "OTEL_TRACES_EXPORTER";
    const LOGS: &str = "OTEL_LOGS_EXPORTER";
    for (variables, expected) in [
        (vec![], "nowhere; nowhere"),
        (vec![(ENDPOINT, "http://c:1")], "HttpProtobuf http://c:1/v1/traces 10s; nowhere"),
        (
            vec![(ENDPOINT, "http://c:1/x/"), (LOGS, "otlp")],
            "HttpProtobuf http://c:1/x/v1/traces 10s; HttpProtobuf http://c:1/x/v1/logs 10s",
        ),
        (
            vec![(ENDPOINT, "http://c:1"), (PROTOCOL, "grpc"), (LOGS, "otlp")],
            "Grpc http://c:1/ 10s; Grpc http://c:1/ 10s",
        ),
        (
            vec![(ENDPOINT, "http://c:1"), (PROTOCOL, "GRPC"), (LOGS, "OTLP")],
            "Grpc http://c:1/ 10s; Grpc http://c:1/ 10s",
        ),
        (vec![(ENDPOINT, "http://c:1"), (TRACES, "none")], "nowhere; nowhere"),
        (vec![(TRACES, "otlp")], "HttpProtobuf http://localhost:4318/v1/traces 10s; nowhere"),
        (vec![(TRACES, "otlp"), (PROTOCOL, "grpc")], "Grpc http://localhost:4317/ 10s; nowhere"),
        (
            vec![
                (ENDPOINT, "http://c:1"),
                (LOGS, "otlp"),
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2/own"),
                ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
                ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "500"),
            ],
            "HttpProtobuf http://t:2/own 2s; Grpc http://c:1/ 500ms",
        ),
        (
            vec![
                (ENDPOINT, "http://c:1"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
                ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
            ],
            "HttpProtobuf http://c:1/v1/traces 86400s; nowhere",
        ),
        (
            vec![(ENDPOINT, "http://c:1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1")],
            "HttpProtobuf http://c:1/v1/traces 10s; nowhere | OTEL_EXPORTER_OTLP_TIMEOUT=\"-1\": is \
             not a number of milliseconds from 0 to 86400000; ignored",
        ),
        (
            vec![(ENDPOINT, "http://c:1"), ("OTEL_BSP_EXPORT_TIMEOUT", "3000")],
            "HttpProtobuf http://c:1/v1/traces 3s; nowhere",
        ),
        (
            vec![(ENDPOINT, "c:1"), ("OTEL_EXPORTER_OTLP_INSECURE", "true"), (PROTOCOL, "grpc")],
            "Grpc http://c:1/ 10s; nowhere",
        ),
        (
            vec![
                ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "t:4317"),
                ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "l:4317"),
                ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "false"),
                (LOGS, "otlp"),
            ],
            "Grpc http://t:4317/ 10s; HttpProtobuf http://localhost:4318/v1/logs 10s | \
             OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=\"l:4317\": ignored; it takes a URL with its scheme, \
             such as http://localhost:4317",
        ),
        (
            vec![("OTEL_SDK_DISABLED", "true"), (ENDPOINT, "http://c:1"), (LOGS, "otlp")],
            "nowhere; nowhere",
        ),
        (
            vec![(ENDPOINT, "https://c:1")],
            "nowhere; nowhere | OTEL_EXPORTER_OTLP_ENDPOINT=\"https://c:1\": ignored; it takes a URL \
             of scheme http: this crate is built without TLS, so send to a collector beside the \
             program",
        ),
        (
            vec![(ENDPOINT, "http://me:s3cret@c:1")],
            "nowhere; nowhere | OTEL_EXPORTER_OTLP_ENDPOINT=\"http://...@c:1\": ignored; it takes a \
             URL without user and password: use a header, such as authorization",
        ),
        (
            vec![(ENDPOINT, "http://c:4317"), (LOGS, "otlp")],
            "Grpc http://c:4317/ 10s; Grpc http://c:4317/ 10s",
        ),
        (
            vec![(ENDPOINT, "http://c:4317"), (PROTOCOL, "http/protobuf")],
            "HttpProtobuf http://c:4317/v1/traces 10s; nowhere",
        ),
        (
            vec![(ENDPOINT, "http://c:1"), (PROTOCOL, "http/json")],
            "HttpProtobuf http://c:1/v1/traces 10s; nowhere | OTEL_EXPORTER_OTLP_PROTOCOL=\
             \"http/json\": is neither grpc nor http/protobuf; ignored",
        ),
        (
            vec![(ENDPOINT, "http://c:1"), (TRACES, "zipkin,otlp")],
            "HttpProtobuf http://c:1/v1/traces 10s; nowhere | OTEL_TRACES_EXPORTER=\"zipkin\": is \
             not an exporter that is known here; left out",
        ),
        (
            vec![(ENDPOINT, "http://c:1"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")],
            "HttpProtobuf http://c:1/v1/traces 10s; nowhere | OTEL_EXPORTER_OTLP_COMPRESSION=\
             \"gzip\": is not supported; sent without compression",
        ),
    ] {
        assert_eq!(shown(&variables, targets), expected, "{variables:?}");
    }
}

#[test]
fn headers_are_decoded_and_no_warning_tells_a_value() {
    let own = ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-own=1");
    let all = "Authorization=Basic%20AAA%3D, x-a = b ,te=trailers,bad name=s3cret,s3cret,x=%zz";
    let (settings, warnings) = read(&[("OTEL_EXPORTER_OTLP_HEADERS", all), own]);
    let flat = |headers: &Option<HeaderMap>| {
        let headers = headers.iter().flatten();
        let mut all: Vec<_> =
            headers.map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        all.sort();
        all
    };
    assert_eq!(flat(&settings.otlp.headers), ["authorization=Basic AAA=", "x-a=b"]);
    assert_eq!(flat(&settings.otlp_logs.headers), ["x-own=1"]);
    const UNSENT: &str = "is not a header that can be sent";
    let left_out =
        |(name, reason)| format!("OTEL_EXPORTER_OTLP_HEADERS={name:?}: {reason}; left out");
    let no_pair = ("(not told)", "is not name=value");
    let expected = [("te", UNSENT), ("bad name", UNSENT), no_pair, ("x", UNSENT)];
    assert_eq!(warnings, expected.map(left_out));
    assert!(!format!("{settings:?}").contains("AAA"));
}

#[test]
fn what_is_not_done_is_warned_of() {
    let (_, warnings) = read(&[
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "/c.pem"),
        ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", "/k.pem"),
    ]);
    let expected = [
        "OTEL_EXPORTER_OTLP_CERTIFICATE=\"/ca.pem\": is not supported; there is no TLS",
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE=\"/c.pem\": is not supported; there is no TLS",
        "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY=\"/k.pem\": is not supported; there is no TLS",
    ];
    assert_eq!(warnings, expected);
}
