//! Where lines go: a writer under a lock, or a queue before it.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};

/// The target of the one warning about lost lines.
const TARGET: &str = "tower_observability";

pub(super) struct Output {
    writer: Mutex<Box<dyn Write + Send>>,
    queue: Mutex<Option<WorkerGuard>>,
    /// Lines that found the queue full.
    refused: OnceLock<ErrorCounter>,
    lost: Arc<Lost>,
}

impl Output {
    pub(super) fn new(writer: impl Write + Send + 'static) -> Self {
        let lost = Arc::new(Lost::default());
        Self {
            writer: Mutex::new(Box::new(WholeLines::new(writer, &lost))),
            queue: Mutex::new(None),
            refused: OnceLock::new(),
            lost,
        }
    }

    /// Puts a queue before the writer, unless there is one.
    pub(super) fn queue(&self, capacity: usize) {
        let mut queue = lock(&self.queue);
        if self.refused.get().is_some() {
            return;
        }
        let mut writer = lock(&self.writer);
        let behind = std::mem::replace(&mut *writer, Box::new(io::sink()));
        let (sender, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(capacity)
            .lossy(true)
            .thread_name("access-log")
            .finish(behind);
        let _ = self.refused.set(sender.error_counter());
        *writer = Box::new(sender);
        *queue = Some(guard);
    }

    pub(super) fn write(&self, line: &[u8]) {
        // a failure is counted and told by whoever meets it
        let _ = lock(&self.writer).write_all(line);
        if self.refused() > 0 {
            self.lost.tell("the queue of the access log is full");
        }
    }

    pub(super) fn lost_lines(&self) -> u64 {
        self.lost.lines.load(Ordering::Relaxed).saturating_add(self.refused())
    }

    fn refused(&self) -> u64 {
        self.refused.get().map_or(0, |refused| refused.dropped_lines() as u64)
    }

    pub(super) fn close(&self) {
        let queue = lock(&self.queue).take();
        let mut writer = lock(&self.writer);
        if queue.is_some() {
            // before the queue is closed, so that no line goes into it uncounted
            *writer = Box::new(WholeLines::new(Closed, &self.lost));
        }
        let _ = writer.flush();
        drop(writer);
        // waits for what is queued to be written
        drop(queue);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was lost, and whether that was told.
#[derive(Default)]
struct Lost {
    lines: AtomicU64,
    told: AtomicBool,
}

impl Lost {
    fn count(&self, error: &io::Error) {
        self.lines.fetch_add(1, Ordering::Relaxed);
        self.tell(&error.to_string());
    }

    fn tell(&self, reason: &str) {
        if !self.told.load(Ordering::Relaxed) && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(target: TARGET, reason, "access log lines are being lost");
        }
    }
}

/// A writer that counts the lines it loses, and keeps a line that was cut short from running into
/// the next one.
struct WholeLines<W> {
    inner: W,
    torn: bool,
    lost: Arc<Lost>,
}

impl<W: Write> WholeLines<W> {
    fn new(inner: W, lost: &Arc<Lost>) -> Self {
        Self { inner, torn: false, lost: Arc::clone(lost) }
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.write_rest(b"\n")?;
            self.torn = false;
        }
        self.write_rest(line)
    }

    fn write_rest(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.inner.write(rest) {
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
}

impl<W: Write> Write for WholeLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.write_line(line) {
            self.lost.count(&error);
        }
        // the queue's thread would have nobody to tell
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What stands behind a queue that was closed.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::new(ErrorKind::BrokenPipe, "the access log is closed"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time, and fails where told to.
    #[derive(Clone, Default)]
    struct Scripted {
        taken: Arc<Mutex<Vec<u8>>>,
        script: Arc<Mutex<Vec<Result<usize, ErrorKind>>>>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let step = lock(&self.script).pop().unwrap_or(Ok(usize::MAX));
            let count = step?.min(bytes.len());
            lock(&self.taken).extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_cut_short_is_counted_and_ended_before_the_next() {
        let sink = Scripted::default();
        *lock(&sink.script) = vec![
            // last first
            Ok(0),
            Err(ErrorKind::BrokenPipe),
            Err(ErrorKind::Interrupted),
            Ok(2),
        ];
        let output = Output::new(sink.clone());
        output.write(b"one\n");
        assert_eq!(output.lost_lines(), 1);
        output.write(b"two\n");
        assert_eq!(output.lost_lines(), 2, "even the line's end was refused");
        output.write(b"three\n");
        assert_eq!(output.lost_lines(), 2);
        assert_eq!(*lock(&sink.taken), b"on\nthree\n");
    }

    #[test]
    fn a_full_queue_loses_lines_and_counts_them() {
        /// Holds the queue's thread until it is told to go on.
        struct Held(std::sync::mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);
        impl Write for Held {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                lock(&self.1).extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (go_on, held) = std::sync::mpsc::channel();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let output = Output::new(Held(held, Arc::clone(&taken)));
        output.queue(2);
        output.queue(7); // there is one
        let total = 100;
        for _ in 0..total {
            output.write(b"x\n");
        }
        let lost = output.lost_lines();
        assert!((97..=98).contains(&lost), "two are queued and one may be in the thread: {lost}");
        drop(go_on);
        output.close();
        assert_eq!(lock(&taken).len() as u64, 2 * (total - lost), "closing writes the queue");
        output.write(b"late\n");
        assert_eq!(output.lost_lines(), lost + 1);
    }
}
