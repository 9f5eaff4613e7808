//! Files that are there whole or not at all.

use std::path::{Path, PathBuf};
use std::{error, fmt, fs, io};

use crate::slo::file::write_atomically;

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

/// Makes the directory if need be, and writes a file that is whole at every moment.
pub(super) fn atomically(path: &Path, text: &str) -> Result<(), WriteError> {
    let refused = |path: &Path, source| WriteError { path: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|source| refused(directory, source))?;
    }
    write_atomically(path, text.as_bytes()).map_err(|source| refused(path, source))
}
