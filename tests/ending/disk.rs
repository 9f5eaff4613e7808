//! The disk of the access log is full, and then it is not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use tower_observability::access_log::JsonLines;
use tower_observability::telemetry::Telemetry;

use crate::kit::{LONG, ask, lost, open, until, within};

/// A folder, which may be a file system of its own.
struct Folder {
    path: PathBuf,
    mounted: bool,
}

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ending-{name}-{}", id()));
        fs::create_dir_all(&path).unwrap();
        Self { path, mounted: false }
    }

    /// Makes it a file system of 64 KiB, where that is allowed.
    fn mounted(mut self) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(&self.path)
            .status();
        self.mounted = mount.is_ok_and(|status| status.success());
        self.mounted.then_some(self)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.mounted {
            // the service still has the log open
            let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
        }
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The lines of a log that are whole, and those that are not.
fn read(log: &Path) -> (u64, u64) {
    let text = fs::read_to_string(log).unwrap();
    let is_whole = |line: &&str| {
        let object = serde_json::from_str::<serde_json::Value>(line);
        object.is_ok_and(|object| object["attributes"]["http.response.status_code"] == 200)
    };
    let whole = text.split_terminator('\n').filter(is_whole).count() as u64;
    (whole, text.split_terminator('\n').count() as u64 - whole)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_lines_that_are_counted_and_no_request() {
    for queue in [None, Some(1000)] {
        let Some(disk) = Folder::new("disk").mounted() else {
            eprintln!("nothing can be mounted here, so there is no disk to fill");
            return;
        };
        let (log, ballast) = (disk.file("log"), disk.file("ballast"));
        fs::write(&ballast, vec![0; 32 * 1024]).unwrap();
        let lines = JsonLines::file(&log).unwrap();
        let lines = match queue {
            Some(capacity) => lines.non_blocking(capacity).unwrap(),
            None => lines,
        };
        let telemetry = Telemetry::builder("shop").json_lines(lines.clone()).build().unwrap();
        let shop = open(&telemetry).await;

        // full in the middle
        ask(shop, 300).await;
        until(async || read(&log).0 + lines.lost_lines() == 300).await;
        let (written, torn) = read(&log);
        assert!(written > 10 && written < 290 && torn <= 1, "{written} lines, and {torn} torn");
        assert_eq!(lost(&telemetry, "access_log").await, 300 - written);
        ask(shop, 50).await;
        until(async || lines.lost_lines() == 350 - written).await;

        // there is room again
        fs::remove_file(&ballast).unwrap();
        ask(shop, 20).await;
        until(async || read(&log) == (written + 20, torn)).await;
        assert_eq!(lost(&telemetry, "access_log").await, 350 - written);

        let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
        assert_eq!(error.lost_lines(), 350 - written);
        assert!(error.to_string().contains("the access log lost"), "{error}");
        assert_eq!(read(&log), (written + 20, torn), "queued: {queue:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_takes_nothing_is_replaced_and_lines_are_written_again() {
    let folder = Folder::new("device");
    let (path, log) = (folder.file("log"), folder.file("log.real"));
    symlink("/dev/full", &path).unwrap();
    let lines = JsonLines::file(&path).unwrap();
    let telemetry = Telemetry::builder("shop").json_lines(lines.clone()).build().unwrap();
    let shop = open(&telemetry).await;

    ask(shop, 40).await;
    assert_eq!(lost(&telemetry, "access_log").await, 40);

    fs::remove_file(&path).unwrap();
    symlink(&log, &path).unwrap();
    lines.reopen();
    ask(shop, 30).await;
    assert_eq!((read(&log), lost(&telemetry, "access_log").await), ((30, 0), 40));
    let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
    assert_eq!(error.to_string(), "telemetry of shop: the access log lost 40 lines");
}
