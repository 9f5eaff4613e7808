//! What results make of components and groups.

use proptest::prelude::*;

use super::*;
use Status::{Fail, Pass, Warn};

#[test]
fn it_fails_after_so_many_failures_and_passes_after_so_many_passes() {
    let clock = ManualClock::new();
    let board = board([component("db").failure_threshold(3).success_threshold(2)], &clock);
    let mut seen = vec![board.snapshot().group(Group::Ready)];
    for found in [
        Report::pass(), // the first of two
        Report::pass(),
        Report::fail("1"),
        Report::fail("2"),
        Report::pass(),
        Report::fail("1"),
        Report::fail("2"),
        Report::fail("3"),
        Report::pass(),
        Report::fail("again"),
        Report::pass(),
        Report::warn("slow"), // a warning is a pass
        Report::pass(),
    ] {
        board.record(0, found, secs(0));
        seen.push(board.snapshot().group(Group::Ready));
    }
    assert_eq!(
        seen,
        [Fail, Fail, Pass, Pass, Pass, Pass, Pass, Pass, Fail, Fail, Fail, Fail, Warn, Pass]
    );
}

proptest! {
    /// By the whole history: what is settled is what the last row said that was long enough.
    #[test]
    fn thresholds_hold_for_every_history(
        failures in 1..5_usize,
        passes in 1..5_usize,
        found in prop::collection::vec(0..3_u8, 0..60),
    ) {
        let rules = component("db").failure_threshold(failures as u32);
        let board = board([rules.success_threshold(passes as u32)], &ManualClock::new());
        let (mut is_healthy, mut history) = (false, Vec::new());
        for found in found {
            let report = match found {
                0 => Report::fail("refused"),
                1 => Report::warn("slow"),
                _ => Report::pass(),
            };
            history.push(report.status());
            let in_a_row = |healthy| {
                history.iter().rev().take_while(|status| status.is_healthy() == healthy).count()
            };
            let before = board.snapshot().component("db");
            board.record(0, report, secs(0));
            let now = board.snapshot().component("db");
            if in_a_row(true) >= passes {
                is_healthy = true;
            } else if in_a_row(false) >= failures {
                is_healthy = false;
            }
            let expected = match history.last() {
                _ if !is_healthy => Some(Fail),
                Some(Fail) => before,
                last => last.copied(),
            };
            prop_assert_eq!(now, expected);
        }
    }
}

#[test]
fn before_the_first_pass_what_is_critical_fails_and_the_rest_warns() {
    let clock = ManualClock::new();
    let everywhere = |name| component(name).groups(Group::ALL);
    let critical = board([everywhere("db")], &clock);
    assert_eq!(Group::ALL.map(|group| critical.snapshot().group(group)), [Fail; 3]);
    let other = board([everywhere("db").critical(false)], &clock);
    assert_eq!(Group::ALL.map(|group| other.snapshot().group(group)), [Warn; 3]);
    let none = board([], &clock);
    assert_eq!(Group::ALL.map(|group| none.snapshot().group(group)), [Pass; 3]);
}

#[test]
fn what_is_not_critical_only_warns_its_group() {
    let board = board([component("mail").critical(false)], &ManualClock::new());
    board.record(0, Report::fail("refused"), secs(0));
    let snapshot = board.snapshot();
    assert_eq!((snapshot.component("mail"), snapshot.status()), (Some(Fail), Warn));
}

#[test]
fn a_result_that_is_not_renewed_warns_and_then_fails() {
    let clock = ManualClock::new();
    let rules = [component("db").interval(secs(5)).stale_after(secs(10), secs(20))];
    let board = board(rules, &clock);
    board.record(0, Report::pass(), secs(0));
    let mut seen = Vec::new();
    for _ in 0..5 {
        let snapshot = board.snapshot();
        seen.push((snapshot.group(Group::Ready), snapshot.output_of(0)));
        clock.advance(Duration::from_millis(5_250));
    }
    let said = |seconds| format!("the last result is {seconds} s old");
    let of_pass = "has not passed often enough yet".to_owned();
    assert_eq!(
        seen,
        [
            (Pass, of_pass.clone()),
            (Pass, of_pass),
            (Warn, said(10)),
            (Warn, said(15)),
            (Fail, said(21)),
        ]
    );
    board.record(0, Report::pass(), secs(0));
    assert_eq!(board.snapshot().group(Group::Ready), Pass);
}

#[test]
fn the_bounds_of_age_are_inclusive_and_a_failure_stays_one() {
    let clock = ManualClock::new();
    let rules = |name| component(name).interval(secs(5)).stale_after(secs(10), secs(20));
    let board = board([rules("db"), rules("broken")], &clock);
    board.record(0, Report::pass(), secs(0));
    board.record(1, Report::fail("refused"), secs(0));
    let mut seen = Vec::new();
    for by in [Duration::from_secs(10), Duration::from_nanos(1), Duration::from_secs(10)] {
        clock.advance(by);
        seen.push(board.snapshot().components().map(|(_, status)| status).collect::<Vec<_>>());
    }
    assert_eq!(seen, [[Pass, Fail], [Warn, Fail], [Fail, Fail]]);
    assert_eq!(board.snapshot().output_of(1), "the last result is 20 s old: refused");
}

#[test]
fn the_start_passes_once_and_stays() {
    let clock = ManualClock::new();
    let board =
        board([component("db").groups([Group::Ready, Group::Startup]), component("cache")], &clock);
    board.record(0, Report::pass(), secs(0));
    board.record(0, Report::fail("gone"), secs(0));
    clock.advance(secs(1_000_000));
    let snapshot = board.snapshot();
    assert_eq!((snapshot.group(Group::Startup), snapshot.group(Group::Ready)), (Pass, Fail));
}

#[test]
fn what_is_asked_for_at_the_start_alone_does_not_grow_stale() {
    let clock = ManualClock::new();
    let board = board([component("migrations").groups([Group::Startup])], &clock);
    assert!(!board.record(0, Report::fail("running"), secs(0)));
    assert!(board.record(0, Report::pass(), secs(0)), "it need not be run again");
    clock.advance(secs(1_000_000));
    assert_eq!(board.snapshot().component("migrations"), Some(Pass));
}

#[test]
fn secrets_in_an_output_are_hidden_and_a_long_one_is_cut() {
    let board = board([component("db")], &ManualClock::new());
    board.record(0, Report::fail("no answer to /login?password=hunter2&user=ada"), secs(0));
    assert_eq!(board.snapshot().output_of(0), "no answer to /login?password=REDACTED&user=ada");
    board.record(0, Report::fail("é".repeat(5000)), secs(0));
    assert_eq!(board.snapshot().output_of(0), "é".repeat(512));
}

#[test]
fn a_snapshot_does_not_change() {
    let clock = ManualClock::new();
    let board = board([component("db")], &clock);
    let before = board.snapshot();
    board.record(0, Report::pass(), secs(0));
    board.drain();
    assert_eq!((before.component("db"), before.is_draining()), (Some(Fail), false));
    let after = board.snapshot();
    assert_eq!((after.component("db"), after.is_draining()), (Some(Pass), true));
    clock.advance(secs(1_000_000));
    assert_eq!(after.component("db"), Some(Pass));
}
