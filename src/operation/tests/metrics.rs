//! Metrics of operations; that they agree with the spans is checked wherever there is one.

use futures_util::FutureExt;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, Key};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use prometheus::{Registry, TextEncoder};

use super::*;
use crate::id::TraceIdentity;
use crate::metrics::RegisterError;
use crate::metrics::exposition::extras::gather;
use crate::metrics::instrument::exemplar::Exemplar;
use crate::operation::{Ending, OperationMetrics};

/// The same operations, measured.
pub(super) fn measured(operations: Operations) -> (Operations, Registry) {
    let registry = Registry::new();
    let metrics = OperationMetrics::builder().register(&registry).unwrap();
    (operations.metrics(&metrics), registry)
}

/// What a scrape says, without buckets.
fn scrape(registry: &Registry) -> Vec<String> {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let is_told = |line: &&str| !line.starts_with('#') && !line.contains("_bucket");
    let mut lines: Vec<_> = text.lines().filter(is_told).map(str::to_owned).collect();
    lines.sort();
    lines
}

const NONE_TOO_MANY: &str = "overflow_operations_total 0";

/// What a scrape says of these series, each with its count and its seconds.
fn lines(metric: &str, series: &[(&str, u64, f64)]) -> Vec<String> {
    let told = |(labels, count, sum): &(&str, u64, f64)| {
        let name = format!("{metric}_duration_seconds");
        [format!("{name}_count{{{labels}}} {count}"), format!("{name}_sum{{{labels}}} {sum}")]
    };
    let mut lines: Vec<_> = series.iter().flat_map(told).collect();
    lines.push(NONE_TOO_MANY.to_owned());
    lines.sort();
    lines
}

/// Demands that the one operation was measured as its span tells it.
#[track_caller]
pub(super) fn agree(registry: &Registry, span: &SpanData) {
    let value = |key: &'static str| {
        let told = span.attributes.iter().find(|told| told.key == Key::from(key));
        told.map(|told| told.value.to_string())
    };
    let is = |key, expected: &str| value(key).as_deref() == Some(expected);
    let is_many = ["messaging.destination.temporary", "messaging.destination.anonymous"]
        .into_iter()
        .any(|key| value(key).is_some());
    let destination = match value("messaging.destination.template") {
        None if !is_many => value("messaging.destination.name"),
        _ => None,
    };
    let metric = match (value("db.system.name"), value("messaging.system")) {
        (Some(_), _) => "db_client_operation",
        (_, Some(_)) if is("messaging.operation.type", "process") => "messaging_process",
        (_, Some(_)) => "messaging_client_operation",
        _ => "operation",
    };
    let name = (metric == "operation").then(|| span.name.to_string());
    let labels: Vec<_> = [
        ("db_collection_name", value("db.collection.name")),
        ("db_operation_name", value("db.operation.name")),
        ("db_query_summary", value("db.query.summary")),
        ("db_system_name", value("db.system.name")),
        ("error_type", value("error.type")),
        ("messaging_destination_name", destination),
        ("messaging_destination_template", value("messaging.destination.template")),
        ("messaging_operation_name", value("messaging.operation.name")),
        ("messaging_system", value("messaging.system")),
        ("operation_name", name),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name}=\"{}\"", value?)))
    .collect();
    let took = span.end_time.duration_since(span.start_time).unwrap();
    let expected = lines(metric, &[(&labels.join(","), 1, took.as_nanos() as f64 / 1e9)]);
    assert_eq!(scrape(registry), expected);
}

/// Every operation of a kind, run for this many milliseconds.
fn run(bench: &Bench, milliseconds: u64, ending: Ending) {
    let work = || bench.advance(milliseconds);
    bench.operations.db("sqlite").operation("SELECT").call_with(work, |()| ending);
}

#[test]
fn what_is_not_sampled_is_measured_all_the_same() {
    let bench = Bench::with(|provider| provider.with_sampler(Sampler::AlwaysOff));
    assert_eq!(scrape(&bench.registry), [NONE_TOO_MANY]);
    run(&bench, 250, Ending::ok());
    run(&bench, 125, Ending::failed("timeout"));
    run(&bench, 500, Ending::ok());
    assert_eq!(bench.spans(), []);
    let labels = r#"db_operation_name="SELECT",db_system_name="sqlite""#;
    let failed = format!(r#"{labels},error_type="timeout""#);
    let expected = lines("db_client_operation", &[(labels, 2, 0.75), (&failed, 1, 0.125)]);
    assert_eq!(scrape(&bench.registry), expected);
}

/// A sampler that panics.
#[derive(Clone, Debug)]
struct Faulty;

impl ShouldSample for Faulty {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        let decision = SamplingDecision::Drop;
        assert_ne!(decision, SamplingDecision::Drop, "as it should");
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

#[test]
fn what_a_panic_of_the_provider_leaves_without_a_span_is_measured_all_the_same() {
    let bench = Bench::with(|provider| provider.with_sampler(Faulty));
    run(&bench, 250, Ending::ok());
    assert_eq!(bench.spans(), []);
    let labels = r#"db_operation_name="SELECT",db_system_name="sqlite""#;
    assert_eq!(scrape(&bench.registry), lines("db_client_operation", &[(labels, 1, 0.25)]));
}

#[test]
fn each_kind_has_its_metric_and_labels() {
    type Call = fn(&Operations) -> Result<(), ()>;
    let cases: [Call; 8] = [
        |all| {
            let query = all.db("postgresql").operation("SELECT").collection("product");
            query.namespace("shop").server_address("db.example").batch(3).call(|| Ok(()))
        },
        |all| all.db("sqlite").summary("list products").call(|| Ok(())),
        |all| all.cache("redis", "GET").in_memory().call(|| Err(())),
        |all| all.send("kafka", "orders").operation("publish").call(|| Ok(())),
        |all| all.create("kafka", "t/7").destination_template("t/{id}").call(|| Err(())),
        |all| all.receive("rabbitmq", "amq.gen-7").anonymous().call(|| Ok(())),
        |all| all.process("rabbitmq", "tmp-7").temporary().call(|| Ok(())),
        |all| all.internal("price").call(|| Ok(())),
    ];
    for case in cases {
        let bench = Bench::new();
        assert_eq!(scrape(&bench.registry), [NONE_TOO_MANY]);
        let _ = case(&bench.operations);
        bench.only();
    }
    let bench = Bench::new();
    let template = bench.operations.settle("kafka", "t/7").destination_template("t/{id}");
    let settled = template.run_with(async {}, |()| Ending::failed("refused")).now_or_never();
    assert_eq!(settled, Some(()));
    let labels = r#"error_type="refused",messaging_destination_template="t/{id}",messaging_operation_name="settle",messaging_system="kafka""#;
    assert_eq!(scrape(&bench.registry), lines("messaging_client_operation", &[(labels, 1, 0.0)]));
}

#[test]
fn series_beyond_the_bound_are_one_and_totals_stay_exact() {
    let registry = Registry::new();
    let metrics = OperationMetrics::builder().max_series(2).register(&registry).unwrap();
    let operations = Operations::new().metrics(&metrics).clock(ManualClock::new().clock());
    for name in ["a", "b", "c", "a"] {
        operations.internal(name).call(|| Ok::<_, ()>(())).unwrap();
    }
    operations.internal("d").call_with(|| (), |()| Ending::failed("timeout"));
    let all = [
        (r#"operation_name="_overflow""#, 1, 0.0),
        (r#"error_type="timeout",operation_name="_overflow""#, 1, 0.0),
        (r#"operation_name="a""#, 2, 0.0),
        (r#"operation_name="b""#, 1, 0.0),
    ];
    let mut expected = lines("operation", &all);
    for line in &mut expected {
        if line == NONE_TOO_MANY {
            *line = "overflow_operations_total 2".to_owned();
        }
    }
    assert_eq!(scrape(&registry), expected);
}

/// The upper bounds of the only histogram's buckets, and their exemplars.
fn buckets(registry: &Registry) -> (Vec<f64>, Vec<Option<Exemplar>>) {
    let (families, told) = gather(registry);
    let durations = families.iter().find(|family| family.name().ends_with("_seconds")).unwrap();
    let [metric] = durations.get_metric() else { panic!("one series: {durations:?}") };
    let buckets = metric.get_histogram().get_bucket();
    let exemplars = told.of(metric).unwrap().exemplars.clone();
    (buckets.iter().map(prometheus::proto::Bucket::upper_bound).collect(), exemplars)
}

#[test]
fn buckets_are_those_of_the_conventions_and_have_the_sampled_span_as_an_exemplar() {
    let bench = Bench::new();
    run(&bench, 3, Ending::ok());
    let (bounds, exemplars) = buckets(&bench.registry);
    assert_eq!(bounds, [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]);
    let kept =
        Exemplar { trace: TraceIdentity::new(1, 1, true).unwrap(), value: 3_000_000, at: at(3) };
    let mut expected = vec![None; 10];
    expected[1] = Some(kept);
    assert_eq!(exemplars, expected);

    let bench = Bench::with(|provider| provider.with_sampler(Sampler::AlwaysOff));
    run(&bench, 3, Ending::ok());
    assert_eq!(buckets(&bench.registry).1, []);
    // without a provider, what is current stays the sampled span of somebody else
    let (operations, registry) = measured(Operations::new());
    let _current = Context::new().with_remote_span_context(context(7, 8)).attach();
    operations.db("sqlite").call(|| Ok::<_, ()>(())).unwrap();
    assert_eq!(buckets(&registry).1, []);
    for kind in ["messaging", "internal"] {
        let bench = Bench::new();
        let done = match kind {
            "messaging" => bench.operations.send("kafka", "orders").call(|| Ok::<_, ()>(())),
            _ => bench.operations.internal("price").call(|| Ok::<_, ()>(())),
        };
        assert_eq!(done, Ok(()));
        let expected =
            [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
        assert_eq!(buckets(&bench.registry).0, expected);
    }
}

#[test]
fn settings_are_used_and_bad_ones_refused_by_name() {
    let registry = Registry::new();
    let second = [Duration::from_secs(1)];
    let builder = OperationMetrics::builder().prefix("shop").constant_label("app", "a");
    let metrics = builder
        .clone()
        .db_duration_buckets(second)
        .messaging_duration_buckets(second)
        .process_duration_buckets(second)
        .internal_duration_buckets(second)
        .register(&registry)
        .unwrap();
    let operations = Operations::new().metrics(&metrics).clock(ManualClock::new().clock());
    operations.internal("price").call(|| Ok::<_, ()>(())).unwrap();
    assert_eq!(buckets(&registry).0, [1.0]);
    let expected = [
        r#"shop_operation_duration_seconds_count{app="a",operation_name="price"} 1"#,
        r#"shop_operation_duration_seconds_sum{app="a",operation_name="price"} 0"#,
        r#"shop_overflow_operations_total{app="a"} 0"#,
    ];
    assert_eq!(scrape(&registry), expected);

    let twice = builder.clone().register(&registry).unwrap_err();
    assert!(matches!(twice, RegisterError::Metric { source: prometheus::Error::AlreadyReg, .. }));
    assert!(builder.clone().prefix("other").register(&registry).is_ok());

    let none: [Duration; 0] = [];
    for (bad, named) in [
        (builder.clone().prefix("a-b"), ("prefix", "a-b")),
        (builder.clone().constant_label("error_type", "x"), ("constant_label", "error_type")),
        (builder.clone().db_duration_buckets(none), ("db_duration_buckets", "[]")),
        (builder.clone().messaging_duration_buckets(none), ("messaging_duration_buckets", "[]")),
        (builder.clone().process_duration_buckets(none), ("process_duration_buckets", "[]")),
        (builder.clone().internal_duration_buckets(none), ("internal_duration_buckets", "[]")),
    ] {
        let Err(RegisterError::Config(error)) = bad.register(&Registry::new()) else {
            panic!("{named:?} was taken");
        };
        assert_eq!((error.field(), error.value()), named);
    }
}
