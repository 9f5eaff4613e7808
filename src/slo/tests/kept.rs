//! What is kept over a restart.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// A folder of its own, gone with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("slo-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join("slo.snapshot")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn objective() -> ObjectiveBuilder {
    Objective::availability("a", percent("99.9"))
}

/// Twelve days of traffic, the last of them bad enough to fire.
fn lived() -> Bench {
    let bench = Bench::of([objective(), Objective::latency("b", percent("95"), MINUTE)]);
    for _ in 0..12 {
        bench.ask_all(1_000, 1);
        bench.clock.advance(24 * HOUR);
    }
    for _ in 0..30 {
        bench.ask_all(50, 50);
        bench.clock.advance(MINUTE);
    }
    bench.tracker.look();
    bench
}

/// A new process on the same clock.
pub(super) fn next(
    before: &Bench,
    objectives: impl IntoIterator<Item = ObjectiveBuilder>,
) -> Bench {
    let clock = before.clock.clone();
    let tracker = SloTracker::builder()
        .objectives(objectives.into_iter().map(|objective| objective.build().unwrap()))
        .clock(clock.clock())
        .build()
        .unwrap();
    let layer = SloLayer::server(&tracker).clock(clock.clock());
    Bench { clock, tracker, layer, changes: Arc::default() }
}

fn both() -> [ObjectiveBuilder; 2] {
    [objective(), Objective::latency("b", percent("95"), MINUTE)]
}

/// All that a report says but what the process counted itself.
pub(super) fn known(bench: &Bench) -> Vec<String> {
    let reports = bench.tracker.reports().into_iter();
    let known = reports.map(|mut report| {
        report.since_start = Tally::default();
        format!("{report:?}")
    });
    known.collect()
}

#[test]
fn the_next_process_goes_on_where_the_last_one_was() {
    let folder = Folder::new("goes-on");
    let before = lived();
    before.tracker.save(folder.file()).unwrap();
    let after = next(&before, both());
    assert!(after.tracker.reports()[0].budget.remaining.is_none(), "nothing is known yet");
    let restored = after.tracker.restore(folder.file()).unwrap().unwrap();
    assert_eq!(restored.objectives, ["a", "b"]);
    assert_eq!(restored.left_out, <[&str; 0]>::default());
    assert_eq!(known(&after), known(&before));
    assert_eq!(after.counted(), [Tally::default(); 2], "the metrics begin anew");
    // and they go on alike
    for bench in [&before, &after] {
        bench.ask_all(3, 2);
    }
    after.clock.advance(HOUR);
    assert_eq!(known(&after), known(&before));
}

#[test]
fn the_time_between_is_not_covered() {
    let folder = Folder::new("between");
    let before = lived();
    before.tracker.save(folder.file()).unwrap();
    let covered = before.tracker.reports()[0].budget.coverage;
    before.clock.advance(24 * HOUR);
    let after = next(&before, both());
    after.tracker.restore(folder.file()).unwrap();
    let report = &after.tracker.reports()[0];
    assert!((report.budget.coverage - covered).abs() < 1e-9, "a day more, and none of it covered");
    assert_eq!(report.burn[0].coverage, 0.0);
    assert_eq!(report.budget.tally, Tally { good: 13_500, bad: 1_512 });
}

#[test]
fn an_objective_that_is_new_begins_anew_and_one_that_changed_too() {
    let folder = Folder::new("changed");
    let before = lived();
    before.tracker.save(folder.file()).unwrap();
    let new = Objective::availability("c", percent("99"));
    let after = next(&before, [new, objective().window(Window::DAYS_28)]);
    let restored = after.tracker.restore(folder.file()).unwrap().unwrap();
    assert_eq!(restored.objectives, <[&str; 0]>::default());
    assert_eq!(restored.left_out.len(), 2);
    for report in after.tracker.reports() {
        assert_eq!((report.budget.coverage, report.budget.remaining), (0.0, None));
        assert_eq!(report.burn[0].tally, Tally::default());
    }
    after.ask_all(1, 1);
    after.clock.advance(MINUTE);
    let report = &after.tracker.reports()[0];
    assert_eq!(report.burn[0].tally, Tally { good: 1, bad: 1 });
    assert_eq!(report.burn[0].coverage, 0.2, "a minute of five");
}

#[test]
fn no_file_is_no_fault_and_one_that_cannot_be_read_is() {
    let folder = Folder::new("none");
    let bench = Bench::new(objective());
    assert_eq!(bench.tracker.restore(folder.file()).unwrap(), None);
    let error = bench.tracker.restore(&folder.0).unwrap_err();
    assert!(matches!(&error, SnapshotError::Io { path, .. } if *path == folder.0), "{error}");
    let error = bench.tracker.save(folder.0.join("no").join("such")).unwrap_err();
    assert!(matches!(error, SnapshotError::Io { .. }), "{error}");
}

#[test]
fn what_is_written_leaves_nothing_beside() {
    let folder = Folder::new("beside");
    let bench = lived();
    for _ in 0..3 {
        bench.tracker.save(folder.file()).unwrap();
    }
    let names = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["slo.snapshot"]);
    let bytes = fs::metadata(folder.file()).unwrap().len();
    assert!((20_000..50_000).contains(&bytes), "{bytes} bytes of two objectives");
}

#[test]
fn another_version_is_told_as_one() {
    let folder = Folder::new("version");
    let bench = Bench::new(objective());
    bench.tracker.save(folder.file()).unwrap();
    let mut bytes = fs::read(folder.file()).unwrap();
    bytes[11] = 2;
    fs::write(folder.file(), bytes).unwrap();
    let error = bench.tracker.restore(folder.file()).unwrap_err();
    assert!(matches!(error, SnapshotError::Version { version: 2, .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_damaged_file_is_refused_and_changes_nothing(
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        cut in any::<bool>(),
    ) {
        let folder = Folder::new("damaged");
        let bench = Bench::of(both());
        bench.ask_all(10, 5);
        bench.clock.advance(MINUTE);
        let before = known(&bench);
        bench.tracker.save(folder.file()).unwrap();
        let mut bytes = fs::read(folder.file()).unwrap();
        let at = at.index(bytes.len());
        match cut {
            true => bytes.truncate(at),
            false => bytes[at] ^= flip,
        }
        fs::write(folder.file(), bytes).unwrap();
        let error = bench.tracker.restore(folder.file()).unwrap_err();
        let is_told = matches!(error, SnapshotError::Damaged { .. } | SnapshotError::Version { .. });
        prop_assert!(is_told, "{}", error);
        prop_assert_eq!(known(&bench), before);
    }

    #[test]
    fn whatever_a_file_holds_is_read_without_harm(content in prop::collection::vec(any::<u8>(), 0..512)) {
        use crate::slo::format::{decode, seal};
        // with a checksum that fits, so that the content is looked at
        prop_assert!(decode(&seal(&content)).is_err() || content.len() >= 36);
        prop_assert!(decode(&content).is_err());
    }
}
