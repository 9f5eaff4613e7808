//! When somebody is told, and when it is over.

use super::*;

fn objective() -> ObjectiveBuilder {
    Objective::availability("a", percent("99.9"))
}

/// Ten seconds of a hundred exchanges, of which so many are bad.
fn ten_seconds(bench: &Bench, bad: u64) {
    bench.ask_all(100 - bad, bad);
    bench.clock.advance(Duration::from_secs(10));
    bench.tracker.look();
}

/// What changed of the first condition.
fn of_page(bench: &Bench) -> Vec<String> {
    bench.changes().into_iter().filter(|change| change.contains("page 5m/1h")).collect()
}

fn hour(bench: &Bench, bad: u64) {
    (0..360).for_each(|_| ten_seconds(bench, bad));
}

#[test]
fn a_total_outage_pages_within_two_minutes_and_is_over_in_time() {
    let bench = Bench::new(objective());
    hour(&bench, 0);
    assert_eq!(bench.changes(), <[&str; 0]>::default());
    (0..9).for_each(|_| ten_seconds(&bench, 100));
    assert_eq!(
        of_page(&bench),
        ["3660s page 5m/1h: inactive to pending", "3690s page 5m/1h: pending to firing"]
    );
    // no more errors: the short window empties after five minutes, and thirty seconds later it is over
    (0..60).for_each(|_| ten_seconds(&bench, 0));
    assert_eq!(of_page(&bench), ["4020s page 5m/1h: firing to inactive"]);
}

#[test]
fn what_happened_while_nobody_asked_is_gone_through_at_its_time() {
    let bench = Bench::new(objective());
    hour(&bench, 0);
    (0..9).for_each(|_| ten_seconds(&bench, 100));
    bench.changes();
    // nobody comes for a day
    bench.clock.advance(24 * HOUR);
    let report = &bench.tracker.reports()[0];
    assert_eq!(report.alerts[0].state, AlertState::Inactive);
    let changes = of_page(&bench);
    assert_eq!(changes.len(), 1);
    assert!(changes[0].ends_with("firing to inactive"));
    let seconds: f64 = changes[0].split_once('s').unwrap().0.parse().unwrap();
    assert!((4_000.0..=4_500.0).contains(&seconds), "{changes:?}");
}

#[test]
fn one_error_in_a_quiet_night_wakes_nobody() {
    let bench = Bench::new(objective());
    bench.ask_all(0, 4);
    (0..30).for_each(|_| {
        bench.clock.advance(Duration::from_secs(10));
        bench.tracker.look();
    });
    assert_eq!(bench.changes(), <[&str; 0]>::default());
    bench.ask_all(0, 1);
    bench.clock.advance(MINUTE);
    bench.tracker.look();
    assert!(bench.changes().contains(&"310s page 5m/1h: inactive to pending".to_owned()));
}

#[test]
fn a_slow_burn_opens_a_ticket_and_pages_nobody() {
    let bench = Bench::new(objective());
    // four times as fast as allowed
    for minute in 0..26 * 60 {
        let bad = u64::from(minute % 5 == 0);
        bench.ask_all(50 - bad, bad);
        bench.clock.advance(MINUTE);
    }
    let changes = bench.changes();
    assert!(changes.iter().all(|change| !change.contains("page")), "{changes:?}");
    assert!(changes.iter().any(|change| change.ends_with("ticket 2h/1d: pending to firing")));
}

#[test]
fn a_budget_is_told_once_there_is_enough_to_tell_it_from() {
    let bench = Bench::new(objective());
    let remaining = || bench.tracker.reports()[0].budget.remaining;
    assert_eq!(remaining(), None, "nothing is known, so it is not whole");
    bench.ask_all(999, 1);
    assert_eq!(remaining(), None, "a moment is not a month");
    bench.clock.advance(72 * HOUR);
    let budget = bench.tracker.reports()[0].budget;
    assert_eq!((budget.tally, budget.coverage), (Tally { good: 999, bad: 1 }, 0.1));
    assert!(budget.remaining.unwrap().abs() < 1e-9, "one in a thousand is all of it");
}

#[test]
fn the_history_goes_down_to_what_remains() {
    let bench = Bench::new(Objective::availability("a", percent("99")));
    for _ in 0..30 {
        bench.ask_all(998, 2);
        bench.clock.advance(24 * HOUR);
    }
    let report = &bench.tracker.reports()[0];
    let remaining: Vec<_> = report.history.iter().map(|point| point.remaining.unwrap()).collect();
    assert_eq!(remaining.len(), 61);
    assert!(
        (remaining[0] - 1.0).abs() < 0.01 && (remaining[30] - 0.9).abs() < 0.01,
        "{remaining:?}"
    );
    assert!(remaining.windows(2).all(|pair| pair[0] >= pair[1]), "{remaining:?}");
    assert_eq!(report.history[60].at, report.at);
    assert_eq!(Some(remaining[60]), report.budget.remaining);
}
