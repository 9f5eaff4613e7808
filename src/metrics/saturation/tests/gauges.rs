use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use prometheus::Registry;
use tokio::sync::Semaphore;

use super::samples;
use crate::metrics::saturation::Gauges;

#[test]
fn a_gauge_is_asked_at_each_scrape_and_only_then() {
    let asked = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&asked);
    let registry = Registry::new();
    let read = move || f64::from(counting.fetch_add(1, Ordering::Relaxed) + 1);
    Gauges::builder().gauge("asked", "How often.", read).register(&registry).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(samples(&registry), ["asked 1"]);
    assert_eq!(samples(&registry), ["asked 2"]);
}

#[test]
fn the_permits_of_a_semaphore_come_and_go() {
    let limit = Arc::new(Semaphore::new(2));
    let left = Arc::clone(&limit);
    let registry = Registry::new();
    Gauges::builder()
        .gauge("available_permits", "Left.", move || left.available_permits() as f64)
        .register(&registry)
        .unwrap();
    assert_eq!(samples(&registry), ["available_permits 2"]);
    let taken = limit.try_acquire().unwrap();
    assert_eq!(samples(&registry), ["available_permits 1"]);
    drop(taken);
    assert_eq!(samples(&registry), ["available_permits 2"]);
}

#[test]
fn any_number_is_shown() {
    let registry = Registry::new();
    let mut gauges = Gauges::builder();
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.25, 1e300];
    for (index, number) in numbers.into_iter().enumerate() {
        let labels = [("index", index.to_string())];
        gauges = gauges.gauge_with_labels("number", "Any.", labels, move || number);
    }
    gauges.register(&registry).unwrap();
    let shown = |index: usize| samples(&registry)[index].rsplit(' ').next().unwrap().to_owned();
    let numbers = [0, 1, 2, 3, 4].map(|index| shown(index).parse::<f64>().unwrap());
    assert!(numbers[0].is_nan());
    assert_eq!(numbers[1..], [f64::INFINITY, f64::NEG_INFINITY, -0.25, 1e300]);
}

#[test]
fn a_panic_leaves_out_its_own_gauge_alone_and_is_counted() {
    let fails = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&fails);
    let registry = Registry::new();
    Gauges::builder()
        .constant_label("zone", "b")
        .gauge("first", "Before.", || 1.0)
        .gauge_with_labels("second", "Fails.", [("pool", "\"x\"")], move || {
            if failing.load(Ordering::Relaxed) {
                std::panic::panic_any(PanicsWhenDropped);
            }
            2.0
        })
        .gauge("third", "After.", || 3.0)
        .register(&registry)
        .unwrap();
    // another collector counts panics of its own
    Gauges::builder().gauge("fourth", "Fails.", || panic!()).register(&registry).unwrap();

    let panics = |gauge: &str, count: u32| {
        format!(r#"gauge_callback_panics_total{{gauge="{gauge}"}} {count}"#)
    };
    let second = r#"second{pool=\"\\\"x\\\"\",zone=\"b\"}"#;
    let (first, third) = (r#"first{zone="b"} 1"#, r#"third{zone="b"} 3"#);
    let shown = r#"second{pool="\"x\"",zone="b"} 2"#;
    assert_eq!(samples(&registry), [first, &panics("fourth", 1), shown, third]);
    fails.store(true, Ordering::Relaxed);
    assert_eq!(samples(&registry), [first, &panics("fourth", 2), &panics(second, 1), third]);
    fails.store(false, Ordering::Relaxed);
    assert_eq!(samples(&registry), [first, &panics("fourth", 3), &panics(second, 1), shown, third]);
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("the payload of a panic panics as well");
    }
}
