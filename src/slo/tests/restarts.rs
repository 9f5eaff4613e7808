//! Restarts at any moment of any history.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use super::kept::{Folder, known, next};
use super::*;

fn objective(window: Window) -> ObjectiveBuilder {
    Objective::availability("a", percent("99.9")).window(window)
}

fn windows() -> impl Strategy<Value = Window> {
    let scaled = |millis| Window::scaled(Duration::from_millis(millis)).unwrap();
    prop_oneof![
        Just(Window::DAYS_30),
        Just(Window::DAYS_28),
        // a minute, an hour, a week, 90 days
        prop_oneof![Just(60_000), Just(3_600_000), Just(604_800_000), Just(7_776_000_000_u64)]
            .prop_map(scaled),
        (60_000..=7_776_000_000_u64).prop_map(scaled),
    ]
}

/// Shares of a period, in billionths: a moment, a while, most of it.
fn pauses() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..10_000_u64, 2 => 0..3_000_000_u64, 1 => 0..800_000_000_u64]
}

fn steps() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    vec((pauses(), 0..6_u64, 0..6_u64), 0..16)
}

fn of_period(window: Window, share: u64) -> Duration {
    let nanos = window.period().as_nanos() * u128::from(share) / 1_000_000_000;
    Duration::from_nanos(u64::try_from(nanos).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_restart_loses_but_what_came_meanwhile(
        window in windows(),
        before in steps(),
        away in prop_oneof![Just(0), pauses()],
        after in steps(),
    ) {
        let folder = Folder::new("restarts");
        let _ = fs::remove_file(folder.file());
        let whole = Bench::new(objective(window));
        let first = next(&whole, [objective(window)]);
        let live = |benches: [&Bench; 2], steps: &[(u64, u64, u64)]| {
            for &(pause, good, bad) in steps {
                whole.clock.advance(of_period(window, pause));
                benches.into_iter().for_each(|bench| bench.ask_all(good, bad));
            }
        };
        live([&whole, &first], &before);
        first.tracker.save(folder.file()).unwrap();
        let left = whole.clock.clock().wall();
        whole.clock.advance(of_period(window, away));
        let second = next(&whole, [objective(window)]);
        prop_assert!(second.tracker.restore(folder.file()).unwrap().is_some());
        let back = whole.clock.clock().wall();
        live([&whole, &second], &after);
        if left == back {
            prop_assert_eq!(known(&second), known(&whole));
            return Ok(());
        }
        let (told, all) = (second.tracker.reports().remove(0), whole.tracker.reports().remove(0));
        prop_assert_eq!(told.budget.tally, all.budget.tally);
        for (told, whole) in told.burn.iter().zip(&all.burn) {
            prop_assert_eq!((told.tally, told.rate), (whole.tally, whole.rate));
            let begin = left.max(all.at - told.window);
            let missed = back.duration_since(begin).unwrap_or_default();
            let covered = whole.coverage - missed.as_secs_f64() / told.window.as_secs_f64();
            prop_assert!((told.coverage - covered).abs() < 1e-9, "{told:?}: {covered}");
        }
    }
}

#[test]
fn a_process_that_is_older_than_what_it_takes_over_goes_on_from_there() {
    let folder = Folder::new("older");
    let old = Bench::new(objective(Window::DAYS_30));
    old.clock.advance(240 * HOUR);
    let young = next(&old, [objective(Window::DAYS_30)]);
    young.ask_all(1_000, 5);
    young.clock.advance(HOUR);
    young.tracker.save(folder.file()).unwrap();
    old.tracker.restore(folder.file()).unwrap();
    assert_eq!(known(&old), known(&young));
    for bench in [&old, &young] {
        bench.ask_all(3, 2);
    }
    old.clock.advance(5 * HOUR);
    assert_eq!(known(&old), known(&young));
}

#[test]
fn what_is_taken_over_twice_counts_once() {
    let folder = Folder::new("twice");
    let before = Bench::new(objective(Window::DAYS_30));
    before.ask_all(10, 5);
    before.tracker.save(folder.file()).unwrap();
    let after = next(&before, [objective(Window::DAYS_30)]);
    for _ in 0..2 {
        after.tracker.restore(folder.file()).unwrap();
        after.ask_all(1, 1);
    }
    assert_eq!(after.tracker.reports()[0].budget.tally, Tally { good: 12, bad: 7 });
}

#[test]
fn a_file_is_whole_though_many_save_at_once() {
    let folder = Folder::new("at-once");
    let bench =
        Bench::of([objective(Window::DAYS_30), { Objective::availability("b", percent("99")) }]);
    bench.ask_all(10, 5);
    bench.clock.advance(720 * HOUR);
    bench.tracker.save(folder.file()).unwrap();
    let reader = next(&bench, [objective(Window::DAYS_30)]);
    std::thread::scope(|scope| {
        let saving: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| (0..50).for_each(|_| bench.tracker.save(folder.file()).unwrap()))
            })
            .collect();
        while !saving.iter().all(|thread| thread.is_finished()) {
            reader.tracker.restore(folder.file()).unwrap();
        }
    });
    assert_eq!(fs::read_dir(folder.file().parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn what_is_saved_while_time_passes_is_whole() {
    let folder = Folder::new("racing");
    let minute = || objective(Window::scaled(MINUTE).unwrap());
    let tracker = SloTracker::builder().objective(minute().build().unwrap()).build().unwrap();
    let reader = SloTracker::builder().objective(minute().build().unwrap()).build().unwrap();
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| {
            for _ in 0..150 {
                tracker.save(folder.file()).unwrap();
                reader.restore(folder.file()).unwrap();
            }
        });
        while !saving.is_finished() {
            tracker.look();
        }
    });
}

#[test]
fn what_is_saved_of_a_week_is_taken_over_at_any_moment() {
    let folder = Folder::new("week");
    let week = || objective(Window::scaled(168 * HOUR).unwrap());
    let before = Bench::new(week());
    for _ in 0..120 {
        before.clock.advance(Duration::from_secs(1));
        before.tracker.save(folder.file()).unwrap();
        let after = next(&before, [week()]);
        assert_eq!(after.tracker.restore(folder.file()).unwrap().unwrap().objectives, ["a"]);
    }
}
