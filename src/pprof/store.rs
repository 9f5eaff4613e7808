//! A directory of profiles, bounded in bytes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const PREFIX: &str = "cpu-";
const SUFFIX: &str = ".pb.gz";
const UNFINISHED: &str = ".unfinished";

/// The directory; no file in it counts or is touched whose name is not one of ours.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) directory: PathBuf,
    pub(super) max_bytes: u64,
}

/// A profile that is there.
struct Kept {
    millis: u64,
    path: PathBuf,
    bytes: u64,
}

impl Store {
    /// Keeps a profile taken at this time, and tells how many were deleted for it.
    pub(super) fn keep(&self, at: SystemTime, profile: &[u8]) -> io::Result<u64> {
        let bytes = profile.len() as u64;
        if bytes > self.max_bytes {
            let why = format!("a profile of {bytes} bytes is over max_bytes, {}", self.max_bytes);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        fs::create_dir_all(&self.directory)?;
        let mut kept = self.list()?;
        kept.sort_unstable_by_key(|kept| kept.millis);

        let mut total: u64 = kept.iter().map(|kept| kept.bytes).sum();
        let mut deleted = 0;
        // before it is written, so that the bound holds at every moment
        for old in &kept {
            if total.saturating_add(bytes) <= self.max_bytes {
                break;
            }
            fs::remove_file(&old.path)?;
            total = total.saturating_sub(old.bytes);
            deleted += 1;
        }
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let mut millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        // two in a millisecond, or a clock that was set back
        while kept.iter().any(|kept| kept.millis == millis) {
            millis = millis.wrapping_add(1);
        }
        self.write(&name(millis), profile)?;
        Ok(deleted)
    }

    /// Writes a file that is there whole or not at all.
    fn write(&self, name: &str, profile: &[u8]) -> io::Result<()> {
        let unfinished = self.directory.join(format!("{name}{UNFINISHED}"));
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
            file.write_all(profile)?;
            file.sync_all()?;
            fs::rename(&unfinished, self.directory.join(name))
        };
        write().inspect_err(|_| {
            // what is left is removed by the next `list`
            let _ = fs::remove_file(&unfinished);
        })
    }

    /// The profiles that are there; removes what a process that ended left unfinished.
    fn list(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = entry.path();
            if name.strip_suffix(UNFINISHED).is_some_and(|name| millis(name).is_some()) {
                remove(&path)?;
            } else if let Some(millis) = millis(name) {
                // not that of what a link leads to
                let file = entry.metadata()?;
                if file.is_file() {
                    kept.push(Kept { millis, path, bytes: file.len() });
                }
            }
        }
        Ok(kept)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Padded, so that names sort as times do.
fn name(millis: u64) -> String {
    format!("{PREFIX}{millis:020}{SUFFIX}")
}

/// The time in a name that [`name`] gave.
pub(super) fn millis(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let ours = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if ours { digits.parse().ok() } else { None }
}
