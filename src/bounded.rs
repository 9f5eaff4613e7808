//! Series by their labels: made once, kept for good, bounded in number.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use foldhash::fast::RandomState;

/// Values by their keys, compared in full. Looking one up takes no lock and allocates nothing.
pub(crate) struct Bounded<K, V> {
    hasher: RandomState,
    tables: [OnceLock<Table<K, V>>; TABLES],
    most: usize,
    /// How many were made of those that are bounded.
    made: AtomicUsize,
    /// How many there are in all.
    making: Mutex<usize>,
}

/// What a key can be looked up by, and made of.
pub(crate) trait Equivalent<K>: Hash {
    fn is(&self, key: &K) -> bool;
}

/// Whether a key counts against the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It is made only while there is room.
    IfAny,
    /// It is always made: one of those that stand for all others.
    #[cfg(any(feature = "metrics", test))]
    Always,
}

/// Open addressing: nothing is ever moved or taken out, so that whoever reads needs no lock.
struct Table<K, V> {
    slots: Box<[Slot<K, V>]>,
}

type Slot<K, V> = OnceLock<Box<Entry<K, V>>>;

struct Entry<K, V> {
    hash: u64,
    key: K,
    value: V,
}

/// The slots of the first table, half of which are used; each further one has four times as many.
const FIRST: usize = 64;
const GROWTH: u32 = 2;
/// More than there is memory for.
const TABLES: usize = 16;

/// How many entries go into a table.
fn fill(table: usize) -> usize {
    (FIRST / 2) << (GROWTH * table as u32)
}

impl<K, V> Table<K, V> {
    fn new(table: usize) -> Self {
        Self { slots: (0..2 * fill(table)).map(|_| OnceLock::new()).collect() }
    }

    /// The entry that `is` the one, or else the slot it would be in.
    #[inline]
    fn find(&self, hash: u64, is: impl Fn(&K) -> bool) -> Result<&V, usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        // ends: half of the slots stay empty
        while let Some(entry) = self.slots.get(at).and_then(OnceLock::get) {
            if entry.hash == hash && is(&entry.key) {
                return Ok(&entry.value);
            }
            at = (at + 1) & mask;
        }
        Err(at)
    }
}

impl<K, V> Bounded<K, V>
where
    K: Send + Sync,
    V: Send + Sync,
{
    pub(crate) fn new(most: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            tables: [const { OnceLock::new() }; TABLES],
            most,
            made: AtomicUsize::new(0),
            making: Mutex::new(0),
        }
    }

    /// The value of a key, which is made if need be; `None` when there is no room for it.
    #[inline]
    pub(crate) fn get_or_make<'q, Q>(
        &self,
        key: &'q Q,
        room: Room,
        make: impl FnOnce() -> V,
    ) -> Option<&V>
    where
        Q: Equivalent<K>,
        K: From<&'q Q>,
    {
        let hash = self.hasher.hash_one(key);
        match self.find(hash, key) {
            None => self.make(hash, key, room, make),
            found => found,
        }
    }

    /// The value of a key, if there is one.
    #[cfg(any(feature = "metrics", test))]
    #[inline]
    pub(crate) fn get<Q: Equivalent<K>>(&self, key: &Q) -> Option<&V> {
        self.find(self.hasher.hash_one(key), key)
    }

    #[inline]
    fn find<Q: Equivalent<K>>(&self, hash: u64, key: &Q) -> Option<&V> {
        let mut tables = self.tables.iter().map_while(OnceLock::get);
        tables.find_map(|table| table.find(hash, |known| key.is(known)).ok())
    }

    /// Makes the value of a key that there is none of; `None` when there is no room for it.
    #[cold]
    fn make<'q, Q>(&self, hash: u64, key: &'q Q, room: Room, make: impl FnOnce() -> V) -> Option<&V>
    where
        Q: Equivalent<K>,
        K: From<&'q Q>,
    {
        let is_full = || room == Room::IfAny && self.made.load(Ordering::Relaxed) >= self.most;
        // what is full stays full, so that strangers take no lock
        if is_full() {
            return None;
        }
        let mut all = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.find(hash, key) {
            return Some(found);
        }
        if is_full() {
            return None;
        }
        let (mut place, mut before) = (0, *all);
        while before >= fill(place) {
            before -= fill(place);
            place += 1;
        }
        let table = self.tables.get(place)?.get_or_init(|| Table::new(place));
        let at = table.find(hash, |_| false).err()?;
        let entry = || Box::new(Entry { hash, key: K::from(key), value: make() });
        let entry = table.slots.get(at)?.get_or_init(entry);
        *all += 1;
        if room == Room::IfAny {
            self.made.fetch_add(1, Ordering::Relaxed);
        }
        Some(&entry.value)
    }

    /// Every key and value.
    pub(crate) fn each(&self, mut show: impl FnMut(&K, &V)) {
        for table in self.tables.iter().map_while(OnceLock::get) {
            for entry in table.slots.iter().filter_map(OnceLock::get) {
                show(&entry.key, &entry.value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Name(String);

    impl From<&&str> for Name {
        fn from(name: &&str) -> Self {
            Self((*name).to_owned())
        }
    }

    impl Equivalent<Name> for &str {
        fn is(&self, name: &Name) -> bool {
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
        let with = |name: &str, room, value| names.get_or_make(&name, room, || value).copied();
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
                        names.get_or_make(&name.as_str(), Room::IfAny, make);
                    }
                });
            }
        });
        assert_eq!((made.into_inner(), all(&names).len()), (50, 50));
    }

    #[test]
    fn all_are_found_while_the_tables_grow() {
        let names = Bounded::<Name, usize>::new(usize::MAX);
        for number in 0..5_000 {
            let name = number.to_string();
            assert_eq!(names.get(&name.as_str()), None);
            assert_eq!(names.get_or_make(&name.as_str(), Room::IfAny, || number), Some(&number));
        }
        for number in 0..5_000 {
            assert_eq!(names.get(&number.to_string().as_str()), Some(&number));
        }
        assert_eq!(all(&names).len(), 5_000);
    }
}
