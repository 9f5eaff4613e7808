//! What is far away: of time, of size, of what an objective's owner wrote.

use super::*;
use crate::slo::rolling::At;
use crate::slo::tracked::Tracked;

const DAY: Duration = Duration::from_secs(86_400);

fn objective() -> ObjectiveBuilder {
    Objective::availability("a", percent("99.9"))
}

fn scaled(period: Duration) -> ObjectiveBuilder {
    objective().window(Window::scaled(period).unwrap())
}

#[test]
fn a_period_of_a_minute_is_gone_through_for_years() {
    let bench = Bench::new(scaled(MINUTE));
    bench.ask_all(9, 1);
    for days in [12, 365, 3_650] {
        bench.clock.advance(days * DAY);
        bench.ask_all(9, 1);
        let report = &bench.tracker.reports()[0];
        assert_eq!(report.budget.tally, Tally { good: 9, bad: 1 }, "{days} days");
    }
    assert_eq!(bench.counted(), [Tally { good: 36, bad: 4 }]);
}

#[test]
fn what_was_pending_when_the_last_one_came_fires_however_long_nobody_asks() {
    let bench = Bench::new(objective());
    let ten_seconds = |good, bad| {
        bench.ask_all(good, bad);
        bench.clock.advance(Duration::from_secs(10));
        bench.tracker.look();
    };
    (0..360).for_each(|_| ten_seconds(10, 0));
    (0..6).for_each(|_| ten_seconds(0, 10));
    let of_page = |bench: &Bench| {
        let changes = bench.changes().into_iter();
        changes.filter(|change| change.contains("page 5m/1h")).collect::<Vec<_>>()
    };
    assert_eq!(of_page(&bench), ["3660s page 5m/1h: inactive to pending"]);
    bench.clock.advance(30 * DAY);
    bench.tracker.look();
    // the short window is empty five minutes after the last one, and it is over thirty seconds later
    assert_eq!(
        of_page(&bench),
        ["3690s page 5m/1h: pending to firing", "3990s page 5m/1h: firing to inactive"]
    );
}

#[test]
fn a_week_has_the_windows_of_a_month_as_exactly() {
    let objective = scaled(7 * DAY).build().unwrap();
    let mut tracked = Tracked::new(&objective, At::ZERO);
    // 1 h of 30 days is 14 minutes of a week; a slot is 2.33 s
    let (long, mut counted) = (Severity::DEFAULTS[0].long(objective.window()), Tally::default());
    for second in 0..7_200_u64 {
        let now = Duration::from_secs(second);
        tracked.turn(&objective, now, counted);
        counted.good += 1;
        let told = tracked.rolling.over(long, now, counted).good;
        assert!(told.abs_diff(counted.good.min(841)) <= 2, "{told} after {second} s");
    }
}

#[test]
fn a_closure_that_panics_costs_the_other_objectives_nothing() {
    let named = |name: &str| Objective::availability(name, percent("99"));
    let bench = Bench::of([
        named("before"),
        named("picks").matching(|_| panic!("of its own")),
        named("judges").judge(|_| panic!("of its own")),
        named("after"),
    ]);
    bench.ask_all(1, 1);
    let one = Tally { good: 1, bad: 1 };
    assert_eq!(bench.counted(), [one, Tally::default(), one, one]);
}

#[test]
fn what_is_told_of_little_is_no_budget() {
    let bench = Bench::new(objective());
    bench.ask_all(1, 0);
    let report = &bench.tracker.reports()[0];
    assert_eq!(report.budget.remaining, None);
    assert!(report.history.iter().all(|point| point.remaining.is_none()), "{:?}", report.history);
}

#[test]
fn each_exchange_is_counted_once_by_any_number_of_threads() {
    const EACH: u64 = 2_000;
    let bench = Bench::new(scaled(MINUTE));
    std::thread::scope(|scope| {
        let counting: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        bench.ask_all(1, 1);
                        bench.clock.advance(Duration::from_micros(50));
                    }
                })
            })
            .collect();
        let mut last = Tally::default();
        while !counting.iter().all(|thread| thread.is_finished()) {
            let report = bench.tracker.reports().remove(0);
            let Tally { good, bad } = report.since_start;
            assert!(good >= last.good && bad >= last.bad, "counts never fall");
            last = report.since_start;
        }
    });
    let all = Tally { good: 4 * EACH, bad: 4 * EACH };
    assert_eq!(bench.counted(), [all]);
    assert_eq!(bench.tracker.reports()[0].budget.tally, all);
}

#[test]
fn who_is_told_may_ask() {
    let clock = ManualClock::new();
    let (asked, asks) = (Arc::<Mutex<Option<SloTracker>>>::default(), Arc::new(Mutex::new(0)));
    let (told, count) = (Arc::clone(&asked), Arc::clone(&asks));
    let tracker = SloTracker::builder()
        .objective(objective().build().unwrap())
        .clock(clock.clock())
        .on_change(|_| panic!("of its own"))
        .on_change(move |change| {
            let tracker = told.lock().unwrap().clone().unwrap();
            tracker.look();
            assert_eq!(tracker.reports()[0].objective.name(), change.objective.name());
            *count.lock().unwrap() += 1;
        })
        .build()
        .unwrap();
    *asked.lock().unwrap() = Some(tracker.clone());
    let layer = SloLayer::server(&tracker).clock(clock.clock());
    let bench = Bench { clock, tracker, layer, changes: Arc::default() };
    for _ in 0..12 {
        bench.ask_all(0, 5);
        bench.clock.advance(Duration::from_secs(10));
    }
    assert!(*asks.lock().unwrap() >= 4, "four conditions are pending, and the first fires");
    *asked.lock().unwrap() = None;
}

#[test]
fn slots_of_any_period_end_together() {
    // 10 s of 30 days are no whole number of nanoseconds of a week
    let objective = scaled(7 * DAY).build().unwrap();
    let mut tracked = Tracked::new(&objective, At::ZERO);
    for slots in 1..=800 {
        let before = tracked.next_turn() - Duration::from_nanos(1);
        let ended = |tracked: &Tracked| tracked.rolling.rings.each_ref().map(|ring| ring.ended);
        tracked.turn(&objective, before, Tally::default());
        let unchanged = ended(&tracked);
        tracked.turn(&objective, before + Duration::from_nanos(1), Tally::default());
        assert_eq!(unchanged, [slots - 1, (slots - 1) / 24, (slots - 1) / 360]);
        assert_eq!(ended(&tracked), [slots, slots / 24, slots / 360]);
    }
}
