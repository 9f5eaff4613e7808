//! The exchanges that are under way.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::UNMATCHED;
use super::sample::cut;
use crate::classify::{Protocol, Side};
use crate::exchange::Facts;
use crate::id::{RequestId, TraceIdentity};
use crate::redact::Redaction;
use crate::route::Route;
use crate::shard;

/// The most bytes of a path that are kept.
const MAX_PATH: usize = 512;

/// What an active exchange is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The handler runs, or whatever else is inside of the layer: there are no response headers yet.
    Handler,
    /// The response body is sent.
    Body {
        /// How many bytes of it were handed over so far.
        bytes: u64,
    },
}

/// An exchange that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActiveExchange {
    /// How long it has been.
    pub age: Duration,
    /// When it began.
    pub started_at: SystemTime,
    /// How long the request had waited for the service to be ready before it began.
    pub waited: Duration,
    /// Where it is.
    pub stage: Stage,
    /// Which side of it this is.
    pub side: Side,
    /// The route as far as it is known by now, or [`UNMATCHED`].
    pub family: String,
    /// The method, as sent, but for what is beyond 32 bytes.
    pub method: String,
    /// The path, without the secrets that the redaction policy finds in it, at most 512 bytes.
    pub path: String,
    /// The request ID.
    pub request_id: Option<RequestId>,
    /// The trace and span.
    pub trace: Option<TraceIdentity>,
}

/// What is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Active {
    /// The exchanges, the oldest first.
    pub exchanges: Vec<ActiveExchange>,
    /// How many more there are, for which there was no place when they began.
    pub unlisted: usize,
}

impl Active {
    /// How many there are in all.
    pub fn count(&self) -> usize {
        self.exchanges.len() + self.unlisted
    }
}

/// Where an exchange is kept while it is under way; `None` where there was no room.
pub(super) type Slot = Option<(u16, u16)>;

/// The places of one share of the threads, in cache lines of its own.
#[repr(align(128))]
struct Places {
    table: Mutex<Table>,
    /// Bytes of the body so far, or [`IN_HANDLER`].
    progress: Box<[AtomicU64]>,
}

const IN_HANDLER: u64 = u64::MAX;

struct Table {
    /// The places that nobody has; the one that was left last is taken first.
    free: Vec<u16>,
    entries: Box<[Entry]>,
}

#[derive(Default)]
struct Entry {
    facts: Option<Arc<Facts>>,
    /// Whose memory is used again.
    path: String,
    waited: Duration,
}

impl Places {
    fn new(most: usize) -> Self {
        let most = u16::try_from(most).unwrap_or(u16::MAX);
        let table = Table {
            free: (0..most).rev().collect(),
            entries: (0..most).map(|_| Entry::default()).collect(),
        };
        let progress = (0..most).map(|_| AtomicU64::new(IN_HANDLER)).collect();
        Self { table: Mutex::new(table), progress }
    }

    #[inline]
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn enter(&self, facts: &Arc<Facts>, path: &str, waited: Duration) -> Option<u16> {
        let mut table = self.table();
        let place = table.free.pop()?;
        let entry = table.entries.get_mut(usize::from(place))?;
        entry.path.clear();
        // no more than there is to keep, of which the bound is made
        entry.path.reserve_exact(path.len());
        entry.path.push_str(path);
        entry.waited = waited;
        entry.facts = Some(Arc::clone(facts));
        if let Some(progress) = self.progress.get(usize::from(place)) {
            progress.store(IN_HANDLER, Ordering::Relaxed);
        }
        Some(place)
    }

    /// What is handed back is dropped with no lock held.
    #[inline]
    fn leave(&self, place: u16) -> Option<Arc<Facts>> {
        let mut table = self.table();
        let facts = table.entries.get_mut(usize::from(place))?.facts.take();
        if facts.is_some() {
            table.free.push(place);
        }
        facts
    }
}

/// All places.
pub(super) struct Slots {
    shards: Box<[Places]>,
    unlisted: AtomicUsize,
}

impl Slots {
    pub(super) fn new(most: usize) -> Self {
        let shards = shard::count();
        // as many in all as were asked for
        let of = |shard: usize| most / shards + usize::from(shard < most % shards);
        Self {
            shards: (0..shards).map(|shard| Places::new(of(shard))).collect(),
            unlisted: AtomicUsize::new(0),
        }
    }

    #[inline]
    pub(super) fn enter(
        &self,
        facts: &Arc<Facts>,
        path: &str,
        waited: Duration,
        redaction: &Redaction,
    ) -> Slot {
        if path.len() > MAX_PATH {
            return self.enter_long(facts, path, waited, redaction);
        }
        let own = shard::of_this_thread().among(self.shards.len());
        match self.shards.get(own)?.enter(facts, path, waited) {
            Some(place) => Some((own as u16, place)),
            None => self.enter_elsewhere(facts, path, waited),
        }
    }

    /// Secrets are taken out before a path is cut: of a part nobody could tell where they are.
    #[cold]
    fn enter_long(
        &self,
        facts: &Arc<Facts>,
        path: &str,
        waited: Duration,
        redaction: &Redaction,
    ) -> Slot {
        let shown = redaction.query(path);
        self.enter(facts, cut(&shown, MAX_PATH), waited, redaction)
    }

    #[cold]
    fn enter_elsewhere(&self, facts: &Arc<Facts>, path: &str, waited: Duration) -> Slot {
        let shards = self.shards.iter().enumerate();
        let mut places = shards.filter_map(|(shard, places)| {
            Some((u16::try_from(shard).ok()?, places.enter(facts, path, waited)?))
        });
        let found = places.next();
        if found.is_none() {
            self.unlisted.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    #[inline]
    fn progress(&self, slot: Slot) -> Option<&AtomicU64> {
        let (shard, place) = slot?;
        self.shards.get(usize::from(shard))?.progress.get(usize::from(place))
    }

    /// There are response headers.
    #[inline]
    pub(super) fn respond(&self, slot: Slot) {
        if let Some(progress) = self.progress(slot) {
            progress.store(0, Ordering::Relaxed);
        }
    }

    /// More of the body was handed over: so much in all.
    #[inline]
    pub(super) fn handed(&self, slot: Slot, total: u64) {
        if let Some(progress) = self.progress(slot) {
            // one less than what stands for a handler
            progress.store(total.min(IN_HANDLER - 1), Ordering::Relaxed);
        }
    }

    /// The path of an exchange that has a place.
    #[cold]
    pub(super) fn path(&self, slot: Slot, redaction: &Redaction) -> Option<String> {
        let (shard, place) = slot?;
        let table = self.shards.get(usize::from(shard))?.table();
        let path = table.entries.get(usize::from(place))?.path.clone();
        drop(table);
        Some(shown(path, redaction))
    }

    #[inline]
    pub(super) fn leave(&self, slot: Slot) {
        match slot {
            Some((shard, place)) => {
                if let Some(places) = self.shards.get(usize::from(shard)) {
                    drop(places.leave(place));
                }
            }
            None => {
                self.unlisted.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// All that are under way now.
    pub(super) fn all(&self, now: Instant, redaction: &Redaction) -> Active {
        let mut found = Vec::new();
        for places in &self.shards {
            let table = places.table();
            for (entry, progress) in table.entries.iter().zip(&places.progress) {
                if let Some(facts) = &entry.facts {
                    let progress = progress.load(Ordering::Relaxed);
                    found.push((Arc::clone(facts), entry.path.clone(), entry.waited, progress));
                }
            }
        }
        found.sort_by_key(|(facts, ..)| facts.started());
        let exchanges = found.into_iter().map(|(facts, path, waited, progress)| ActiveExchange {
            age: now.saturating_duration_since(facts.started()),
            started_at: facts.started_at(),
            waited,
            stage: match progress {
                IN_HANDLER => Stage::Handler,
                bytes => Stage::Body { bytes },
            },
            side: facts.side(),
            family: family(&facts).to_owned(),
            method: cut(facts.method().as_str(), 32).to_owned(),
            path: shown(path, redaction),
            request_id: facts.request_id().copied(),
            trace: facts.trace().copied(),
        });
        Active { exchanges: exchanges.collect(), unlisted: self.unlisted.load(Ordering::Relaxed) }
    }
}

/// The route so far, as it will be told unless more becomes known.
fn family(facts: &Facts) -> &str {
    static OTHER: Route = Route::OTHER;
    match (facts.route(), facts.protocol()) {
        (Some(route), _) => route.as_str(),
        (None, Protocol::Grpc) => OTHER.as_str(),
        (None, Protocol::Http) => UNMATCHED,
    }
}

fn shown(path: String, redaction: &Redaction) -> String {
    let shown = redaction.query(&path);
    cut(&shown, MAX_PATH).to_owned()
}
