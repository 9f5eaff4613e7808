//! A queue before an output, and the thread that empties it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;
#[cfg(feature = "stack")]
use std::time::Instant;

use super::output::Output;

pub(super) struct Queue {
    /// `None` once the queue is closed.
    sender: RwLock<Option<SyncSender<Vec<u8>>>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Lines that were accepted and are not yet written.
    waiting: AtomicU64,
    /// What still waits is not to be written.
    given_up: AtomicBool,
    /// The thread is done.
    ended: Mutex<bool>,
    end: Condvar,
}

impl Queue {
    /// # Errors
    /// When there can be no further thread.
    pub(super) fn start(
        capacity: usize,
        output: Arc<Output>,
        thread: thread::Builder,
    ) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(capacity);
        let state = Arc::new(State::default());
        let of_thread = Arc::clone(&state);
        thread.spawn(move || work(&receiver, &output, &of_thread))?;
        Ok(Self { sender: RwLock::new(Some(sender)), state })
    }

    /// # Errors
    /// Why the line is lost.
    pub(super) fn send(&self, line: Vec<u8>) -> Result<(), &'static str> {
        // held to the end, so that no line comes after the close
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.as_ref().ok_or("the access log is closed")?;
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        sender.try_send(line).map_err(|error| {
            self.state.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => "the queue of the access log is full",
                TrySendError::Disconnected(_) => "the access log's thread has ended",
            }
        })
    }

    /// Takes no further line.
    pub(super) fn stop(&self) {
        self.sender.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits until the lines of a queue that was stopped are written; gives up after `timeout`.
    pub(super) fn wait(&self, timeout: Duration) {
        let state = &*self.state;
        let ended = state.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.given_up.load(Ordering::Relaxed) {
            let (ended, _) = state
                .end
                .wait_timeout_while(ended, timeout, |ended| !*ended)
                .unwrap_or_else(PoisonError::into_inner);
            if !*ended {
                state.given_up.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Waits until all lines that were accepted are written; answers how many are not when the time is over.
    #[cfg(feature = "stack")]
    pub(super) fn wait_empty(&self, timeout: Duration) -> u64 {
        const LOOK: Duration = Duration::from_millis(2);
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let waiting = self.state.waiting.load(Ordering::Acquire);
            let is_over = deadline.is_some_and(|deadline| deadline <= Instant::now());
            // what was given up is lost, and counted as such
            if waiting == 0 || is_over || self.state.given_up.load(Ordering::Relaxed) {
                return if self.given_up() > 0 { 0 } else { waiting };
            }
            thread::sleep(LOOK);
        }
    }

    /// How many lines were given up. The one that is being written counts until it is.
    pub(super) fn given_up(&self) -> u64 {
        if !self.state.given_up.load(Ordering::Relaxed) {
            return 0;
        }
        self.state.waiting.load(Ordering::Relaxed)
    }
}

fn work(receiver: &Receiver<Vec<u8>>, output: &Output, state: &State) {
    let mut next = receiver.recv();
    while let Ok(line) = next {
        if state.given_up.load(Ordering::Relaxed) {
            break;
        }
        output.write(&line);
        state.waiting.fetch_sub(1, Ordering::Relaxed);
        next = receiver.try_recv().or_else(|_| {
            output.flush();
            receiver.recv()
        });
    }
    *state.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
    state.end.notify_all();
}
