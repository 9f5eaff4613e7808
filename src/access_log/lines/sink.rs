//! The way of a line: formatted, then written at once or queued.

use std::cell::Cell;
use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::output::Output;
use super::queue::Queue;
use super::whole::Inner;

thread_local! {
    /// Taken while a line is written, as the warning of its loss may write another one.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The most bytes that a thread's buffer keeps from one line to the next.
const KEPT: usize = 64 * 1024;
/// What a queued line is given at first; most lines are shorter.
const TYPICAL: usize = 1024;
/// How long a drop waits for the queue.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Sink {
    output: Arc<Output>,
    queue: OnceLock<Queue>,
}

impl Sink {
    pub(super) fn new(inner: Inner) -> Self {
        Self { output: Arc::new(Output::new(inner)), queue: OnceLock::new() }
    }

    /// Puts a queue before the output, unless there is one.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub(super) fn queue(&self, capacity: usize, thread: thread::Builder) -> io::Result<()> {
        if self.queue.get().is_none() {
            let queue = Queue::start(capacity, Arc::clone(&self.output), thread)?;
            // where another one came first, this one's thread ends
            let _ = self.queue.set(queue);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn write(&self, format: impl FnOnce(&mut Vec<u8>)) {
        if Output::is_writing() {
            return self.output.lose_untold();
        }
        if let Some(queue) = self.queue.get() {
            let mut line = Vec::with_capacity(TYPICAL);
            format(&mut line);
            if let Err(reason) = queue.send(line) {
                self.lose(reason);
            }
            return;
        }
        // a thread that is being torn down has no buffer to reuse
        let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
        buffer.clear();
        format(&mut buffer);
        self.output.write(&buffer);
        if buffer.capacity() <= KEPT {
            let _ = BUFFER.try_with(|kept| kept.set(buffer));
        }
    }

    pub(super) fn lose(&self, reason: &str) {
        self.output.lose(reason);
    }

    pub(super) fn lost_lines(&self) -> u64 {
        let given_up = self.queue.get().map_or(0, Queue::given_up);
        self.output.lost_lines().saturating_add(given_up)
    }

    #[cfg(feature = "stack")]
    pub(super) fn flush(&self, timeout: Duration) -> u64 {
        // within a writer, one would wait for oneself
        if Output::is_writing() {
            return 0;
        }
        let waiting = self.queue.get().map_or(0, |queue| queue.wait_empty(timeout));
        if waiting == 0 {
            self.output.flush();
        }
        waiting
    }

    pub(super) fn close(&self, timeout: Duration) {
        // within a writer, one would wait for oneself
        let within = Output::is_writing();
        if let Some(queue) = self.queue.get() {
            queue.stop();
            if !within {
                let before = queue.given_up();
                queue.wait(timeout);
                let unwritten = queue.given_up();
                if unwritten > before {
                    self.output.tell_unwritten(unwritten);
                }
            }
        } else if !within {
            self.output.flush();
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.close(PATIENCE);
    }
}
