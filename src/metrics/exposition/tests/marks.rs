//! Extras are told by those who asked for them alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::Registry;
use prometheus::proto::{MetricFamily, MetricType};

use super::super::extras::{Extras, attach, gather};
use super::super::{Format, encode};
use super::kit::{at, counter, family, gauge, register, registry, time};

fn ours(name: &'static str, seconds: u64) -> impl Fn() -> Vec<MetricFamily> + Send + Sync {
    move || {
        let mut metric = counter(&[], 1.0);
        attach(&mut metric, || Extras::created(time(seconds * 1000)));
        vec![family(name, MetricType::COUNTER, vec![metric])]
    }
}

fn openmetrics(registry: &Registry) -> String {
    String::from_utf8(encode(registry, Format::OpenMetrics)).unwrap()
}

fn timestamps(families: &[MetricFamily]) -> Vec<i64> {
    families.iter().flat_map(|family| family.get_metric()).map(|m| m.timestamp_ms()).collect()
}

const OURS: &str = "# TYPE ours counter\n# HELP ours Help.\nours_total 1\nours_created 7\n# EOF\n";

#[test]
fn whoever_gathers_with_the_stock_means_sees_no_mark() {
    let registry = registry(ours("ours_total", 7));
    assert_eq!(timestamps(&registry.gather()), [0]);
    assert_eq!(openmetrics(&registry), OURS);
    assert_eq!(timestamps(&registry.gather()), [0], "nor afterwards");
}

#[test]
fn timestamps_of_users_are_no_marks() {
    let millis = [-5, 1, i64::MAX, i64::MIN + 1];
    let families = || {
        let metrics =
            |(place, millis): (usize, &i64)| at(gauge(&[("a", &place.to_string())], 1.0), *millis);
        vec![family("g", MetricType::GAUGE, millis_of().iter().enumerate().map(metrics).collect())]
    };
    fn millis_of() -> [i64; 4] {
        [-5, 1, i64::MAX, i64::MIN + 1]
    }
    let (families, told) = gather(&registry(families));
    let metrics = families[0].get_metric();
    let seen: Vec<_> = metrics.iter().map(|metric| told.timestamp(metric)).collect();
    assert_eq!(seen, millis.map(Some));
}

#[test]
fn a_panic_leaves_nobody_listening() {
    let registry = registry(ours("ours_total", 7));
    let fails = Arc::new(AtomicBool::new(true));
    let failing = Arc::clone(&fails);
    register(&registry, "other", move || {
        assert!(!failing.load(Ordering::Relaxed), "it fails");
        Vec::new()
    });
    for _ in 0..8 {
        assert!(catch_unwind(AssertUnwindSafe(|| openmetrics(&registry))).is_err());
    }
    fails.store(false, Ordering::Relaxed);
    assert_eq!(timestamps(&registry.gather()), [0]);
    assert_eq!(openmetrics(&registry), OURS);
}

#[test]
fn a_panic_of_the_extras_does_too() {
    let registry = registry(|| {
        let mut metric = counter(&[], 1.0);
        attach(&mut metric, || panic!("no extras"));
        vec![family("ours_total", MetricType::COUNTER, vec![metric])]
    });
    assert!(catch_unwind(AssertUnwindSafe(|| openmetrics(&registry))).is_err());
    assert_eq!(timestamps(&registry.gather()), [0]);
}

#[test]
fn a_scrape_within_a_scrape_keeps_its_extras_to_itself() {
    let inner = registry(ours("inner_total", 5));
    let outer = registry(ours("ours_total", 7));
    let document = Arc::new(std::sync::Mutex::new(String::new()));
    let written = Arc::clone(&document);
    // one collector before ours and one after it, as a registry has no order
    for name in ["first", "second", "third"] {
        let (inner, written) = (inner.clone(), Arc::clone(&written));
        register(&outer, name, move || {
            *written.lock().unwrap() = openmetrics(&inner);
            Vec::new()
        });
    }
    assert_eq!(openmetrics(&outer), OURS);
    assert_eq!(*document.lock().unwrap(), OURS.replace("ours", "inner").replace('7', "5"));
}

#[test]
fn families_handed_on_from_another_registry_keep_their_extras() {
    let inner = registry(ours("ours_total", 7));
    let outer = registry(move || inner.gather());
    assert_eq!(openmetrics(&outer), OURS);
}
