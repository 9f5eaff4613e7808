//! A writer of whole lines.

use std::io::{self, ErrorKind, Write};

use super::file::ReopeningFile;

/// Keeps a line that was cut short from running into the next one.
pub(super) struct WholeLines {
    inner: Inner,
    torn: bool,
}

pub(super) enum Inner {
    Writer(Box<dyn Write + Send>),
    File(ReopeningFile),
}

impl WholeLines {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner, torn: false }
    }

    /// Opens a file anew where that is due; see [`ReopeningFile::renew`].
    #[inline]
    pub(super) fn renew(&mut self) -> io::Result<()> {
        if let Inner::File(file) = &mut self.inner
            && file.renew()?
        {
            self.torn = false;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.write_rest(b"\n")?;
        }
        self.write_rest(line)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }

    #[inline]
    fn write_rest(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            // stays so where the writer panics
            let torn = std::mem::replace(&mut self.torn, true);
            let written = self.writer().write(rest);
            self.torn = torn;
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.torn = !rest.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.inner {
            Inner::Writer(writer) => writer,
            Inner::File(file) => file,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::super::file::Reopening;
    use super::*;

    #[test]
    fn a_torn_line_stays_in_its_own_file() {
        let name = format!("access-log-torn-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let rotated = PathBuf::from(format!("{}.1", path.display()));
        let reopening = Arc::new(Reopening::default());
        let file = ReopeningFile::open(&path, Arc::clone(&reopening)).unwrap();
        let mut lines = WholeLines::new(Inner::File(file));
        let mut write = |text: &str| {
            lines.renew().unwrap();
            lines.write_line(text.as_bytes()).unwrap();
            // as when the disk is full
            lines.write_rest(b"to").unwrap();
            lines.torn = true;
        };
        write("a\n");
        reopening.ask();
        write("b\n"); // into the same file
        std::fs::rename(&path, &rotated).unwrap();
        reopening.ask();
        write("c\n");
        let [old, new] = [&rotated, &path].map(|path| std::fs::read_to_string(path).unwrap());
        for path in [&rotated, &path] {
            std::fs::remove_file(path).unwrap();
        }
        assert_eq!((&*old, &*new), ("a\nto\nb\nto", "c\nto"));
    }
}
