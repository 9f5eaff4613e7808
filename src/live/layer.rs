//! The layer, and what it does where an exchange begins and ends.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{request, response};

use super::active::Slot;
use super::board::Board;
use crate::classify::Side;
use crate::exchange::{End, Facts, ObserveLayer, Observer, WaitEnd};

/// The layer that keeps on a [`Board`] what runs, what was slow and what failed.
pub type LiveLayer = ObserveLayer<Live>;

/// What a [`LiveLayer`] observes with.
#[derive(Clone)]
pub struct Live(Board);

/// What is kept of an exchange under way: where its place is.
#[derive(Clone, Copy, Debug)]
pub struct Watched(Slot);

impl LiveLayer {
    /// For a server's services.
    pub fn server(board: &Board) -> Self {
        Self::new(Side::Server, Live(board.clone()))
    }

    /// For clients.
    pub fn client(board: &Board) -> Self {
        Self::new(Side::Client, Live(board.clone()))
    }
}

thread_local! {
    /// How long the request waited whose exchange begins next: that is told just before, by the same call.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

impl Observer for Live {
    type Exchange = Watched;
    const WANTS_HANDED: bool = true;
    const WANTS_WAIT: bool = true;
    const WANTS_SCOPE: bool = false;
    const WANTS_REQUEST_BODY: bool = false;

    #[inline]
    fn waited(&self, wait: Duration, end: WaitEnd) {
        if end == WaitEnd::Called && !wait.is_zero() {
            WAITED.set(wait);
        }
    }

    #[inline]
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Watched {
        Watched(self.0.begin(facts, head.uri.path(), WAITED.take()))
    }

    #[inline]
    fn response(&self, watched: &mut Watched, _: &mut response::Parts, _: &Arc<Facts>) {
        self.0.slots().respond(watched.0);
    }

    #[inline]
    fn handed(&self, watched: &mut Watched, total: u64) {
        self.0.slots().handed(watched.0, total);
    }

    #[inline]
    fn end(&self, watched: Watched, end: &End<'_>) {
        self.0.end(watched.0, end);
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.0).finish()
    }
}
