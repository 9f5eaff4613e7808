//! Files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes beside the file (`NAME.PID.NUMBER.tmp`), syncs and renames, so that a reader sees the old
/// content or the new one, whoever else writes it meanwhile.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{number}.tmp", process::id()));
    write_beside(&path.with_file_name(name), path, bytes)
}

fn write_beside(beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // what a killed process of the same number left there, or a link that somebody put there
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(beside, path)
    })();
    if written.is_err() {
        // what is left of it is of no use, and may not be there
        let _ = fs::remove_file(beside);
        return written;
    }
    // the name, too, is to outlive a loss of power, where directories can be synced
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_where_it_is_written_is_not_followed() {
        let folder = std::env::temp_dir().join(format!("slo-link-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [other, beside, path] = ["other", "beside", "path"].map(|name| folder.join(name));
        fs::write(&other, "of somebody else").unwrap();
        std::os::unix::fs::symlink(&other, &beside).unwrap();
        write_beside(&beside, &path, b"ours").unwrap();
        let read = [&other, &path].map(|path| fs::read_to_string(path).unwrap());
        assert_eq!(read, ["of somebody else", "ours"]);
        assert!(!beside.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
