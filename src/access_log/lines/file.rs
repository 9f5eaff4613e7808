//! A file that is opened anew when it was rotated away.

use std::fs::{File, Metadata, OpenOptions};
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
    /// The last try to open it anew failed.
    failed: bool,
}

impl ReopeningFile {
    pub(super) fn open(path: &Path, reopening: Arc<Reopening>) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: append(path)?, reopening, failed: false })
    }

    /// Opens the file anew where that was asked for, or its path leads elsewhere. To be called
    /// between lines. Answers whether lines now go to a file that ends with no line of ours.
    ///
    /// # Errors
    /// When that fails; it is tried again each time, and only the first failure is told.
    pub(super) fn renew(&mut self) -> io::Result<bool> {
        let reopening = &self.reopening;
        if taken(&reopening.look) && !is_same(self.file.metadata(), std::fs::metadata(&self.path)) {
            reopening.ask();
        }
        if !taken(&reopening.reopen) {
            return Ok(false);
        }
        match append(&self.path) {
            Ok(file) => {
                self.failed = false;
                let old = std::mem::replace(&mut self.file, file);
                let is_empty = self.file.metadata().is_ok_and(|found| found.len() == 0);
                Ok(is_empty || !is_same(old.metadata(), self.file.metadata()))
            }
            Err(error) => {
                reopening.ask();
                if std::mem::replace(&mut self.failed, true) { Ok(false) } else { Err(error) }
            }
        }
    }
}

fn taken(wish: &AtomicBool) -> bool {
    wish.load(Ordering::Relaxed) && wish.swap(false, Ordering::Relaxed)
}

/// Whether both are the same file; where one is missing, they are not. Without Unix's file
/// identities nobody can tell.
fn is_same(one: io::Result<Metadata>, other: io::Result<Metadata>) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |found: Metadata| (found.dev(), found.ino());
        one.is_ok_and(|one| other.is_ok_and(|other| id(one) == id(other)))
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        true
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
        io::Error::new(error.kind(), format!("access log file {}: {error}", path.display()))
    })
}

impl Write for ReopeningFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
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
            file.renew().unwrap();
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
    fn a_reopening_that_fails_is_told_once_and_tried_again() {
        let directory = Directory::new("access-log-asked");
        let inner = directory.0.join("inner");
        std::fs::create_dir(&inner).unwrap();
        let (path, moved) = (inner.join("log"), directory.0.join("moved"));
        let reopening = Arc::new(Reopening::default());
        let mut file = ReopeningFile::open(&path, Arc::clone(&reopening)).unwrap();
        let mut write = |text: &str| {
            let renewed = file.renew().map_err(|error| error.kind());
            file.write_all(text.as_bytes()).unwrap();
            renewed
        };
        assert_eq!(write("a\n"), Ok(false));
        std::fs::rename(&inner, &moved).unwrap();
        reopening.ask();
        assert_eq!(write("b\n"), Err(io::ErrorKind::NotFound));
        assert_eq!(write("c\n"), Ok(false), "told");
        std::fs::create_dir(&inner).unwrap();
        assert_eq!(write("d\n"), Ok(true), "the wish is kept");
        assert_eq!(write("e\n"), Ok(false));
        std::fs::rename(&inner, directory.0.join("again")).unwrap();
        reopening.ask();
        assert_eq!(write("f\n"), Err(io::ErrorKind::NotFound), "a failure of its own");
        assert_eq!(std::fs::read_to_string(moved.join("log")).unwrap(), "a\nb\nc\n");
        assert_eq!(std::fs::read_to_string(directory.0.join("again/log")).unwrap(), "d\ne\nf\n");
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
