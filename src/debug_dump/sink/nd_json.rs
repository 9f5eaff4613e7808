//! Lines of JSON into any writer.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::TARGET;
use crate::debug_dump::{Capture, render};
use crate::exchange::isolated;

thread_local! {
    /// Whether this thread is within a writer, which may make a call that is captured itself.
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Writes each capture as one line of JSON ([NDJSON](https://github.com/ndjson/ndjson-spec)), whose keys
/// are those of [`render`]. Clones write to the same place.
///
/// It writes under a lock, and flushes, where the exchange ends: a file costs a system call or two for
/// each capture, and a disk that stalls stalls the exchanges that are captured, at most as many as the
/// [`Rule`](crate::debug_dump::Rule) lets. Where that is too much, give it a writer that hands the bytes
/// to a thread of its own.
///
/// ```no_run
/// use std::fs::File;
///
/// use tower_observability::debug_dump::{DumpControl, sink::NdJson};
///
/// let lines = NdJson::new(File::options().append(true).create(true).open("dumps.ndjson")?);
/// let control = DumpControl::builder().sink(lines.sink()).build();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct NdJson(Arc<Inner>);

struct Inner {
    output: Mutex<Output>,
    lost: AtomicU64,
}

struct Output {
    writer: Box<dyn Write + Send>,
    /// Whether the last line may have been written in part.
    is_torn: bool,
}

impl NdJson {
    /// Writes to this.
    ///
    /// A line that cannot be written, for an error or a panic of the writer, is [lost](Self::lost); the
    /// first one is told as an event of the `tracing` crate (target [`TARGET`](super::TARGET), level
    /// ERROR). A line that was written in part is ended before the next one. A capture of a call that
    /// the writer makes itself is lost, too: it would wait for itself.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let output = Mutex::new(Output { writer: Box::new(writer), is_torn: false });
        Self(Arc::new(Inner { output, lost: AtomicU64::new(0) }))
    }

    /// What [`DumpControlBuilder::sink`](crate::debug_dump::DumpControlBuilder::sink) takes.
    pub fn sink(&self) -> impl Fn(&Capture) + Clone + Send + Sync + 'static {
        let lines = self.clone();
        move |capture| lines.write(capture)
    }

    /// How many captures could not be written.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Writes a capture.
    pub fn write(&self, capture: &Capture) {
        let mut line = render::json(capture);
        line.push(b'\n');
        let result = match IS_WRITING.replace(true) {
            true => Err(io::Error::other("the writer made the call that was captured")),
            false => {
                let result = isolated(|| self.write_line(&line));
                IS_WRITING.set(false);
                result.unwrap_or_else(|| Err(io::Error::other("the writer panicked")))
            }
        };
        // told without the lock, as who listens may make a call that is captured
        if let Err(error) = result
            && self.0.lost.fetch_add(1, Ordering::Relaxed) == 0
        {
            tracing::error!(
                target: TARGET,
                error = crate::escape::bounded(error.to_string().as_bytes(), 256),
                "captures are lost: they cannot be written",
            );
        }
    }

    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let mut output = self.0.output.lock().unwrap_or_else(PoisonError::into_inner);
        let was_torn = std::mem::replace(&mut output.is_torn, true);
        if was_torn {
            output.writer.write_all(b"\n")?;
        }
        output.writer.write_all(line)?;
        output.is_torn = false;
        output.writer.flush()
    }
}

impl fmt::Debug for NdJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NdJson").field("lost", &self.lost()).finish_non_exhaustive()
    }
}
