//! Log lines and log records.

use std::io::Write;
use std::sync::{Arc, Mutex};

use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry_proto::tonic::common::v1::any_value::Value::{IntValue, StringValue};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use serde_json::json;
use tower_observability::telemetry::{LogFormat, Protocol, Telemetry};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::collector::{Answer, Collector};
use crate::kit::{LONG, attribute, quiet, within};

/// Lines, kept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Runs `log` under the telemetry's layer on a subscriber of one's own.
fn under<T>(telemetry: &Telemetry, log: impl FnOnce() -> T) -> T {
    let subscriber = tracing_subscriber::registry().with(telemetry.log_layer());
    tracing::subscriber::with_default(subscriber, log)
}

#[test]
fn lines_are_json_where_no_terminal_is() {
    for format in [LogFormat::Auto, LogFormat::Json] {
        let lines = Lines::default();
        let telemetry = quiet().logs(format).logs_to(lines.clone()).build().unwrap();
        under(&telemetry, || tracing::info!(target: "shop", items = 2, "sold"));
        let written = lines.take();
        let [line] = written.as_slice() else { panic!("{written:?}") };
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["fields"], json!({ "message": "sold", "items": 2 }));
        assert_eq!((&line["target"], &line["level"]), (&json!("shop"), &json!("INFO")));
    }
}

#[test]
fn pretty_lines_are_text() {
    let lines = Lines::default();
    let telemetry = quiet().logs(LogFormat::Pretty).logs_to(lines.clone()).build().unwrap();
    under(&telemetry, || tracing::info!(target: "shop", items = 2, "sold"));
    let written = lines.take();
    let [line] = written.as_slice() else { panic!("{written:?}") };
    assert!(line.ends_with(" INFO shop: sold items=2"), "{line}");
}

#[test]
fn what_the_sdk_says_of_itself_is_left_out_by_default() {
    let lines = Lines::default();
    let telemetry = quiet().logs(LogFormat::Pretty).logs_to(lines.clone()).build().unwrap();
    under(&telemetry, || {
        tracing::error!(target: "opentelemetry_sdk", name = "BatchSpanProcessor.ExportError");
        tracing::info!(target: "opentelemetry", name = "TracerProvider.GlobalSet");
        assert_eq!(lines.take(), [""; 0]);
        tracing::error!(target: "opentelemetry", name = "TracerProvider.GlobalSetFailed");
    });
    assert_eq!(lines.take().len(), 1);
}

#[test]
fn nothing_is_logged_unasked() {
    let telemetry = quiet().build().unwrap();
    assert!(telemetry.log_layer::<tracing_subscriber::Registry>().is_none());
}

#[test]
fn the_filter_changes_while_the_program_runs() {
    let lines = Lines::default();
    let telemetry = quiet()
        .logs(LogFormat::Pretty)
        .logs_to(lines.clone())
        .log_filter("info,quiet=warn")
        .build()
        .unwrap();
    let log = || {
        tracing::debug!(target: "shop", "detail");
        tracing::info!(target: "quiet", "hush");
        tracing::info!(target: "shop", "sold");
    };
    let told = |lines: &Lines| -> Vec<String> {
        let last = |line: String| line.rsplit(' ').next().unwrap().to_owned();
        lines.take().into_iter().map(last).collect()
    };
    let filter = telemetry.log_filter();
    under(&telemetry, || {
        log();
        assert_eq!(told(&lines), ["sold"]);
        filter.set("debug").unwrap();
        log();
        assert_eq!(told(&lines), ["detail", "hush", "sold"]);
        assert_eq!(filter.set("shop=loud").unwrap_err().directives(), "shop=loud");
        assert_eq!(filter.current(), "debug");
        log();
        assert_eq!(told(&lines), ["detail", "hush", "sold"]);
        filter.clone().set("off").unwrap();
        log();
        assert_eq!(told(&lines), [""; 0]);
        // an empty filter is the default one
        filter.set("").unwrap();
        log();
        assert_eq!(told(&lines), ["hush", "sold"]);
    });
    // a layer that is made later has the filter in force, and the dead one is not in the way
    filter.set("warn").unwrap();
    under(&telemetry, log);
    assert_eq!(told(&lines), [""; 0]);
}

#[cfg(all(feature = "access-log", feature = "request-id"))]
#[tokio::test(flavor = "current_thread")]
async fn lines_carry_the_ids_of_the_exchange() {
    use http::{Request, Response};
    use tower::{ServiceBuilder, ServiceExt, service_fn};
    use tower_observability::request_id::RequestIdLayer;
    use tower_observability::trace::TraceLayer;

    let lines = Lines::default();
    let telemetry = quiet().logs(LogFormat::Json).logs_to(lines.clone()).build().unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.log_layer());
    let _logging = tracing::subscriber::set_default(subscriber);
    let service = ServiceBuilder::new()
        .layer(RequestIdLayer::server())
        .layer(
            TraceLayer::server()
                .tracer_provider(telemetry.tracer_provider())
                .propagator(telemetry.propagator().clone()),
        )
        .service(service_fn(async |_| {
            tracing::info!(target: "shop", "sold");
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        }));
    let request = Request::get("/")
        .header("x-request-id", "r-1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .body(String::new());
    service.oneshot(request.unwrap()).await.unwrap();
    let written = lines.take();
    let [line] = written.as_slice() else { panic!("{written:?}") };
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["request_id"], "r-1");
    assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
}

async fn records_arrive_whole(protocol: Protocol) {
    let collector = Collector::start(protocol, &[Answer::Take]);
    let telemetry =
        quiet().otlp_endpoint(collector.url()).otlp_protocol(protocol).otlp_logs().build().unwrap();
    let tracer = telemetry.tracer_provider().tracer("test");
    let context = under(&telemetry, || {
        tracing::debug!(target: "shop", "detail");
        tracer.in_span("sell", |context| {
            tracing::warn!(name: "sale", target: "shop", items = 2, to = "ann", "sold");
            context.span().span_context().clone()
        })
    });
    let delivery = within(telemetry.shutdown(LONG)).await.unwrap();
    assert_eq!((delivery.logs()[0].ended(), delivery.lost_logs()), (1, 0));

    let received = collector.logs();
    let [received] = received.as_slice() else { panic!("{received:?}") };
    let [resource] = received.request.resource_logs.as_slice() else { panic!("{received:?}") };
    let has = |attribute: &_| resource.resource.as_ref().unwrap().attributes.contains(attribute);
    assert!(has(&crate::kit::text("service.name", "checkout")));
    let [scope] = resource.scope_logs.as_slice() else { panic!("{received:?}") };
    let shop = InstrumentationScope { name: "shop".to_owned(), ..Default::default() };
    assert_eq!(scope.scope, Some(shop));
    let [record] = scope.log_records.as_slice() else { panic!("{received:?}") };
    assert!(record.observed_time_unix_nano > 0);
    let mut record = record.clone();
    record.observed_time_unix_nano = 0;
    let expected = LogRecord {
        severity_number: SeverityNumber::Warn.into(),
        severity_text: "WARN".to_owned(),
        body: Some(AnyValue { value: Some(StringValue("sold".to_owned())) }),
        attributes: vec![
            attribute("items", IntValue(2)),
            attribute("to", StringValue("ann".to_owned())),
        ],
        flags: 1,
        trace_id: context.trace_id().to_bytes().to_vec(),
        span_id: context.span_id().to_bytes().to_vec(),
        event_name: "sale".to_owned(),
        ..Default::default()
    };
    assert_eq!(record, expected);
}

#[tokio::test]
async fn records_arrive_whole_over_grpc() {
    records_arrive_whole(Protocol::Grpc).await;
}

#[tokio::test]
async fn records_arrive_whole_over_http() {
    records_arrive_whole(Protocol::HttpProtobuf).await;
}

#[tokio::test]
async fn records_that_are_not_taken_are_counted() {
    for (answer, lost) in [(Answer::Refuse, 5), (Answer::Reject(2), 2), (Answer::Hang, 5)] {
        let collector = Collector::start(Protocol::HttpProtobuf, &[answer]);
        let telemetry = quiet().otlp_endpoint(collector.url()).otlp_logs().build().unwrap();
        under(&telemetry, || (0..5).for_each(|number| tracing::info!(number, "sold")));
        let timeout = match answer {
            Answer::Hang => std::time::Duration::from_millis(500),
            _ => LONG,
        };
        let error = within(telemetry.shutdown(timeout)).await.unwrap_err();
        let logs = error.delivery().logs()[0];
        assert_eq!((logs.ended(), logs.lost()), (5, lost), "{answer:?}");
        assert_eq!(error.timed_out(), answer == Answer::Hang);
    }
}
