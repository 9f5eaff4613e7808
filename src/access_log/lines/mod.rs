//! Lines of JSON, written without a subscriber.

mod file;
mod output;
mod queue;
mod sink;
#[cfg(test)]
mod tests;
mod whole;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use self::file::{Reopening, ReopeningFile};
use self::sink::Sink;
use self::whole::Inner;
use super::line::Line;
use super::schema::Schema;
use crate::config::ConfigError;
use crate::exchange::isolated;

/// A sink that writes one JSON object per line.
///
/// A line is formatted into a buffer of the thread and handed over whole; nothing is allocated in a
/// steady state. A clone shares the output. What cannot be written, for an error or a panic of the
/// writer, is counted in [`lost_lines`](JsonLines::lost_lines), and told once as a warning of the
/// `tracing` crate; the request is not affected. A disk that fills up in the middle of a line leaves
/// its beginning, on a line of its own, and that line is counted as lost.
///
/// ```no_run
/// use std::time::Duration;
/// use tower_observability::access_log::{AccessLogLayer, JsonLines, Schema};
///
/// let lines = JsonLines::file("/var/log/checkout/access.json")?
///     .schema(Schema::Gcp { project: Some("my-project".into()) })
///     .non_blocking(10_000)?;
/// let layer = AccessLogLayer::server().json_lines(lines.clone());
/// // … serve, then write what is still queued:
/// let lost = lines.close(Duration::from_secs(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JsonLines {
    schema: Schema,
    sink: Arc<Sink>,
    reopening: Option<Arc<Reopening>>,
}

impl JsonLines {
    /// The longest queue of [`non_blocking`](Self::non_blocking).
    pub const MAX_QUEUE: usize = 1 << 20;

    /// Writes to `writer`, one line at a time under a lock. A writer that buffers is flushed by
    /// [`close`](Self::close), and where a [queue](Self::non_blocking) runs empty.
    ///
    /// A line that is logged within `writer`, because it makes a logged call itself, is lost: it
    /// would wait for itself.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self::of(Inner::Writer(Box::new(writer)), None)
    }

    fn of(inner: Inner, reopening: Option<Arc<Reopening>>) -> Self {
        Self { schema: Schema::default(), sink: Arc::new(Sink::new(inner)), reopening }
    }

    /// Writes to the standard output.
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Appends to the file at `path`, which is made where there is none.
    ///
    /// On Unix, a file that was moved away or deleted (by logrotate, for one) is noticed within a
    /// second of traffic and opened anew; elsewhere [`reopen`](Self::reopen) tells of it. While it
    /// cannot be opened anew, which is told as a warning, lines go to the file as it was.
    ///
    /// # Errors
    /// When the file cannot be opened; the error names it.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let reopening = Arc::new(Reopening::default());
        let file = ReopeningFile::open(path.as_ref(), Arc::clone(&reopening))?;
        Ok(Self::of(Inner::File(file), Some(reopening)))
    }

    /// Names fields by `schema`; OpenTelemetry's by default.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Queues up to `capacity` lines for a thread of their own, so that a slow disk or pipe delays
    /// no request. When the queue is full, lines are lost, and counted. Each line is an allocation.
    /// Holds for all clones; a second call changes nothing.
    ///
    /// # Errors
    /// When `capacity` is not within 1 to [`MAX_QUEUE`](Self::MAX_QUEUE), or there can be no
    /// further thread.
    pub fn non_blocking(self, capacity: usize) -> Result<Self, ConfigError> {
        let refused = |value, allowed| ConfigError::new("non_blocking", value, allowed);
        if !(1..=Self::MAX_QUEUE).contains(&capacity) {
            return Err(refused(capacity.to_string(), "1 to 1048576 lines"));
        }
        let thread = thread::Builder::new().name("access-log".to_owned());
        self.sink.queue(capacity, thread).map_err(|error| {
            refused(format!("{capacity}: {error}"), "a thread, and none could be started")
        })?;
        Ok(self)
    }

    /// How many lines could not be written, found the queue full or closed, or were given up by
    /// [`close`](Self::close).
    pub fn lost_lines(&self) -> u64 {
        self.sink.lost_lines()
    }

    /// Opens the file anew before the next line. Without effect for other outputs.
    pub fn reopen(&self) {
        if let Some(reopening) = &self.reopening {
            reopening.ask();
        }
    }

    /// Writes what is queued or buffered and answers how many [lines were
    /// lost](Self::lost_lines) in all. It waits for a queue up to `timeout`; what then is not
    /// written is lost, and told as a warning. Lines after the close of a queue are lost. The drop
    /// of the last clone closes, too, and waits up to a second.
    pub fn close(&self, timeout: Duration) -> u64 {
        self.sink.close(timeout);
        self.lost_lines()
    }

    /// Writes what is queued or buffered, and goes on; answers how many lines were still queued when the
    /// time was over.
    #[cfg(feature = "stack")]
    pub(crate) fn flush(&self, timeout: Duration) -> u64 {
        self.sink.flush(timeout)
    }

    /// Writes a line; `now` is asked only for a file.
    pub(super) fn write(&self, line: &Line<'_>, now: &impl Fn() -> Instant) {
        if let Some(reopening) = &self.reopening {
            reopening.tick(now());
        }
        let format = |buffer: &mut Vec<u8>| {
            self.schema.write(line, buffer);
            buffer.push(b'\n');
        };
        if isolated(|| self.sink.write(format)).is_none() {
            self.sink.lose("a line could not be formatted");
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
