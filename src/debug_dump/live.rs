//! Captures as they are made, for whoever watches.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::capture::Capture;

/// The captures that are made while it is watched, in their order.
///
/// What waits to be read is at most [`MAX_CAPTURES`](Self::MAX_CAPTURES) and
/// [`MAX_BYTES`](Self::MAX_BYTES); what comes when that is full is lost, and told as
/// [`LiveEvent::Lost`] where it would have been. Exchanges never wait for it. Dropping it ends it.
///
/// ```
/// use tower_observability::debug_dump::{DumpControl, LiveEvent};
///
/// # async fn example(control: DumpControl) -> Result<(), Box<dyn std::error::Error>> {
/// let mut live = control.live()?;
/// while let Some(event) = live.next().await {
///     match event {
///         LiveEvent::Capture(capture) => println!("{}", capture.request.uri),
///         LiveEvent::Lost(number) => println!("and {number} more"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Live {
    queue: Arc<Queue>,
    watchers: Arc<Watchers>,
}

/// What a [`Live`] tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LiveEvent {
    /// An exchange that was captured.
    Capture(Arc<Capture>),
    /// So many captures came here while no more could wait.
    Lost(u64),
}

/// As many watch already as may: [`Live::MAX_WATCHERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooManyWatchers;

impl fmt::Display for TooManyWatchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} watch the captures already, which is the most", Live::MAX_WATCHERS)
    }
}

impl std::error::Error for TooManyWatchers {}

impl Live {
    /// How many may watch one control at a time.
    pub const MAX_WATCHERS: usize = 8;
    /// The most captures that wait for one who watches.
    pub const MAX_CAPTURES: usize = 256;
    /// The most bytes of captures that wait for one who watches, heads and bodies together: 4 MiB.
    pub const MAX_BYTES: usize = 4 << 20;

    /// The next event; `None` when the last handle of the control is gone, and all was told.
    /// It loses nothing when it is dropped.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), for what is polled by hand. The last task that polled is woken.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<LiveEvent>> {
        let mut waiting = self.queue.lock();
        if let Some(event) = waiting.events.pop_front() {
            if let LiveEvent::Capture(capture) = &event {
                waiting.captures -= 1;
                waiting.bytes -= capture.bytes();
            }
            return Poll::Ready(Some(event));
        }
        if waiting.is_over {
            return Poll::Ready(None);
        }
        if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            waiting.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.watchers.lock().retain(|queue| !Arc::ptr_eq(queue, &self.queue));
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("waiting", &self.queue.lock().captures).finish_non_exhaustive()
    }
}

/// What waits for one who watches.
#[derive(Default)]
struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// No two that tell a loss stand side by side, so that captures bound them, too.
    events: VecDeque<LiveEvent>,
    captures: usize,
    bytes: usize,
    is_over: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, capture: &Arc<Capture>) {
        let bytes = self.bytes.saturating_add(capture.bytes());
        if self.captures < Live::MAX_CAPTURES && bytes <= Live::MAX_BYTES {
            (self.captures, self.bytes) = (self.captures + 1, bytes);
            self.events.push_back(LiveEvent::Capture(Arc::clone(capture)));
        } else if let Some(LiveEvent::Lost(number)) = self.events.back_mut() {
            *number += 1;
        } else {
            self.events.push_back(LiveEvent::Lost(1));
        }
    }
}

/// Those who watch a control.
#[derive(Default)]
struct Watchers(Mutex<Vec<Arc<Queue>>>);

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what waits for each, and wakes them all. A task may run, and drop what it watches with,
    /// where it is woken: no lock is held then.
    fn each(&self, change: impl Fn(&mut Waiting)) {
        let mut wakers = Vec::new();
        for queue in self.lock().iter() {
            let mut waiting = queue.lock();
            change(&mut waiting);
            wakers.extend(waiting.waker.take());
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A control's end of what is watched.
#[derive(Default)]
pub(super) struct Broadcast(Arc<Watchers>);

impl Broadcast {
    pub(super) fn watch(&self) -> Result<Live, TooManyWatchers> {
        let mut watchers = self.0.lock();
        if watchers.len() >= Live::MAX_WATCHERS {
            return Err(TooManyWatchers);
        }
        let queue = Arc::<Queue>::default();
        watchers.push(Arc::clone(&queue));
        Ok(Live { queue, watchers: Arc::clone(&self.0) })
    }

    pub(super) fn watchers(&self) -> usize {
        self.0.lock().len()
    }

    pub(super) fn tell(&self, capture: &Arc<Capture>) {
        self.0.each(|waiting| waiting.push(capture));
    }
}

impl Drop for Broadcast {
    fn drop(&mut self) {
        self.0.each(|waiting| waiting.is_over = true);
    }
}
