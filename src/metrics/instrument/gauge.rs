//! How many of something there are now, and the most there were.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// A number that goes up and down, with its high-water mark.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Active {
    now: AtomicI64,
    most: AtomicI64,
    used: AtomicBool,
}

impl Active {
    #[inline]
    pub(crate) fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        if now > self.most.load(Ordering::Relaxed) {
            self.most.fetch_max(now, Ordering::Relaxed);
        }
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn leave(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether there ever was one.
    pub(crate) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    /// The most since this was asked last; begins anew with how many there are.
    pub(crate) fn take_most(&self) -> i64 {
        let now = self.now();
        self.most.swap(now, Ordering::Relaxed).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_that_since_it_was_asked_last() {
        let active = Active::default();
        assert_eq!((active.is_used(), active.now(), active.take_most()), (false, 0, 0));
        active.enter();
        active.enter();
        active.leave();
        assert_eq!((active.is_used(), active.now()), (true, 1));
        assert_eq!((active.take_most(), active.take_most()), (2, 1));
        active.leave();
        assert_eq!((active.take_most(), active.take_most(), active.now()), (1, 0, 0));
    }
}
