//! A set of names in their normal form, which tells most names that are not in it at a glance.

use std::array;

/// How many lengths of names are told apart.
const LENGTHS: usize = 64;

/// A set of names in their normal form: letters and digits alone, in lower case.
#[derive(Clone)]
pub(super) struct Set {
    /// By the length of the name; the last group has the longest of all.
    groups: [Group; LENGTHS],
}

#[derive(Clone, Default)]
struct Group {
    /// A bit for each [mark] of a name: most names are told apart here.
    marks: u64,
    sorted: Vec<Box<[u8]>>,
}

impl Default for Set {
    fn default() -> Self {
        Set { groups: array::from_fn(|_| Group::default()) }
    }
}

impl FromIterator<Box<[u8]>> for Set {
    fn from_iter<I: IntoIterator<Item = Box<[u8]>>>(names: I) -> Self {
        let mut set = Set::default();
        names.into_iter().for_each(|name| set.insert(name));
        set
    }
}

impl Set {
    pub(super) fn len(&self) -> usize {
        self.groups.iter().map(|group| group.sorted.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.sorted.is_empty())
    }

    pub(super) fn insert(&mut self, name: Box<[u8]>) {
        let group = &mut self.groups[slot(&name)];
        if let Err(at) = group.sorted.binary_search(&name) {
            group.marks |= mark(&name);
            group.sorted.insert(at, name);
        }
    }

    pub(super) fn remove(&mut self, name: &[u8]) {
        let group = &mut self.groups[slot(name)];
        group.sorted.retain(|other| other.as_ref() != name);
        group.marks = group.sorted.iter().fold(0, |marks, name| marks | mark(name));
    }

    #[inline]
    pub(super) fn contains(&self, name: &[u8]) -> bool {
        let group = &self.groups[slot(name)];
        group.marks & mark(name) != 0 && group.contains(name)
    }
}

impl Group {
    #[inline(never)]
    fn contains(&self, name: &[u8]) -> bool {
        self.sorted.binary_search_by(|other| other.as_ref().cmp(name)).is_ok()
    }
}

fn slot(name: &[u8]) -> usize {
    name.len().min(LENGTHS - 1)
}

/// A bit for the letters that a name starts with, ends with and has in its middle; it may stand for
/// others too.
fn mark(name: &[u8]) -> u64 {
    match (name.first(), name.get(name.len() / 2), name.last()) {
        (Some(first), Some(middle), Some(last)) => {
            1 << ((first.wrapping_mul(3) ^ middle.wrapping_mul(7) ^ last) & 63)
        }
        _ => 0,
    }
}
