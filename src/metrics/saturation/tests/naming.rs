//! What every builder does alike: prefix, constant labels, refusals.

use prometheus::core::Collector;
use prometheus::{IntCounter, Opts, Registry};

use super::{sample, samples};
use crate::metrics::RegisterError;
use crate::metrics::saturation::{Gauges, ProcessCollector, RuntimeCollector};

#[test]
fn a_prefix_and_constant_labels_are_on_every_metric() {
    let registry = Registry::new();
    Gauges::builder()
        .prefix("shop")
        .constant_label("zone", "b")
        .constant_label("empty", "")
        .gauge_with_labels("queue", "Waiting.", [("line", "2")], || 7.5)
        .register(&registry)
        .unwrap();
    assert_eq!(samples(&registry), [r#"shop_queue{line="2",zone="b"} 7.5"#]);

    let process = ProcessCollector::builder().prefix("shop").constant_label("zone", "b");
    let names: Vec<_> = process.build().unwrap().desc().into_iter().cloned().collect();
    assert_eq!(names.len(), 8);
    for desc in names {
        assert!(desc.fq_name.starts_with("shop_process_"), "{}", desc.fq_name);
        assert_eq!(desc.const_label_pairs, [crate::metrics::names::label_pair("zone", "b")]);
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    let process = ProcessCollector::builder;
    let gauge = |name: &str| Gauges::builder().gauge(name, "Help.", || 0.0);
    let labelled =
        |label: &str| Gauges::builder().gauge_with_labels("a", "Help.", [(label, "x")], || 0.0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let of_runtime = || RuntimeCollector::of(runtime.handle());
    let refusals = [
        process().prefix("a b").build().err(),
        process().constant_label("a-b", "x").build().err(),
        process().constant_label("a", "x").constant_label("a", "y").build().err(),
        gauge("9").build().err(),
        gauge("a").gauge("b", "", || 0.0).build().err(),
        gauge("a").gauge("a", "Help.", || 0.0).build().err(),
        gauge("a").gauge("a", "Other help.", || 0.0).build().err(),
        labelled("__x").build().err(),
        labelled("x").gauge("a", "Help.", || 0.0).build().err(),
        labelled("x").constant_label("x", "y").build().err(),
        of_runtime().name("").build().err(),
        of_runtime().constant_label("runtime", "x").build().err(),
        of_runtime().constant_label("worker", "x").build().err(),
    ]
    .map(|error| error.map(|error| (error.field(), error.value().to_owned())).unwrap());
    let refusals = refusals.each_ref().map(|(field, value)| (*field, value.as_str()));
    assert_eq!(
        refusals,
        [
            ("prefix", "a b"),
            ("constant_label", "a-b"),
            ("constant_label", "a"),
            ("gauge", "9"),
            ("help", ""),
            ("gauge", "a"),
            ("gauge", "a"),
            ("gauge label", "__x"),
            ("gauge", "a"),
            ("constant_label", "x"),
            ("name", ""),
            ("constant_label", "runtime"),
            ("constant_label", "worker"),
        ]
    );
}

#[test]
fn a_registry_that_has_a_process_collector_refuses_another_and_stays_as_it_was() {
    // what prometheus' own collector is called
    let help = "Total user and system CPU time spent in seconds.";
    let theirs = IntCounter::with_opts(Opts::new("process_cpu_seconds_total", help)).unwrap();
    let registry = Registry::new();
    registry.register(Box::new(theirs)).unwrap();
    let error = ProcessCollector::builder().register(&registry).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the registry has process_cpu_seconds_total already: a registry takes one process \
         collector, and prometheus has one of its own in the default registry, with its feature \
         `process`"
    );
    assert_eq!(samples(&registry), ["process_cpu_seconds_total 0"]);

    let registry = Registry::new();
    ProcessCollector::builder().register(&registry).unwrap();
    let error = ProcessCollector::builder().register(&registry).unwrap_err();
    assert!(
        matches!(error, RegisterError::Metric { name, .. } if name == "process_cpu_seconds_total")
    );
    ProcessCollector::builder().prefix("again").register(&registry).unwrap();
}

#[test]
fn of_several_metrics_the_one_in_the_way_is_named() {
    let registry = Registry::new();
    let gauges = || Gauges::builder().gauge("b", "Help.", || 1.0);
    gauges().register(&registry).unwrap();
    let both = Gauges::builder().gauge("a", "Help.", || 2.0).gauge("b", "Help.", || 3.0);
    let error = both.register(&registry).unwrap_err();
    assert_eq!(error.to_string(), "the registry has b already");
    assert_eq!(samples(&registry), ["b 1"]);

    let other = Gauges::builder().gauge("a", "Help.", || 2.0).gauge_with_labels(
        "b",
        "Help.",
        [("x", "y")],
        || 3.0,
    );
    let error = other.register(&registry).unwrap_err();
    assert!(error.to_string().starts_with("the registry does not take b: "), "{error}");
    Gauges::builder().gauge("a", "Help.", || 2.0).register(&registry).unwrap();
    assert_eq!(sample(&registry, "a"), Some(2.0));
}

#[test]
fn a_registry_s_own_prefix_and_labels_come_on_top() {
    let labels = [("zone".to_owned(), "b".to_owned())].into();
    let registry = Registry::new_custom(Some("shop".into()), Some(labels)).unwrap();
    Gauges::builder().gauge("queue", "Waiting.", || 1.0).register(&registry).unwrap();
    assert_eq!(samples(&registry), [r#"shop_queue{zone="b"} 1"#]);
}
