//! There is space on a disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::spawn_blocking;

use crate::config::ConfigError;
use crate::health::{Check, Report};

/// An amount of free space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Free {
    /// So many bytes.
    Bytes(u64),
    /// So many percent of the file system, 0 to 100.
    Percent(u8),
}

/// Looks at the space that is left for unprivileged users on the file system of a path, by `statvfs`. It
/// observes the free percentage. Unix only.
///
/// ```
/// use tower_observability::health::{Component, DiskSpaceCheck, Free};
///
/// let check = DiskSpaceCheck::new("/var/lib/shop", Free::Percent(20), Free::Bytes(1 << 30))?;
/// let disk = Component::new("disk", check);
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct DiskSpaceCheck {
    path: PathBuf,
    warn_below: Free,
    fail_below: Free,
    is_asking: Arc<AtomicBool>,
}

impl DiskSpaceCheck {
    /// Warns when less than `warn_below` is free, and fails when less than `fail_below` is, or when the
    /// path cannot be looked at.
    ///
    /// # Errors
    /// On more than 100 percent, and on thresholds of one unit of which the first is the lower.
    pub fn new(
        path: impl Into<PathBuf>,
        warn_below: Free,
        fail_below: Free,
    ) -> Result<Self, ConfigError> {
        for (field, free) in [("warn_below", warn_below), ("fail_below", fail_below)] {
            if matches!(free, Free::Percent(101..)) {
                return Err(ConfigError::new(field, format!("{free:?}"), "0 to 100 percent"));
            }
        }
        let is_swapped = match (warn_below, fail_below) {
            (Free::Bytes(warn), Free::Bytes(fail)) => warn < fail,
            (Free::Percent(warn), Free::Percent(fail)) => warn < fail,
            _ => false,
        };
        if is_swapped {
            let allowed = "at most what `warn_below` is";
            return Err(ConfigError::new("fail_below", format!("{fail_below:?}"), allowed));
        }
        Ok(Self { path: path.into(), warn_below, fail_below, is_asking: Arc::default() })
    }

    fn judge(&self, space: Space) -> Report {
        let free = format!("{} of {} bytes are free", space.free, space.total);
        let report = if space.is_below(self.fail_below) {
            Report::fail(free)
        } else if space.is_below(self.warn_below) {
            Report::warn(free)
        } else {
            Report::pass()
        };
        report.observed(space.percent(), "%")
    }
}

impl Check for DiskSpaceCheck {
    async fn run(&self) -> Report {
        // a thread that hangs on a dead mount hangs alone
        if self.is_asking.swap(true, Ordering::AcqRel) {
            return Report::fail("the file system has not answered the last time yet");
        }
        let (path, asking) = (self.path.clone(), Asking(Arc::clone(&self.is_asking)));
        let asked = spawn_blocking(move || {
            let _asking = asking;
            rustix::fs::statvfs(&path)
        });
        match asked.await {
            Ok(Ok(found)) => self.judge(Space {
                free: found.f_bavail.saturating_mul(found.f_frsize),
                total: found.f_blocks.saturating_mul(found.f_frsize),
            }),
            Ok(Err(error)) => Report::fail(error.to_string()),
            Err(error) => Report::fail(error.to_string()),
        }
    }
}

/// While it is there, the file system is being asked.
struct Asking(Arc<AtomicBool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[derive(Clone, Copy)]
struct Space {
    free: u64,
    total: u64,
}

impl Space {
    fn percent(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.free as f64 / self.total as f64 * 100.0 }
    }

    fn is_below(self, least: Free) -> bool {
        match least {
            Free::Bytes(least) => self.free < least,
            Free::Percent(least) => self.percent() < f64::from(least),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Status;

    #[test]
    fn space_is_judged_at_the_thresholds() {
        let check = DiskSpaceCheck::new("/", Free::Percent(20), Free::Bytes(10)).unwrap();
        for (free, status) in [
            (0, Status::Fail),
            (9, Status::Fail),
            (10, Status::Warn),
            (19, Status::Warn),
            (20, Status::Pass),
            (100, Status::Pass),
        ] {
            let report = check.judge(Space { free, total: 100 });
            assert_eq!(report.status(), status, "{free}");
        }
        let report = check.judge(Space { free: 19, total: 100 });
        let expected = Report::warn("19 of 100 bytes are free").observed(19.0, "%");
        assert_eq!(report, expected);
    }

    #[test]
    fn a_file_system_of_no_size_has_no_space() {
        let check = DiskSpaceCheck::new("/", Free::Percent(1), Free::Percent(1)).unwrap();
        assert_eq!(check.judge(Space { free: 0, total: 0 }).status(), Status::Fail);
    }

    #[test]
    fn thresholds_that_cannot_be_are_refused() {
        let refused = |warn, fail| {
            let error = DiskSpaceCheck::new("/", warn, fail).map(drop).unwrap_err();
            (error.field(), error.value().to_owned())
        };
        assert_eq!(
            [
                refused(Free::Percent(101), Free::Percent(1)),
                refused(Free::Percent(1), Free::Percent(101)),
                refused(Free::Percent(1), Free::Percent(2)),
                refused(Free::Bytes(1), Free::Bytes(2)),
            ],
            [
                ("warn_below", "Percent(101)".to_owned()),
                ("fail_below", "Percent(101)".to_owned()),
                ("fail_below", "Percent(2)".to_owned()),
                ("fail_below", "Bytes(2)".to_owned()),
            ]
        );
    }
}
