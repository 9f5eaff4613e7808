//! Lines of JSON, written without a subscriber.

mod file;
mod output;

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use self::file::{Reopening, ReopeningFile};
use self::output::Output;
use super::line::Line;
use super::schema::Schema;
use crate::config::ConfigError;

/// A sink that writes one JSON object per line.
///
/// A line is formatted into a buffer of the thread and handed over in one `write_all`; nothing is
/// allocated in a steady state. A clone shares the output. What cannot be written is counted in
/// [`lost_lines`](JsonLines::lost_lines), and told once as a warning; the request is not affected.
///
/// ```no_run
/// use tower_observability::access_log::{AccessLogLayer, JsonLines, Schema};
///
/// let lines = JsonLines::file("/var/log/checkout/access.json")?
///     .schema(Schema::Gcp { project: Some("my-project".into()) })
///     .non_blocking(10_000)?;
/// let layer = AccessLogLayer::server().json_lines(lines.clone());
/// // … serve, then write what is still queued:
/// lines.close();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JsonLines {
    schema: Schema,
    output: Arc<Output>,
    reopening: Option<Arc<Reopening>>,
}

thread_local! {
    /// Taken while a line is written, so that a writer may log by itself.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The most bytes that a thread's buffer keeps from one line to the next.
const KEPT: usize = 64 * 1024;

impl JsonLines {
    /// The longest queue of [`non_blocking`](Self::non_blocking).
    pub const MAX_QUEUE: usize = 1 << 20;

    /// Writes to `writer`, one line at a time under a lock. A writer that buffers is flushed by
    /// [`close`](Self::close) only.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self { schema: Schema::default(), output: Arc::new(Output::new(writer)), reopening: None }
    }

    /// Writes to the standard output.
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Appends to the file at `path`, which is made where there is none.
    ///
    /// On Unix, a file that was moved away or deleted (by logrotate, for one) is noticed within a
    /// second of traffic and opened anew; elsewhere [`reopen`](Self::reopen) tells of it. While it
    /// cannot be opened anew, lines go to the file as it was.
    ///
    /// # Errors
    /// When the file cannot be opened; the error names it.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let reopening = Arc::new(Reopening::default());
        let file = ReopeningFile::open(path.as_ref(), Arc::clone(&reopening))?;
        Ok(Self { reopening: Some(reopening), ..Self::new(file) })
    }

    /// Names fields by `schema`; OpenTelemetry's by default.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Queues up to `capacity` lines for a thread of their own, so that a slow disk or pipe delays
    /// no request. When the queue is full, lines are lost, and counted. A queued line is a copy:
    /// this costs an allocation per line. Holds for all clones.
    ///
    /// # Errors
    /// When `capacity` is not within 1 to [`MAX_QUEUE`](Self::MAX_QUEUE).
    pub fn non_blocking(self, capacity: usize) -> Result<Self, ConfigError> {
        if !(1..=Self::MAX_QUEUE).contains(&capacity) {
            let allowed = "1 to 1048576 lines";
            return Err(ConfigError::new("non_blocking", capacity.to_string(), allowed));
        }
        self.output.queue(capacity);
        Ok(self)
    }

    /// How many lines could not be written, or found the queue full.
    pub fn lost_lines(&self) -> u64 {
        self.output.lost_lines()
    }

    /// Opens the file anew before the next line. Without effect for other outputs.
    pub fn reopen(&self) {
        if let Some(reopening) = &self.reopening {
            reopening.ask();
        }
    }

    /// Writes what is queued or buffered, waiting at most about a second for a queue. Lines after
    /// the close of a queue are lost. The drop of the last clone closes, too.
    pub fn close(&self) {
        self.output.close();
    }

    /// Writes a line; `now` is asked only for a file.
    pub(super) fn write(&self, line: &Line<'_>, now: &impl Fn() -> Instant) {
        if let Some(reopening) = &self.reopening {
            reopening.tick(now());
        }
        // a thread that is being torn down has no buffer to reuse
        let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
        buffer.clear();
        self.schema.write(line, &mut buffer);
        buffer.push(b'\n');
        self.output.write(&buffer);
        if buffer.capacity() <= KEPT {
            let _ = BUFFER.try_with(|kept| kept.set(buffer));
        }
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines")
            .field("schema", &self.schema)
            .field("lost_lines", &self.lost_lines())
            .finish_non_exhaustive()
    }
}
