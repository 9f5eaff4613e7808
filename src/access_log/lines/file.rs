//! A file that is opened anew when it was rotated away.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Tells a file, which may be behind a queue, when to look at its path.
#[derive(Default)]
pub(super) struct Reopening {
    origin: OnceLock<Instant>,
    /// The second since the origin in which the path was last to be looked at.
    looked: AtomicU64,
    look: AtomicBool,
    reopen: AtomicBool,
}

impl Reopening {
    /// Asks for the file to be opened anew whatever its path holds.
    pub(super) fn ask(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Asks for a look at the path, once in a second of the exchanges' own time.
    pub(super) fn tick(&self, now: Instant) {
        let origin = *self.origin.get_or_init(|| now);
        let second = now.saturating_duration_since(origin).as_secs();
        if second > self.looked.load(Ordering::Relaxed)
            && second > self.looked.fetch_max(second, Ordering::Relaxed)
        {
            self.look.store(true, Ordering::Relaxed);
        }
    }
}

pub(super) struct ReopeningFile {
    path: PathBuf,
    file: File,
    reopening: Arc<Reopening>,
}

impl ReopeningFile {
    pub(super) fn open(path: &Path, reopening: Arc<Reopening>) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("access log file {}: {error}", path.display()))
        };
        let file = append(path).map_err(named)?;
        Ok(Self { path: path.to_owned(), file, reopening })
    }

    /// Whether the path leads to another file, or to none. Without Unix's file identities nobody
    /// can tell.
    fn was_moved(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let id = |found: std::fs::Metadata| (found.dev(), found.ino());
            let Ok(open) = self.file.metadata() else { return true };
            std::fs::metadata(&self.path).map(id).ok() != Some(id(open))
        }
        #[cfg(not(unix))]
        false
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

impl Write for ReopeningFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let reopening = &self.reopening;
        let asked = reopening.reopen.load(Ordering::Relaxed)
            && reopening.reopen.swap(false, Ordering::Relaxed);
        let look =
            reopening.look.load(Ordering::Relaxed) && reopening.look.swap(false, Ordering::Relaxed);
        if (asked || (look && self.was_moved()))
            && let Ok(file) = append(&self.path)
        {
            self.file = file;
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A directory that is deleted at the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_moved_away_is_noticed_within_a_second() {
        let directory = Directory::new("access-log-moved");
        let (path, moved) = (directory.0.join("log"), directory.0.join("log.1"));
        std::fs::write(&path, "before\n").unwrap();
        let reopening = Arc::new(Reopening::default());
        let mut file = ReopeningFile::open(&path, Arc::clone(&reopening)).unwrap();
        let start = Instant::now();
        let mut write = |millis, text: &str| {
            reopening.tick(start + Duration::from_millis(millis));
            file.write_all(text.as_bytes()).unwrap();
        };
        write(0, "a\n");
        write(1100, "b\n");
        std::fs::rename(&path, &moved).unwrap();
        write(1900, "c\n"); // this second had its look
        write(2000, "d\n");
        std::fs::remove_file(&path).unwrap();
        write(3000, "e\n");
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "before\na\nb\nc\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "e\n");
    }

    #[test]
    fn reopens_when_asked_and_goes_on_where_it_cannot() {
        let directory = Directory::new("access-log-asked");
        let inner = directory.0.join("inner");
        std::fs::create_dir(&inner).unwrap();
        let (path, moved) = (inner.join("log"), directory.0.join("moved"));
        let reopening = Arc::new(Reopening::default());
        let mut file = ReopeningFile::open(&path, Arc::clone(&reopening)).unwrap();
        file.write_all(b"a\n").unwrap();
        std::fs::rename(&inner, &moved).unwrap();
        reopening.ask();
        file.write_all(b"b\n").unwrap(); // there is no such directory
        std::fs::create_dir(&inner).unwrap();
        file.write_all(b"c\n").unwrap();
        reopening.ask();
        file.write_all(b"d\n").unwrap();
        assert_eq!(std::fs::read_to_string(moved.join("log")).unwrap(), "a\nb\nc\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "d\n");
    }

    #[test]
    fn an_error_names_the_file() {
        let missing = Path::new("/nowhere/at/all.log");
        let Err(error) = ReopeningFile::open(missing, Arc::default()) else {
            unreachable!("there is no such directory")
        };
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("/nowhere/at/all.log"), "{error}");
    }
}
