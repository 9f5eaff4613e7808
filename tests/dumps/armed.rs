//! What the tests of dumps share: controls that are armed, what they captured, and how much memory is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use counting_allocator::Allocated;
use tokio::sync::{Mutex, MutexGuard};
use tower_observability::debug_dump::{Capture, DumpControl, Rule};

use crate::support::until;

/// The cap of the bodies, where nothing else is said.
pub(crate) const CAP: usize = 4 << 10;

static TURN: Mutex<()> = Mutex::const_new(());

/// A turn: memory is counted for the whole process, so one test runs at a time.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// Captures everything, as much as may be, and [`CAP`] of each body.
pub(crate) fn everything() -> Rule {
    let rule = Rule::new(Duration::from_secs(3600)).unwrap();
    rule.captures(1000).unwrap().bytes(64 << 20).unwrap().body_cap(CAP).unwrap()
}

/// A control that captures everything.
pub(crate) fn armed() -> DumpControl {
    let control = DumpControl::builder().keeps_bytes(64 << 20).build();
    control.arm(everything());
    control
}

/// Waits for so many captures.
#[track_caller]
pub(crate) fn captured(
    control: &DumpControl,
    many: usize,
) -> impl Future<Output = Vec<Arc<Capture>>> {
    let done = until({
        let control = control.clone();
        move || control.captures().len() == many
    });
    let control = control.clone();
    async move {
        done.await;
        control.captures()
    }
}

/// The most bytes that are held at any time it is told to look.
#[derive(Clone)]
pub(crate) struct Peak {
    before: i64,
    most: Arc<AtomicI64>,
}

impl Peak {
    pub(crate) fn new() -> Self {
        Self { before: Allocated::now().held(), most: Arc::default() }
    }

    pub(crate) fn look(&self) {
        self.most.fetch_max(Allocated::now().held() - self.before, Ordering::Relaxed);
    }

    /// The most there was over what was held before.
    pub(crate) fn bytes(&self) -> i64 {
        self.look();
        self.most.load(Ordering::Relaxed)
    }
}
