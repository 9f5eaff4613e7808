//! How many of something there are now, and the most there were.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// A number that goes up and down, with a high-water mark for each of those who read it.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Active {
    now: AtomicI64,
    prometheus: AtomicI64,
    opentelemetry: AtomicI64,
    used: AtomicBool,
}

/// Who reads the most there were, and begins anew with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Prometheus,
    #[cfg_attr(not(feature = "otel-metrics"), allow(dead_code))]
    OpenTelemetry,
}

impl Active {
    #[inline]
    pub(crate) fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        for most in [&self.prometheus, &self.opentelemetry] {
            if now > most.load(Ordering::Relaxed) {
                most.fetch_max(now, Ordering::Relaxed);
            }
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

    /// The most since this reader asked last; begins anew with how many there are.
    pub(crate) fn take_most(&self, reader: Reader) -> i64 {
        let most = match reader {
            Reader::Prometheus => &self.prometheus,
            Reader::OpenTelemetry => &self.opentelemetry,
        };
        let now = self.now();
        most.swap(now, Ordering::Relaxed).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_that_since_it_was_asked_last() {
        let active = Active::default();
        let most = || active.take_most(Reader::Prometheus);
        assert_eq!((active.is_used(), active.now(), most()), (false, 0, 0));
        active.enter();
        active.enter();
        active.leave();
        assert_eq!((active.is_used(), active.now()), (true, 1));
        assert_eq!((most(), most()), (2, 1));
        active.leave();
        assert_eq!((most(), most(), active.now()), (1, 0, 0));
    }

    #[test]
    fn readers_do_not_take_the_most_from_each_other() {
        let active = Active::default();
        active.enter();
        active.enter();
        active.leave();
        for reader in [Reader::Prometheus, Reader::OpenTelemetry] {
            assert_eq!((active.take_most(reader), active.take_most(reader)), (2, 1), "{reader:?}");
        }
    }
}
