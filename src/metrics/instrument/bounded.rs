//! Series by their labels: made once, kept for good, bounded in number.

use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;
use papaya::{Equivalent, HashMap};

/// Values by their keys, compared in full. Looking one up takes no lock and allocates nothing.
pub(crate) struct Bounded<K, V> {
    values: HashMap<K, V, RandomState>,
    most: usize,
    /// How many were made of those that are bounded.
    made: AtomicUsize,
    making: Mutex<()>,
}

/// Whether a key counts against the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It is made only while there is room.
    IfAny,
    /// It is always made: one of those that stand for all others.
    Always,
}

impl<K, V> Bounded<K, V>
where
    K: Hash + Eq + Send + Sync,
    V: Send + Sync,
{
    pub(crate) fn new(most: usize) -> Self {
        Self {
            values: HashMap::builder().hasher(RandomState::default()).build(),
            most,
            made: AtomicUsize::new(0),
            making: Mutex::new(()),
        }
    }

    /// Uses the value of a key, which is made if need be; `None` when there is no room for it.
    #[inline]
    pub(crate) fn with<'q, Q, R>(
        &self,
        key: &'q Q,
        room: Room,
        make: impl FnOnce() -> V,
        using: impl FnOnce(&V) -> R,
    ) -> Option<R>
    where
        Q: Equivalent<K> + Hash + ?Sized,
        K: From<&'q Q>,
    {
        let values = self.values.pin();
        match values.get(key) {
            Some(value) => Some(using(value)),
            None => self.make(key, room, make).and_then(|()| values.get(key).map(using)),
        }
    }

    /// Uses the value of a key, if there is one.
    #[inline]
    pub(crate) fn find<Q, R>(&self, key: &Q, using: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Equivalent<K> + Hash + ?Sized,
    {
        self.values.pin().get(key).map(using)
    }

    /// Makes the value of a key that there is none of; `None` when there is no room for it.
    #[cold]
    fn make<'q, Q>(&self, key: &'q Q, room: Room, make: impl FnOnce() -> V) -> Option<()>
    where
        Q: Equivalent<K> + Hash + ?Sized,
        K: From<&'q Q>,
    {
        let is_full = || room == Room::IfAny && self.made.load(Ordering::Relaxed) >= self.most;
        // what is full stays full, so that strangers take no lock
        if is_full() {
            return None;
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let values = self.values.pin();
        if values.contains_key(key) {
            return Some(());
        }
        if is_full() {
            return None;
        }
        values.insert(K::from(key), make());
        if room == Room::IfAny {
            self.made.fetch_add(1, Ordering::Relaxed);
        }
        Some(())
    }

    /// Shows every key and value.
    pub(crate) fn each(&self, mut show: impl FnMut(&K, &V)) {
        for (key, value) in &self.values.pin() {
            show(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq, Eq, Hash)]
    struct Name(String);

    impl From<&&str> for Name {
        fn from(name: &&str) -> Self {
            Self((*name).to_owned())
        }
    }

    impl Equivalent<Name> for &str {
        fn equivalent(&self, name: &Name) -> bool {
            *self == name.0
        }
    }

    fn all(names: &Bounded<Name, usize>) -> Vec<(String, usize)> {
        let mut all = Vec::new();
        names.each(|name, value| all.push((name.0.clone(), *value)));
        all.sort();
        all
    }

    #[test]
    fn what_is_over_the_bound_is_not_made_unless_it_stands_for_others() {
        let names = Bounded::<Name, usize>::new(2);
        let with = |name: &str, room, value| names.with(&name, room, || value, |value| *value);
        assert_eq!(with("a", Room::IfAny, 1), Some(1));
        assert_eq!(with("b", Room::IfAny, 2), Some(2));
        assert_eq!(with("c", Room::IfAny, 3), None);
        assert_eq!(with("a", Room::IfAny, 4), Some(1), "made once");
        assert_eq!(with("other", Room::Always, 5), Some(5));
        assert_eq!(with("c", Room::IfAny, 6), None);
        assert_eq!(all(&names), [("a".into(), 1), ("b".into(), 2), ("other".into(), 5)]);
    }

    #[test]
    fn threads_that_race_make_each_once_and_no_more_than_fit() {
        let names = Bounded::<Name, usize>::new(50);
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for number in 0..100 {
                        let name = number.to_string();
                        let make = || made.fetch_add(1, Ordering::Relaxed);
                        names.with(&name.as_str(), Room::IfAny, make, |_| ());
                    }
                });
            }
        });
        assert_eq!((made.into_inner(), all(&names).len()), (50, 50));
    }
}
