//! Where each stack's lines go: they are kept while a stack is proven, then dropped.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

static PROVING: AtomicBool = AtomicBool::new(true);
static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// As `io::sink`, but for what is kept of it before it is measured.
#[derive(Clone, Copy)]
pub(crate) struct Lines;

impl Lines {
    /// What was written so far; from now on it is dropped.
    pub(super) fn kept() -> String {
        PROVING.store(false, Ordering::Relaxed);
        let kept = std::mem::take(&mut *KEPT.lock().expect("nobody panics with it"));
        String::from_utf8(kept).expect("lines of text")
    }
}

impl Write for Lines {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if PROVING.load(Ordering::Relaxed) {
            KEPT.lock().expect("nobody panics with it").extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
