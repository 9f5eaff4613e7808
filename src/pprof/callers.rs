//! Heap profiles without the allocator: what is allocated stands with whoever asked for it.

use std::collections::{HashMap, HashSet};

use super::profile::Profile;
use super::proto::{self, Location, Sample};
use super::tables::text_of;

/// How many frames deep, those that are inlined counted, a stack ends in the allocator.
const DEPTH: usize = 64;

/// A function of jemalloc, or what Rust calls it by.
fn is_allocators(name: &str) -> bool {
    name.starts_with("_rjem_")
        || name.contains("tikv_jemallocator::")
        || ["__rust_alloc", "__rust_alloc_zeroed", "__rust_realloc"].iter().any(|shim| {
            name.strip_suffix(shim).is_some_and(|path| path.is_empty() || path.ends_with("::"))
        })
}

/// What allocates on behalf of its caller: collections, strings, iterators.
fn is_of_std(name: &str) -> bool {
    let path = name.trim_start_matches('<');
    ["alloc::", "core::", "std::", "hashbrown::"].iter().any(|of| path.starts_with(of))
        || path.contains(" as alloc::")
}

/// What takes the profile, which holds memory itself: the symbols of the executable, for one.
fn is_profilers(name: &str) -> bool {
    let path = name.trim_start_matches('<');
    path.starts_with("jemalloc_pprof::") || path.starts_with("tower_observability::pprof::")
}

/// The profile without the frames of jemalloc and the standard library at the leaves of its stacks, and
/// without what is allocated to take it.
pub(super) fn callers(profile: Profile) -> Profile {
    let Profile(mut profile) = profile;
    let names = Names::of(&profile);
    let mut stacks = Stacks::of(&profile);
    let samples = std::mem::take(&mut profile.sample);
    let kept = samples.into_iter().filter_map(|sample| stacks.caller(&names, sample));
    profile.sample = kept.collect();
    let Stacks { locations, .. } = stacks;
    profile.location = locations;
    Profile::new(profile)
}

/// What the functions of each location are, the innermost first.
struct Names(HashMap<u64, Vec<Kind>>);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Allocators,
    Std,
    Profilers,
    Other,
}

impl Names {
    fn of(profile: &proto::Profile) -> Self {
        let kind = |name: &str| match name {
            name if is_allocators(name) => Kind::Allocators,
            name if is_profilers(name) => Kind::Profilers,
            name if is_of_std(name) => Kind::Std,
            _ => Kind::Other,
        };
        let functions: HashMap<u64, Kind> =
            profile.function.iter().map(|of| (of.id, kind(text_of(profile, of.name)))).collect();
        let of_line =
            |line: &proto::Line| functions.get(&line.function_id).copied().unwrap_or(Kind::Other);
        let of_location = |location: &Location| {
            let kinds: Vec<_> = location.line.iter().map(of_line).collect();
            // without a function it is a frame all the same
            (location.id, if kinds.is_empty() { vec![Kind::Other] } else { kinds })
        };
        Self(profile.location.iter().map(of_location).collect())
    }

    fn of_location(&self, id: u64) -> &[Kind] {
        self.0.get(&id).map_or(&[Kind::Other], Vec::as_slice)
    }
}

/// The locations, and those of which the innermost functions were left out.
struct Stacks {
    locations: Vec<Location>,
    /// Where each is.
    at: HashMap<u64, usize>,
    cut: HashMap<(u64, usize), u64>,
    ids: HashSet<u64>,
}

impl Stacks {
    fn of(profile: &proto::Profile) -> Self {
        let locations = profile.location.clone();
        let at: HashMap<_, _> =
            locations.iter().enumerate().map(|(at, location)| (location.id, at)).collect();
        let ids = at.keys().copied().collect();
        Self { locations, at, cut: HashMap::new(), ids }
    }

    /// The sample from the caller on; `None` where that is the profiler.
    fn caller(&mut self, names: &Names, mut sample: Sample) -> Option<Sample> {
        let kinds = || sample.location_id.iter().flat_map(|id| names.of_location(*id)).copied();
        if kinds().any(|kind| kind == Kind::Profilers) {
            return None;
        }
        let innermost: Vec<_> = kinds().take(DEPTH).collect();
        let allocators = innermost.iter().rposition(|kind| *kind == Kind::Allocators);
        let Some(allocators) = allocators.map(|last| last + 1) else { return Some(sample) };
        let callers = kinds().skip(allocators).position(|kind| kind == Kind::Other);
        // where there is no other caller, the standard library asked for itself
        let mut skip = allocators + callers.unwrap_or(0);
        let mut ids = sample.location_id.iter();
        let mut kept = Vec::with_capacity(sample.location_id.len());
        for id in ids.by_ref() {
            let many = names.of_location(*id).len();
            if skip < many {
                kept.push(if skip == 0 { *id } else { self.without(*id, skip) });
                break;
            }
            skip -= many;
        }
        kept.extend(ids);
        if !kept.is_empty() {
            sample.location_id = kept;
        }
        Some(sample)
    }

    /// The location without so many of its innermost functions.
    fn without(&mut self, id: u64, skip: usize) -> u64 {
        if let Some(cut) = self.cut.get(&(id, skip)) {
            return *cut;
        }
        let Some(location) = self.at.get(&id).and_then(|at| self.locations.get(*at)) else {
            return id;
        };
        let line = location.line.iter().skip(skip).copied().collect();
        let mut free = self.locations.len() as u64 + 1;
        while !self.ids.insert(free) {
            free = free.wrapping_add(1);
        }
        self.locations.push(Location { id: free, line, ..location.clone() });
        self.cut.insert((id, skip), free);
        free
    }
}
