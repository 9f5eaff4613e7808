//! What is kept of exchanges that ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::family::FamilyId;
use super::histogram::BUCKETS;
use super::sample::Sample;

/// The most errors that are kept of a family, and that are newly kept in a second.
pub const MAX_ERRORS: usize = 16;

/// The most panics that are kept of a family, and that are newly kept in a second.
pub const MAX_PANICS: usize = 8;

/// Where a sample is kept beside its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Panic,
}

impl Kind {
    pub(super) const fn most(self) -> usize {
        match self {
            Self::Error => MAX_ERRORS,
            Self::Panic => MAX_PANICS,
        }
    }
}

/// Where a sample is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) kind: Option<Kind>,
    pub(super) bucket: Option<usize>,
}

/// What is kept of a family.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Kept {
    /// The newest exchange of each bucket, in their order.
    pub buckets: [Option<Arc<Sample>>; BUCKETS],
    /// Errors, the newest first.
    pub errors: Vec<Arc<Sample>>,
    /// Panics, the newest first.
    pub panics: Vec<Arc<Sample>>,
}

/// A sample with its number: those that came later have larger ones.
type Numbered = (u64, Arc<Sample>);

#[derive(Default)]
struct OfFamily {
    buckets: [Option<Numbered>; BUCKETS],
    errors: VecDeque<Numbered>,
    panics: VecDeque<Numbered>,
}

impl OfFamily {
    fn ring(&mut self, kind: Kind) -> &mut VecDeque<Numbered> {
        match kind {
            Kind::Error => &mut self.errors,
            Kind::Panic => &mut self.panics,
        }
    }

    /// The numbers of those that may go next.
    fn oldest(&self) -> Option<u64> {
        let rings = [self.errors.front(), self.panics.front()];
        rings
            .into_iter()
            .chain(self.buckets.iter().map(Option::as_ref))
            .flatten()
            .map(|it| it.0)
            .min()
    }

    /// Takes all places from the one of this number.
    fn take(&mut self, number: u64) -> usize {
        let mut freed = 0;
        for slot in &mut self.buckets {
            freed += slot.take_if(|it| it.0 == number).map_or(0, |it| it.1.bytes());
        }
        for ring in [&mut self.errors, &mut self.panics] {
            if ring.front().is_some_and(|it| it.0 == number) {
                freed += ring.pop_front().map_or(0, |it| it.1.bytes());
            }
        }
        freed
    }
}

/// All that is kept, of so many bytes; what is in two places counts twice.
pub(super) struct Samples {
    most: usize,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    families: BTreeMap<FamilyId, OfFamily>,
    bytes: usize,
    next: u64,
}

impl Samples {
    pub(super) fn new(most: usize) -> Self {
        Self { most, all: Mutex::default() }
    }

    #[cold]
    pub(super) fn keep(&self, family: FamilyId, places: Places, sample: Sample) {
        let sample = Arc::new(sample);
        let bytes = sample.bytes();
        let mut freed = Vec::new();
        let mut all = self.all();
        let number = all.next;
        all.next += 1;
        let of = all.families.entry(family).or_default();
        let mut difference = (0, 0);
        if let Some(slot) = places.bucket.and_then(|bucket| of.buckets.get_mut(bucket)) {
            difference.0 += bytes;
            freed.extend(slot.replace((number, Arc::clone(&sample))));
        }
        if let Some(kind) = places.kind {
            let ring = of.ring(kind);
            if ring.len() >= kind.most() {
                freed.extend(ring.pop_front());
            }
            difference.0 += bytes;
            ring.push_back((number, sample));
        }
        difference.1 = freed.iter().map(|it| it.1.bytes()).sum();
        all.bytes = (all.bytes + difference.0).saturating_sub(difference.1);
        all.shrink(self.most);
        drop(all);
    }

    pub(super) fn of(&self, family: FamilyId) -> Kept {
        let all = self.all();
        let Some(of) = all.families.get(&family) else { return Kept::default() };
        let newest_first = |ring: &VecDeque<Numbered>| {
            ring.iter().rev().map(|(_, sample)| Arc::clone(sample)).collect()
        };
        Kept {
            buckets: of.buckets.each_ref().map(|it| it.as_ref().map(|it| Arc::clone(&it.1))),
            errors: newest_first(&of.errors),
            panics: newest_first(&of.panics),
        }
    }

    /// The newest errors and panics of all families.
    pub(super) fn latest(&self, most: usize) -> Vec<(FamilyId, Arc<Sample>)> {
        let all = self.all();
        let each = all.families.iter().flat_map(|(&family, of)| {
            of.errors.iter().chain(&of.panics).map(move |(number, it)| (*number, family, it))
        });
        let mut latest: Vec<_> = each.collect();
        latest.sort_unstable_by_key(|(number, ..)| std::cmp::Reverse(*number));
        latest.into_iter().take(most).map(|(_, id, it)| (id, Arc::clone(it))).collect()
    }

    #[cfg(all(test, feature = "testing"))]
    pub(super) fn bytes(&self) -> usize {
        self.all().bytes
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    /// Lets the oldest go, whichever family's it is.
    fn shrink(&mut self, most: usize) {
        while self.bytes > most {
            let oldest =
                self.families.iter().filter_map(|(id, of)| Some((of.oldest()?, *id))).min();
            let Some((number, id)) = oldest else { break };
            let freed = self.families.get_mut(&id).map_or(0, |of| of.take(number));
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }
}
