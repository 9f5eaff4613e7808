//! The tracker beside a plain log of all that happened.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::slo::rolling::At;
use crate::slo::tracked::Tracked;

/// All that happened, and when.
#[derive(Default)]
struct Log(Vec<(At, Tally)>);

impl Log {
    fn since(&self, start: At) -> Tally {
        let events = self.0.iter().filter(|(at, _)| *at >= start);
        events.fold(Tally::default(), |sum, (_, of)| Tally {
            good: sum.good + of.good,
            bad: sum.bad + of.bad,
        })
    }
}

/// Time passes, and then so many exchanges come at once.
#[derive(Clone, Debug)]
struct Step {
    after: Duration,
    good: u64,
    bad: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = prop_oneof![
        4 => 0..20_000_u64,
        // idle for a while, a night, or as long as nothing is known any more
        2 => 0..7_200_000_u64,
        1 => 0..172_800_000_u64,
        1 => 0..3_000_000_000_u64,
    ];
    let step = (after.prop_map(Duration::from_millis), 0..50_u64, 0..5_u64);
    vec(step.prop_map(|(after, good, bad)| Step { after, good, bad }), 1..60)
}

/// The windows of all conditions and the period, with how far off their beginning may be.
fn windows(window: Window) -> Vec<(Duration, Duration)> {
    let of = |severity: Severity| [severity.short(window), severity.long(window)];
    let mut all: Vec<_> = Severity::DEFAULTS.into_iter().flat_map(of).collect();
    all.push(window.period());
    all.into_iter().map(|window| (window, window / 50)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_window_is_what_the_log_says(
        steps in steps(),
        period in prop_oneof![Just(Window::DAYS_30), Just(Window::DAYS_28)],
    ) {
        let objective =
            Objective::availability("a", percent("99.9")).window(period).build().unwrap();
        let mut tracked = Tracked::new(&objective, At::ZERO);
        let (mut log, mut now, mut counted) = (Log::default(), At::ZERO, Tally::default());
        for Step { after, good, bad } in steps {
            now += after;
            tracked.turn(&objective, now, counted);
            counted = Tally { good: counted.good + good, bad: counted.bad + bad };
            log.0.push((now, Tally { good, bad }));
            for (window, off) in windows(period) {
                let told = tracked.rolling.over(window, now, counted);
                let Some(start) = now.checked_sub(window) else {
                    prop_assert_eq!(told, log.since(At::ZERO));
                    continue;
                };
                // exactly what came since a moment that is at most 2 % of the window off its beginning
                let starts = log.0.iter().map(|(at, _)| *at).filter(|at| at.abs_diff(start) <= off);
                let possible = starts.chain([start.saturating_sub(off), start + off]);
                let mut possible = possible.map(|start| log.since(start));
                prop_assert!(possible.any(|of| of == told), "{window:?} at {now:?}: {told:?}");
            }
        }
    }

    #[test]
    fn burn_rates_of_even_traffic_are_within_four_per_cent(
        every in 6..30_u64,
        bad_every in 2..50_u64,
        days in 1..3_u64,
    ) {
        let objective = Objective::availability("a", percent("99")).build().unwrap();
        let mut tracked = Tracked::new(&objective, At::ZERO);
        let (mut log, mut now, mut counted) = (Log::default(), At::ZERO, Tally::default());
        for number in 0..days * 86_400 / (every * 10) {
            now += Duration::from_secs(every * 10) + Duration::from_millis(number % 7);
            tracked.turn(&objective, now, counted);
            let of = match number % bad_every {
                0 => Tally { good: 900, bad: 100 },
                _ => Tally { good: 1_000, bad: 0 },
            };
            counted = Tally { good: counted.good + of.good, bad: counted.bad + of.bad };
            log.0.push((now, of));
        }
        for (window, _) in windows(Window::DAYS_30) {
            let told = tracked.rolling.over(window, now, counted).total() as f64;
            let exact = log.since(now.saturating_sub(window)).total() as f64;
            // one step of traffic more or less, where that is as long as a slot
            let step = 1_000.0;
            prop_assert!((told - exact).abs() <= (0.04 * exact).max(step), "{window:?}: {told} of {exact}");
        }
    }
}

#[test]
fn what_stands_at_the_edges_of_slots_is_exact() {
    let objective = Objective::availability("a", percent("99.9")).build().unwrap();
    let mut tracked = Tracked::new(&objective, At::ZERO);
    let mut counted = Tally::default();
    // one bad exchange each hour, at its beginning
    for hour in 0..=24 * 40 {
        tracked.turn(&objective, HOUR * hour, counted);
        counted.bad += 1;
    }
    let now = HOUR * 24 * 40;
    let over = |window: Duration| tracked.rolling.over(window, now, counted).bad;
    assert_eq!([over(HOUR / 12), over(HOUR), over(HOUR * 6)], [1, 2, 7]);
    assert_eq!([over(HOUR * 24), over(HOUR * 72), over(HOUR * 720)], [25, 73, 721]);
}
