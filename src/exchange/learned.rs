//! The gRPC methods that a server has shown to have.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use crate::route::Routes;

/// The methods that a layer and its clones saw answered as only a method itself answers.
///
/// It is bounded, and what is in it stays: whatever callers make up, the methods told are never more.
#[derive(Debug, Default)]
pub(super) struct Learned(RwLock<HashSet<Box<str>>>);

impl Learned {
    pub(super) fn contains(&self, method: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(method)
    }

    /// Keeps the method, if there is room; whether it is kept.
    pub(super) fn learn(&self, method: &str) -> bool {
        {
            // mostly it is known, or there is no room: neither waits for other readers
            let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if kept.contains(method) || kept.len() >= Routes::MAX_LEARNED {
                return kept.contains(method);
            }
        }
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kept.contains(method) || (kept.len() < Routes::MAX_LEARNED && kept.insert(method.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn count(learned: &Learned) -> usize {
        learned.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    #[test]
    fn a_full_set_keeps_what_it_has_and_learns_nothing_more() {
        let learned = Learned::default();
        let method = |n| format!("pkg.Svc/M{n}");
        for n in 0..Routes::MAX_LEARNED {
            assert!(!learned.contains(&method(n)));
            assert!(learned.learn(&method(n)));
        }
        assert!(!learned.learn("pkg.Svc/More"));
        assert!(!learned.contains("pkg.Svc/More"));
        assert!(learned.learn(&method(7)), "it is kept already");
        assert_eq!(count(&learned), Routes::MAX_LEARNED);
    }

    #[test]
    fn threads_that_learn_at_once_keep_each_method_once_and_never_too_many() {
        let learned = Learned::default();
        let kept: usize = std::thread::scope(|scope| {
            let learn = |first: usize| {
                let learned = &learned;
                let methods =
                    (0..Routes::MAX_LEARNED).map(move |n| format!("pkg.S/M{}", first + n));
                scope.spawn(move || methods.filter(|method| learned.learn(method)).count())
            };
            let both = [learn(0), learn(Routes::MAX_LEARNED / 2), learn(0)];
            both.into_iter().map(|one| one.join().unwrap()).max().unwrap()
        });
        assert!(kept <= Routes::MAX_LEARNED);
        assert_eq!(count(&learned), Routes::MAX_LEARNED);
    }

    #[test]
    fn a_lock_that_a_panic_poisoned_still_serves() {
        let learned = Arc::new(Learned::default());
        learned.learn("pkg.Svc/One");
        let panics = {
            let learned = Arc::clone(&learned);
            std::thread::spawn(move || {
                let _held = learned.0.write();
                panic!("poisons");
            })
        };
        panics.join().unwrap_err();
        assert!(learned.0.is_poisoned());
        assert!(learned.contains("pkg.Svc/One"));
        assert!(learned.learn("pkg.Svc/Two"));
    }
}
