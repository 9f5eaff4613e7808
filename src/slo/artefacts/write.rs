//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{error, fmt};

/// A file or directory that could not be written.
#[derive(Debug)]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    /// What could not be written.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.source)
    }
}

impl error::Error for WriteError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Writes beside the file and renames, so that a reader sees the old text or the new one.
pub(super) fn atomically(path: &Path, text: &str) -> Result<(), WriteError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let refused = |source| WriteError { path: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        let refused = |source| WriteError { path: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(refused)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".{}.{number}.new", process::id()));
    let beside = path.with_file_name(name);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|source| {
        // what is left of it is of no use, and that it stays is no further error
        let _ = fs::remove_file(&beside);
        refused(source)
    })
}
