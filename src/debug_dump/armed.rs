//! A rule in force.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use super::rule::Rule;

/// A rule in force, and what it did so far.
pub(super) struct Armed {
    pub(super) rule: Rule,
    pub(super) since: SystemTime,
    pub(super) until: Instant,
    looked_at: AtomicU64,
    captured: AtomicU32,
    /// Bytes of bodies: captured, and of what is under way.
    captured_bytes: AtomicUsize,
    under_way: AtomicUsize,
    /// It was disarmed, or another rule took its place.
    is_over: AtomicBool,
}

impl Armed {
    pub(super) fn new(rule: Rule, since: SystemTime, until: Instant) -> Self {
        Self {
            rule,
            since,
            until,
            looked_at: AtomicU64::new(0),
            captured: AtomicU32::new(0),
            captured_bytes: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Ends it, also for what is under way.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn captured(&self) -> u32 {
        self.captured.load(Ordering::Relaxed)
    }

    /// Counts the bytes of bodies that were captured.
    pub(super) fn count(&self, bytes: usize) {
        self.captured_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The number of an exchange that is looked at.
    pub(super) fn number(&self) -> u64 {
        self.looked_at.fetch_add(1, Ordering::Relaxed)
    }

    /// How many more bytes may be kept of what is under way, of so many that are wanted.
    pub(super) fn hold(&self, wanted: usize) -> usize {
        if self.is_over() {
            return 0;
        }
        let most = self.rule.bytes;
        let taken = |held: usize| Some(held.saturating_add(wanted).min(most).max(held));
        let before = self.under_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        before.map_or(0, |held| most.saturating_sub(held).min(wanted))
    }

    pub(super) fn let_go(&self, bytes: usize) {
        self.under_way.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.captured.load(Ordering::Relaxed) >= self.rule.captures
            || self.captured_bytes.load(Ordering::Relaxed) >= self.rule.bytes
    }

    /// Takes one of the captures that are left.
    pub(super) fn reserve(&self) -> bool {
        let one_more = |captured| (captured < self.rule.captures).then_some(captured + 1);
        self.captured_bytes.load(Ordering::Relaxed) < self.rule.bytes
            && self.captured.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}
