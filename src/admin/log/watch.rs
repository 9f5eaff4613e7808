//! The end of what was set, with or without requests.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;

use tracing::dispatcher::with_default;

use super::{LogError, STEP, Set, Shared, State, WHAT, filter};
use crate::admin::audit::{Change, Outcome};

type Restored = (Set, Result<(), String>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state at this time: what is over is over, whenever the thread wakes up.
    pub(super) fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if state.set.as_ref().is_some_and(|set| set.left().is_zero())
            && let Some((set, result)) = self.restore(&mut state)
        {
            drop(state);
            self.tell(&set, None, result.is_ok().then_some(Outcome::Expired));
            state = self.lock();
        }
        state
    }

    /// Puts the default back in force, if something else is.
    pub(super) fn restore(&self, state: &mut State) -> Option<Restored> {
        let set = state.set.take()?;
        let result = set.in_scope(|| (self.apply)(&filter::restored(&self.default)));
        Some((set, result))
    }

    /// Tells that the default is back; that it is not where there is no outcome.
    pub(super) fn tell(&self, set: &Set, principal: Option<&str>, outcome: Option<Outcome>) {
        Change {
            what: WHAT,
            old: Some(&set.filter),
            new: Some(&self.default),
            time_to_live_seconds: None,
            principal,
            outcome: outcome.unwrap_or(Outcome::Failed),
        }
        .tell();
    }

    /// Sees to it that a thread waits for the end of what is set.
    pub(super) fn watch(self: &Arc<Self>, state: &mut State) -> Result<(), LogError> {
        if state.watched {
            return Ok(());
        }
        let shared = Arc::clone(self);
        thread::Builder::new()
            .name("log-fall-back".to_owned())
            .spawn(move || shared.wait())
            .map_err(|error| LogError::Failed(error.to_string()))?;
        state.watched = true;
        Ok(())
    }

    /// Waits until nothing is set any more.
    fn wait(&self) {
        let mut state = self.lock();
        while let Some(left) = state.set.as_ref().map(Set::left) {
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left.min(STEP));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.watched = false;
        let restored = self.restore(&mut state);
        drop(state);
        if let Some((set, result)) = restored {
            let outcome = result.is_ok().then_some(Outcome::Expired);
            set.in_scope(|| self.tell(&set, None, outcome));
        }
    }
}

impl Set {
    /// Runs in the scope of the subscriber that the filter was set under: where there is but one,
    /// `tracing` asks the thread's own which events are wanted, and a thread without would want none.
    fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        match self.dispatch.upgrade() {
            Some(dispatch) => with_default(&dispatch, work),
            None => work(),
        }
    }
}
