//! Every number in a rule is exactly what was said.

use proptest::prelude::*;

use super::super::exact::Exact;
use super::*;
use crate::slo::{Severity, Urgency};

/// A decimal, or a quotient in brackets, as a fraction.
fn read(text: &str) -> Option<(u128, u128)> {
    if let Some(quotient) = text.strip_prefix('(') {
        let (numerator, denominator) = quotient.strip_suffix(')')?.split_once(" / ")?;
        return Some((numerator.parse().ok()?, denominator.parse().ok()?));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?))
}

fn same((a, b): (u128, u128), (c, d): (u128, u128)) -> bool {
    a.checked_mul(d).zip(c.checked_mul(b)).is_some_and(|(left, right)| left == right)
}

#[test]
fn factors_times_budgets_are_exact() {
    let told = |percent: &str, window: Window| {
        Severity::DEFAULTS
            .map(|severity| Exact::bad_ratio(severity.factor(window), target(percent)).to_string())
    };
    assert_eq!(told("99.9", Window::DAYS_30), ["0.0144", "0.006", "0.003", "0.001"]);
    assert_eq!(told("99.95", Window::DAYS_28), ["0.00672", "0.0028", "0.0014", "(7 / 15000)"]);
    assert_eq!(told("50", Window::DAYS_30), ["7.2", "3", "1.5", "0.5"]);
    assert_eq!(
        told("99.9999999", Window::DAYS_30),
        ["0.0000000144", "0.000000006", "0.000000003", "0.000000001"]
    );
}

/// The numbers that conditions of burn are compared with.
fn thresholds(rules: &str) -> Vec<String> {
    let of = |expr: String| -> Vec<String> {
        let parts = expr.split(" > ").skip(1).filter_map(|part| part.split_once(" * slo:"));
        parts.map(|(number, _)| number.to_owned()).collect()
    };
    let alerts = values(rules, "expr").into_iter().filter(|expr| expr.contains(" >= "));
    alerts.filter(|expr| expr.contains("slo:")).flat_map(of).collect()
}

proptest! {
    #[test]
    fn each_number_reads_back_as_the_rational_it_is(
        bad in 1_u32..1_000_000_000,
        share in 1_u32..=1000,
        short in 300_u64..100_000,
        more in 1_u64..100_000,
        period in prop_oneof![
            Just(Window::DAYS_30),
            Just(Window::DAYS_28),
            (60_000_u64..7_776_000_000)
                .prop_map(|millis| Window::scaled(Duration::from_millis(millis)).unwrap()),
        ],
    ) {
        let good = 1_000_000_000 - bad;
        let percent = format!("{}.{:07}", good / 10_000_000, good % 10_000_000);
        let (short, long) = (Duration::from_secs(short), Duration::from_secs(short + more));
        let severity = Severity::new(Urgency::Page, share, short, long).unwrap();
        let objective = Objective::availability("a", target(&percent))
            .window(period)
            .severities([severity])
            .build()
            .unwrap();
        let factor = severity.factor(period);
        let wanted = (
            u128::from(factor.numerator()) * u128::from(bad),
            u128::from(factor.denominator()) * 1_000_000_000,
        );
        let reachable = objective.severities().len();
        let rules = of([objective]).rules();
        let thresholds = thresholds(&rules);
        prop_assert_eq!(thresholds.len(), 2 * reachable);
        for number in thresholds {
            let told = read(&number).unwrap();
            prop_assert!(same(told, wanted), "{} for {:?}", number, wanted);
        }
        let budget = target(&percent).error_budget_text();
        prop_assert!(same(read(&budget).unwrap(), (u128::from(bad), 1_000_000_000)));
        let divided = rules.matches(&format!(" / ({budget} * (slo:")).count();
        // one of each window, which may be the same when scaled, and one of the period
        let windows = if severity.short(period) == severity.long(period) { 1 } else { 2 };
        prop_assert_eq!(divided, windows * reachable + 1);
    }
}
