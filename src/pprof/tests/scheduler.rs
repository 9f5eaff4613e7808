use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use crate::clock::{Clock, TimeSource};
use crate::pprof::store::{Store, millis};
use crate::pprof::{ProfileError, ProfileScheduler, ProfileSchedulerBuilder, SchedulerStatus};

/// A new directory, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pprof-{}-{next}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names(path: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let all = fs::read_dir(path).unwrap().map(name);
    let mut all: Vec<_> = all.map(|name| name.into_string().unwrap()).collect();
    all.sort();
    all
}

fn name(minute: u64) -> String {
    format!("cpu-{:020}.pb.gz", minute * 60_000)
}

/// Tells the time of day from tokio's clock, which is paused.
struct Paused(tokio::time::Instant);

impl TimeSource for Paused {
    fn now(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0.elapsed()
    }
}

/// A scheduler of a profile a minute; the nth is what `taken` gives for it.
fn minutely<F>(directory: &Path, max_bytes: u64, taken: F) -> ProfileSchedulerBuilder
where
    F: Fn(u64) -> Result<Vec<u8>, ProfileError> + Send + Sync + 'static,
{
    let count = AtomicU64::new(0);
    let taken = Arc::new(taken);
    ProfileScheduler::builder(directory)
        .every(Duration::from_secs(60))
        .max_bytes(max_bytes)
        .clock(Clock::new(Paused(tokio::time::Instant::now())))
        .source(Arc::new(move || {
            let nth = count.fetch_add(1, Ordering::Relaxed);
            let taken = Arc::clone(&taken);
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(10)).await;
                taken(nth)
            })
        }))
}

/// Lets time pass until the scheduler has tried so often.
async fn tried(scheduler: &ProfileScheduler, times: u64) -> SchedulerStatus {
    loop {
        let status = scheduler.status();
        if status.written + status.failed + status.skipped >= times {
            return status;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_oldest_go_first_and_the_bound_holds() {
    let directory = Directory::new();
    let scheduler = minutely(&directory.0, 2500, |_| Ok(vec![7; 1000])).start().unwrap();
    fs::create_dir_all(&directory.0).unwrap();
    fs::write(directory.0.join("cpu-1.pb.gz"), vec![0; 5000]).unwrap();
    fs::write(directory.0.join("notes.txt"), vec![0; 5000]).unwrap();
    let left = directory.0.join("cpu-00000000000000000001.pb.gz.unfinished");
    fs::write(left, "cut").unwrap();
    let status = tried(&scheduler, 4).await;
    let expected = SchedulerStatus { written: 4, deleted: 2, ..SchedulerStatus::default() };
    assert_eq!(status, expected);
    let others = ["cpu-1.pb.gz".to_owned(), "notes.txt".to_owned()];
    let mut all = vec![name(2), name(3)];
    all.extend(others);
    assert_eq!(directory.names(), all);
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_taken_after_the_drop() {
    let directory = Directory::new();
    let scheduler = minutely(&directory.0, 2500, |_| Ok(vec![7; 1000])).start().unwrap();
    tried(&scheduler, 1).await;
    drop(scheduler);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(directory.names(), [name(0)]);
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_and_the_next_is_tried() {
    let directory = Directory::new();
    // a file where the directory should be
    fs::write(&directory.0, "").unwrap();
    let taken = |nth| match nth {
        1 => Err(ProfileError::Busy),
        2 => Err(ProfileError::Failed("of the test".to_owned())),
        3 => Ok(vec![7; 2501]),
        _ => Ok(vec![7; 1000]),
    };
    let scheduler = minutely(&directory.0, 2500, taken).start().unwrap();
    let first = tried(&scheduler, 1).await;
    assert_eq!((first.written, first.failed, first.last_error.is_some()), (0, 1, true));
    fs::remove_file(&directory.0).unwrap();

    let last_error = Some("the profiler failed: of the test".to_owned());
    let expected = SchedulerStatus { failed: 2, skipped: 1, last_error, ..Default::default() };
    assert_eq!(tried(&scheduler, 3).await, expected);
    let last_error = Some("a profile of 2501 bytes is over max_bytes, 2500".to_owned());
    let expected = SchedulerStatus { failed: 3, skipped: 1, last_error, ..Default::default() };
    assert_eq!(tried(&scheduler, 4).await, expected);
    let expected = SchedulerStatus { written: 1, failed: 3, skipped: 1, ..Default::default() };
    assert_eq!(tried(&scheduler, 5).await, expected);
    assert_eq!(directory.names(), [name(4)]);
}

#[test]
fn two_in_a_millisecond_are_both_kept() {
    let directory = Directory::new();
    let store = Store { directory: directory.0.clone(), max_bytes: 2500 };
    for _ in 0..2 {
        assert_eq!(store.keep(SystemTime::UNIX_EPOCH, b"profile").unwrap(), 0);
    }
    let all = ["cpu-00000000000000000000.pb.gz", "cpu-00000000000000000001.pb.gz"];
    assert_eq!(directory.names(), all);
}

#[tokio::test]
async fn settings_have_bounds() {
    let of = || ProfileScheduler::builder("unused");
    let second = Duration::from_secs(1);
    let every = "more than `duration`, up to 7 days";
    for (builder, field, value, allowed) in [
        (of().duration(second / 2), "duration", "500ms", "1 s to 120 s"),
        (of().every(second * 10), "every", "10s", every),
        (of().every(second * 604_801), "every", "604801s", every),
        (of().max_bytes(1023), "max_bytes", "1023", "1024 bytes and up"),
    ] {
        let error = builder.start().unwrap_err();
        assert_eq!((error.field(), error.value(), error.allowed()), (field, value, allowed));
    }
}

#[test]
fn it_needs_a_runtime() {
    let error = ProfileScheduler::builder("unused").start().unwrap_err();
    assert_eq!(error.field(), "runtime");
}

proptest! {
    #[test]
    fn only_names_of_ours_are_read(name in "(cpu-)?[0-9a+-]{0,22}(\\.pb\\.gz)?") {
        if let Some(millis) = millis(&name) {
            prop_assert_eq!(format!("cpu-{millis:020}.pb.gz"), name);
        }
    }

    #[test]
    fn the_bound_holds_whatever_the_sizes(sizes in prop::collection::vec(0_usize..1500, 1..12)) {
        let directory = Directory::new();
        let store = Store { directory: directory.0.clone(), max_bytes: 2000 };
        for (at, size) in sizes.iter().enumerate() {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(60 * at as u64);
            store.keep(at, &vec![0; *size]).unwrap();
            let bytes = |name: &String| fs::metadata(directory.0.join(name)).unwrap().len();
            let all: Vec<u64> = directory.names().iter().map(bytes).collect();
            prop_assert!(all.iter().sum::<u64>() <= 2000);
            prop_assert_eq!(all.last(), Some(&(*size as u64)));
        }
        let names = directory.names();
        prop_assert_eq!(names.last(), Some(&name(sizes.len() as u64 - 1)));
    }
}
