//! What a registry is told.

use prometheus::{Encoder, Registry, TextEncoder};

use super::*;
use crate::metrics::RegisterError;

/// The samples of a scrape, without the lines about them.
fn scraped(registry: &Registry) -> Vec<String> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn objective() -> ObjectiveBuilder {
    Objective::availability("a", percent("99")).severities([Severity::DEFAULTS[0]])
}

#[test]
fn both_counters_are_there_from_the_start_and_what_is_not_known_is_not() {
    let (bench, registry) = (Bench::new(objective()), Registry::new());
    bench.tracker.register(&registry).unwrap();
    let start = [
        r#"slo_events_total{outcome="bad",slo="a"} 0"#,
        r#"slo_events_total{outcome="good",slo="a"} 0"#,
        r#"slo_instance_alert_state{severity="page",slo="a",window="5m/1h"} 0"#,
        r#"slo_instance_coverage_ratio{slo="a"} 0"#,
        r#"slo_target_ratio{slo="a"} 0.99"#,
    ];
    assert_eq!(scraped(&registry), start);
}

#[test]
fn what_is_told_is_what_is_reported() {
    let (bench, registry) = (Bench::new(objective()), Registry::new());
    bench.tracker.register(&registry).unwrap();
    bench.ask_all(50, 50);
    for _ in 0..2 {
        bench.clock.advance(MINUTE);
        bench.tracker.look();
    }
    bench.clock.advance(72 * HOUR);
    bench.ask_all(50, 50);
    let told = [
        r#"slo_events_total{outcome="bad",slo="a"} 100"#,
        r#"slo_events_total{outcome="good",slo="a"} 100"#,
        r#"slo_instance_alert_state{severity="page",slo="a",window="5m/1h"} 0"#,
        r#"slo_instance_budget_remaining_ratio{slo="a"} -49"#,
        r#"slo_instance_burn_rate{slo="a",window="1h"} 50"#,
        r#"slo_instance_burn_rate{slo="a",window="30d"} 50"#,
        r#"slo_instance_burn_rate{slo="a",window="5m"} 50"#,
        r#"slo_target_ratio{slo="a"} 0.99"#,
    ];
    let scraped = scraped(&registry);
    let coverage =
        scraped.iter().position(|line| line.starts_with("slo_instance_coverage")).unwrap();
    let mut without = scraped.clone();
    let coverage = without.remove(coverage);
    assert_eq!(without, told);
    let report = &bench.tracker.reports()[0];
    assert_eq!(
        coverage,
        format!(r#"slo_instance_coverage_ratio{{slo="a"}} {}"#, report.budget.coverage)
    );
    assert_eq!(report.budget.remaining, Some(-49.0));
}

#[test]
fn a_second_tracker_is_an_error_that_names_the_metric() {
    let (bench, registry) = (Bench::new(objective()), Registry::new());
    bench.tracker.register(&registry).unwrap();
    let error = bench.tracker.register(&registry).unwrap_err();
    assert!(
        matches!(&error, RegisterError::Metric { name, .. } if name == "slo_events_total"),
        "{error}"
    );
}
