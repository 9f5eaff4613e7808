//! What is refused, and which setting holds.

use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanContext, Tracer, TracerProvider};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler};
use tower_observability::telemetry::{Protocol, Sampling, Telemetry, TelemetryBuilder};

use crate::collector::{Answer, Collector};
use crate::kit::{LONG, end_spans, environment, quiet, within};

type Set = fn(TelemetryBuilder) -> TelemetryBuilder;

#[test]
fn a_setting_that_cannot_be_used_is_refused_with_its_name() {
    const NO_TLS: &str = "a URL of scheme http: this crate is built without TLS, so send to a \
                          collector beside the program";
    const SCHEME: &str = "a URL with its scheme, such as http://localhost:4317";
    const PORT: &str = "a URL whose port is a number from 1 to 65535";
    const URL: &str = "a URL of scheme http, such as http://localhost:4318";
    const TIME: &str = "a duration from 1 ms to 1 day";
    const COUNT: &str = "a number from 1 to 1048576";
    const FRAMING: &str = "a header that is not one of HTTP's framing or gRPC's own";
    const HEADER: &str =
        "the name and the value of an HTTP header, for instance authorization and a token";
    let cases: [(Set, &str, &str, &str); 16] = [
        (|set| set.otlp_endpoint("https://c:1"), "otlp_endpoint", "https://c:1", NO_TLS),
        (|set| set.otlp_endpoint("c:1"), "otlp_endpoint", "c:1", SCHEME),
        (|set| set.otlp_endpoint("http://c:65536"), "otlp_endpoint", "http://c:65536", PORT),
        (|set| set.otlp_endpoint("/v1"), "otlp_endpoint", "/v1", URL),
        (|set| set.otlp_timeout(Duration::ZERO), "otlp_timeout", "0ns", TIME),
        (|set| set.otlp_header("content-type", "s3cret"), "otlp_header", "content-type", FRAMING),
        (|set| set.otlp_header("a b", "s3cret"), "otlp_header", "a b", HEADER),
        (|set| set.otlp_header("a", "s3cret\n"), "otlp_header", "a", HEADER),
        (|set| set.sampling(Sampling::Ratio(1.5)), "sampling", "1.5", "a ratio from 0 to 1"),
        (|set| set.sampling(Sampling::Ratio(f64::NAN)), "sampling", "NaN", "a ratio from 0 to 1"),
        (|set| set.metric_interval(Duration::ZERO), "metric_interval", "0ns", TIME),
        (|set| set.metric_cardinality(0), "metric_cardinality", "0", COUNT),
        (|set| set.span_queue(0), "span_queue", "0", COUNT),
        (|set| set.span_batch(1_048_577), "span_batch", "1048577", COUNT),
        (
            |set| set.span_delay(Duration::MAX),
            "span_delay",
            "18446744073709551615.999999999s",
            TIME,
        ),
        (
            |set| set.log_filter("hyper=loud"),
            "log_filter",
            "hyper=loud",
            "directives as in RUST_LOG, such as info,hyper=warn",
        ),
    ];
    for (set, field, value, allowed) in cases {
        let error = set(quiet()).build().unwrap_err();
        let expected = (format!("telemetry.{field}"), value, allowed);
        assert_eq!((error.field().to_owned(), error.value(), error.allowed()), expected);
    }
    assert_eq!(Telemetry::builder(" ").build().unwrap_err().field(), "telemetry.service_name");
    // the first one is told
    let error = quiet().span_queue(0).otlp_endpoint("/v1").build().unwrap_err();
    assert_eq!(error.field(), "telemetry.span_queue");
}

#[test]
fn of_the_code_and_the_environment_the_last_one_holds() {
    let environment = environment(&[("OTEL_SERVICE_NAME", "cart")]);
    let name = |telemetry: Telemetry| telemetry.resource().get(&"service.name".into()).unwrap();
    let last = Telemetry::builder("checkout").from_env_with(&environment).build().unwrap();
    assert_eq!(name(last).as_str(), "cart");
    let first = Telemetry::builder("checkout")
        .from_env_with(&environment)
        .resource_attribute("service.name", "basket");
    assert_eq!(name(first.build().unwrap()).as_str(), "basket");
    let named = Telemetry::builder("checkout").from_env_with(&environment).service_name("shop");
    assert_eq!(name(named.build().unwrap()).as_str(), "shop");
}

#[test]
fn settings_of_otlp_without_an_endpoint_are_warned_of() {
    const ALL: [&str; 4] = [
        "telemetry.otlp_header",
        "telemetry.otlp_logs",
        "telemetry.otlp_protocol",
        "telemetry.otlp_timeout",
    ];
    let otlp =
        || quiet().otlp_logs().otlp_logs().otlp_protocol(Protocol::Grpc).otlp_header("a", "s3cret");
    let otlp = || otlp().otlp_timeout(LONG);
    let warned = |builder: TelemetryBuilder| -> Vec<String> {
        let telemetry = builder.build().unwrap();
        telemetry.warnings().iter().map(|warning| warning.variable().to_owned()).collect()
    };
    assert_eq!(warned(otlp()), ALL);
    let set = |variables: &[(&str, &str)]| warned(otlp().from_env_with(environment(variables)));
    // what is switched off is meant to do nothing
    assert_eq!(set(&[("OTEL_LOGS_EXPORTER", "none")]), [ALL[0], ALL[2], ALL[3]]);
    assert_eq!(set(&[("OTEL_TRACES_EXPORTER", "none")]), [ALL[1]]);
    assert_eq!(set(&[("OTEL_SDK_DISABLED", "true")]), [""; 0]);
    assert_eq!(set(&[("OTEL_METRICS_EXPORTER", "none")]), ALL);
    assert_eq!(set(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1")]), [""; 0]);
    // metrics are sent wherever traces are, so only what was said of them alone is idle
    let metrics = || quiet().otlp_metrics(true).metric_temporality(Temporality::Delta);
    const METRICS: [&str; 2] = ["telemetry.metric_temporality", "telemetry.otlp_metrics"];
    assert_eq!(warned(metrics()), METRICS);
    assert_eq!(warned(metrics().otlp_metrics(false)), [""; 0]);
    assert_eq!(warned(metrics().otlp_endpoint("http://c:1")), [""; 0]);
    let traces =
        |variables: &[(&str, &str)]| warned(metrics().from_env_with(environment(variables)));
    assert_eq!(traces(&[("OTEL_TRACES_EXPORTER", "otlp")]), METRICS);
    let telemetry = quiet().otlp_logs().build().unwrap();
    let text = "telemetry.otlp_logs: does nothing without an endpoint: set otlp_endpoint or \
                OTEL_EXPORTER_OTLP_ENDPOINT";
    assert_eq!(telemetry.warnings()[0].to_string(), text);
}

#[test]
fn an_instance_has_an_id_of_its_own() {
    let id = || {
        let telemetry = Telemetry::builder("checkout").build().unwrap();
        telemetry.resource().get(&"service.instance.id".into()).unwrap().to_string()
    };
    let (one, other) = (id(), id());
    assert_eq!((one.len(), other.len()), (36, 36));
    assert_ne!(one, other);
}

#[tokio::test]
async fn the_environment_says_where_to_send() {
    for (protocol, name) in [(Protocol::Grpc, "grpc"), (Protocol::HttpProtobuf, "http/protobuf")] {
        let collector = Collector::start(protocol, &[Answer::Take]);
        let url = collector.url();
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=s%203"),
        ];
        let telemetry = quiet().from_env_with(environment(&variables)).build().unwrap();
        assert_eq!(telemetry.warnings(), []);
        end_spans(&telemetry, 3);
        within(telemetry.shutdown(LONG)).await.unwrap();
        assert_eq!((collector.spans(), collector.traces().len()), (3, 1));
        assert_eq!(collector.traces()[0].headers["x-api-key"], "s 3");
    }
}

/// How many of 1000 roots are sampled.
fn sampled(builder: TelemetryBuilder) -> usize {
    let telemetry = builder.build().unwrap();
    let tracer = telemetry.tracer_provider().tracer("test");
    (0..1000).filter(|_| tracer.start("root").span_context().is_sampled()).count()
}

#[test]
fn sampling_is_a_setting() {
    assert_eq!(sampled(quiet()), 1000);
    assert_eq!(sampled(quiet().sampling(Sampling::AlwaysOff)), 0);
    assert_eq!(sampled(quiet().sampling(Sampling::Ratio(0.0))), 0);
    assert_eq!(sampled(quiet().sampler(Sampler::AlwaysOff)), 0);
    // 1000 draws at one half: 400 to 600 but for one time in 10^9
    let half = sampled(quiet().sampling(Sampling::Ratio(0.5)));
    assert!((400..=600).contains(&half), "{half}");
}

#[tokio::test]
async fn switched_off_it_makes_no_span_and_sends_nothing() {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let memory = InMemorySpanExporter::default();
    let telemetry = quiet()
        .otlp_endpoint(collector.url())
        .otlp_logs()
        .span_exporter("memory", memory.clone())
        .from_env_with(environment(&[("OTEL_SDK_DISABLED", "true")]))
        .build()
        .unwrap();
    assert!(!telemetry.is_enabled());
    end_spans(&telemetry, 3);
    telemetry.meter_provider().meter("test").u64_counter("work").build().add(1, &[]);
    let delivery = within(telemetry.shutdown(LONG)).await.unwrap();
    assert_eq!((delivery.spans(), delivery.logs()), ([].as_slice(), [].as_slice()));
    assert_eq!((delivery.metrics(), collector.metrics().len()), ([].as_slice(), 0));
    assert_eq!((collector.spans(), memory.get_finished_spans().unwrap().len()), (0, 0));
}

#[test]
fn propagators_are_those_that_were_asked_for() {
    for (value, fields) in [
        ("tracecontext,baggage", &["traceparent", "tracestate", "baggage"] as &[_]),
        ("tracecontext", &["traceparent", "tracestate"]),
        ("baggage", &["baggage"]),
        ("none", &[]),
    ] {
        let variables = [("OTEL_PROPAGATORS", value)];
        let telemetry = quiet().from_env_with(environment(&variables)).build().unwrap();
        let propagator = telemetry.propagator();
        assert_eq!(propagator.fields().collect::<Vec<_>>(), fields, "{value}");
    }
}

#[tokio::test]
async fn tails_are_kept_and_redacted() {
    use opentelemetry::KeyValue;
    use opentelemetry::trace::Status;
    use tower_observability::trace::processor::{SpanRedaction, TailKeeping};

    let memory = InMemorySpanExporter::default();
    let telemetry = quiet()
        .sampling(Sampling::AlwaysOff)
        .tail_keeping(TailKeeping::new())
        .span_redaction(SpanRedaction::new().key("user.email").unwrap())
        .span_exporter("memory", memory.clone())
        .build()
        .unwrap();
    let tracer = telemetry.tracer_provider().tracer("test");
    let end = |name: &'static str, status| -> SpanContext {
        let attributes = [KeyValue::new("user.email", "a@b.c"), KeyValue::new("shown", 1)];
        let mut span = tracer.span_builder(name).with_attributes(attributes).start(&tracer);
        span.set_status(status);
        span.end();
        span.span_context().clone()
    };
    end("fine", Status::Unset);
    let failed = end("failed", Status::error("no"));
    let delivery = within(telemetry.flush(LONG)).await.unwrap();
    assert_eq!((delivery.spans()[0].ended(), delivery.lost_spans()), (1, 0));
    let spans = memory.get_finished_spans().unwrap();
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((span.span_context.span_id(), &*span.name), (failed.span_id(), "failed"));
    let hidden = KeyValue::new("user.email", "[redacted]");
    let first = &span.attributes[0];
    assert_eq!(first.key, hidden.key);
    assert_ne!(first.value.as_str(), "a@b.c");
    assert_eq!(span.attributes[1], KeyValue::new("shown", 1));
}
