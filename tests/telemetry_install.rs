//! Telemetry as that of the whole program: one test, as globals are set once.
#![cfg(feature = "telemetry")]

#[allow(dead_code)]
#[path = "telemetry/collector/mod.rs"]
mod collector;
#[allow(dead_code)]
#[path = "telemetry/kit.rs"]
mod kit;
mod written;

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::global;
use opentelemetry::trace::{Span, TraceContextExt, Tracer};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use tower_observability::telemetry::{InstallError, LogFormat, Protocol, Telemetry};
use tracing::Event;
use tracing_subscriber::layer::Context;
use tracing_subscriber::{Layer, Registry};

use collector::{Answer, Collector};
use kit::{LONG, environment, quiet, within};
use written::Written;

/// The headers that the global propagator sends for a span of the global provider.
fn sent() -> (bool, HashMap<String, String>) {
    let tracer = global::tracer("test");
    let mut headers = HashMap::new();
    let recording = tracer.in_span("work", |context| {
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut headers);
        });
        context.span().is_recording()
    });
    (recording, headers)
}

/// The names of the scopes of all records that came, which are their targets.
fn targets(collector: &Collector) -> BTreeSet<String> {
    let requests = collector.logs().into_iter().flat_map(|one| one.request.resource_logs);
    let scopes = requests.flat_map(|resource| resource.scope_logs);
    scopes.filter_map(|scope| Some(scope.scope?.name)).collect()
}

/// The names of the scopes of all metrics that came.
fn meters(collector: &Collector) -> BTreeSet<String> {
    let requests = collector.metrics().into_iter().flat_map(|one| one.request.resource_metrics);
    let scopes = requests.flat_map(|resource| resource.scope_metrics);
    scopes.filter_map(|scope| Some(scope.scope?.name)).collect()
}

/// Counts the events of the target `hidden`.
#[derive(Clone, Default)]
struct Hidden(Arc<AtomicUsize>);

impl Layer<Registry> for Hidden {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, Registry>) {
        if event.metadata().target() == "hidden" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn it_becomes_that_of_the_whole_program() {
    // building sets nothing
    let built = quiet().build().unwrap();
    assert!(built.is_enabled());
    assert_eq!(sent(), (false, HashMap::new()));

    // switched off, the API's own no-op stays
    let off = quiet().from_env_with(environment(&[("OTEL_SDK_DISABLED", "true")]));
    assert!(!off.install().unwrap().is_enabled());
    assert_eq!(sent(), (false, HashMap::new()));

    // a bad setting changes nothing
    let refused = quiet().log_filter("a=loud").logs(LogFormat::Json).install().unwrap_err();
    assert!(matches!(refused, InstallError::Config(_)), "{refused}");

    let (lines, counted) = (Written::default(), Hidden::default());
    let collector = Collector::start(Protocol::Grpc, &[Answer::Take]);
    let telemetry: Telemetry = quiet()
        .otlp_endpoint(collector.url())
        .otlp_protocol(Protocol::Grpc)
        .logs(LogFormat::Json)
        .logs_to(lines.clone())
        .log_filter("trace,hidden=off")
        .otlp_logs()
        .from_env_with(environment(&[("OTEL_BSP_SCHEDULE_DELAY", "soon")]))
        .install_with(|telemetry| {
            assert!(telemetry.log_layer::<Registry>().is_some());
            counted.clone()
        })
        .unwrap();
    assert_eq!(telemetry.warnings().len(), 1);
    assert_eq!(lines.text().matches(r#""variable":"OTEL_BSP_SCHEDULE_DELAY""#).count(), 1);
    let message = r#""message":"OTEL_BSP_SCHEDULE_DELAY: is not a number"#;
    assert_eq!(lines.text().matches(message).count(), 1);

    // a layer of one's own sees what the log's filter leaves out
    assert_eq!(counted.0.load(Ordering::Relaxed), 0);
    tracing::trace!(target: "hidden", "seen");
    assert_eq!(counted.0.load(Ordering::Relaxed), 1);
    assert_eq!(lines.text().matches(r#""target":"hidden""#).count(), 0);
    let (recording, headers) = sent();
    assert!(recording);
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["traceparent"]);

    // every batch that is sent makes hyper and h2 log, which must make no batch
    let sold = global::meter("shop").u64_counter("sold").build();
    assert_eq!((collector.metrics().len(), telemetry.delivery().lost_metrics()), (0, 0));
    for round in 0..3 {
        tracing::info!(target: "shop", round, "sold");
        sold.add(1, &[]);
        within(telemetry.flush(LONG)).await.unwrap();
    }
    // nor do they measure themselves
    assert_eq!(meters(&collector), BTreeSet::from(["shop".to_owned()]));
    let points = telemetry.delivery().metrics()[0];
    assert_eq!((collector.metrics().len(), points.ended(), points.exported()), (3, 3, 3));
    assert_eq!(telemetry.delivery().logs()[0].ended(), telemetry.delivery().logs()[0].exported());
    let own = ["shop", "tower_observability::telemetry"].map(str::to_owned);
    assert_eq!(targets(&collector), BTreeSet::from(own));
    // they are logged, though
    assert!(lines.text().contains(r#""target":"h2::"#), "{}", lines.text());
    assert_eq!(lines.text().matches(r#""target":"shop""#).count(), 3);

    // a second one finds the place taken, and leaves it as it is
    let second = quiet().logs(LogFormat::Json).install().unwrap_err();
    assert!(matches!(second, InstallError::Subscriber(_)), "{second}");
    let text = "a global tracing subscriber is set already, so no provider and no \
                propagator were set: build the telemetry instead, add its log_layer to that \
                subscriber, and call set_globals";
    assert_eq!(second.to_string(), text);
    assert!(second.source().is_some());

    let before = telemetry.delivery().spans()[0].ended();
    global::tracer("test").start("work").end();
    assert_eq!(telemetry.delivery().spans()[0].ended(), before + 1);
    let delivery = within(telemetry.shutdown(LONG)).await.unwrap();
    assert_eq!((collector.spans(), delivery.lost_spans()), (before + 1, 0));
    // what is logged after that goes to the lines alone
    tracing::info!(target: "shop", "closed");
    assert_eq!(lines.text().matches(r#""target":"shop""#).count(), 4);

    // with the subscriber that there is, the rest can still be made global
    let memory = InMemorySpanExporter::default();
    let other = quiet().otlp_logs().span_exporter("memory", memory).build().unwrap();
    global::tracer("test").start("work").end();
    assert_eq!(other.delivery().spans()[0].ended(), 0);
    let metrics = InMemoryMetricExporter::default();
    let own = SdkMeterProvider::builder().with_periodic_exporter(metrics.clone()).build();
    global::set_meter_provider(own.clone());
    other.set_globals();
    // as it sends no metrics, it leaves the program's own provider in place
    global::meter("shop").u64_counter("sold").build().add(1, &[]);
    own.force_flush().unwrap();
    assert_eq!(metrics.get_finished_metrics().unwrap().len(), 1);
    global::tracer("test").start("work").end();
    assert_eq!(other.delivery().spans()[0].ended(), 1);
    let message = r#""message":"telemetry.otlp_logs: does nothing without an endpoint"#;
    assert_eq!(lines.text().matches(message).count(), 1);
}
