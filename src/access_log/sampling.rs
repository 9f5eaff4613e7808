//! Which lines are kept when there are too many.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::message::method::KNOWN;
use http::Method;

use crate::config::ConfigError;
use crate::exchange::End;
use crate::route::Route;

/// A limit on lines that are alike: of each key, the first few in a second are kept, then one in
/// so many.
///
/// The key is the method, the route and the status that is logged (for gRPC its code too), never
/// the path. A second starts with the first exchange of its key, on the exchanges' own clock.
/// Errors and slow exchanges are always kept and do not use up the limit. A kept line says
/// `sampling.rate` when it stands for so many, and `sampling.dropped` when lines of its key were
/// dropped since the last one: kept lines plus all that they say was dropped are all lines.
///
/// Keys beyond [`Sampling::MAX_KEYS`] share one limit. When so many are known, those are forgotten
/// whose second began two seconds ago or earlier; what they had dropped is said by the line of the
/// key that takes a place. A key of which all exchanges are errors or slow takes none.
///
/// ```
/// use tower_observability::access_log::{AccessLogLayer, Sampling};
///
/// let layer = AccessLogLayer::server().sampling(Sampling::new(100, 1000)?);
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    first: u32,
    one_in: u32,
}

impl Sampling {
    /// The most keys that have a limit of their own.
    pub const MAX_KEYS: usize = 1024;
    /// The longest route, in bytes, that has a limit of its own.
    const MAX_ROUTE: usize = 256;
    const WINDOW: Duration = Duration::from_secs(1);
    /// The age from which a window makes room: a key with an exchange each second keeps its place.
    const OLD: Duration = Duration::from_secs(2);

    /// Keeps the `first` exchanges of a key in each second, then one in `one_in`.
    ///
    /// # Errors
    /// When either is zero.
    pub fn new(first: u32, one_in: u32) -> Result<Self, ConfigError> {
        for (field, value) in [("sampling.first", first), ("sampling.one_in", one_in)] {
            if value == 0 {
                return Err(ConfigError::new(field, "0", "a whole number from 1 on"));
            }
        }
        Ok(Self { first, one_in })
    }
}

/// What a kept line says of the lines that were not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// How many lines of its key this one stands for; `None` when it stands for itself.
    pub(super) rate: Option<u32>,
    /// How many of its key were dropped since the last one that was kept.
    pub(super) dropped: u64,
}

/// Counts what was kept and dropped of each key.
#[derive(Debug)]
pub(super) struct Sampler {
    rule: Sampling,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    known: HashMap<Key, Count>,
    /// The keys beyond the bound, together.
    others: Option<Count>,
    /// When old keys were last looked for.
    swept: Option<Instant>,
}

/// What lines that are alike have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    route: Option<Route>,
    /// Method, gRPC status and status in one number, which is hashed at once.
    rest: u32,
}

impl Key {
    fn new(
        method: &Method,
        route: Option<&Route>,
        status: Option<u16>,
        grpc_status: Option<u8>,
    ) -> Self {
        let place = KNOWN.iter().position(|known| *known == method.as_str());
        // a gRPC status is below 17, so that 255 is none of them
        let [high, low] = status.unwrap_or(0).to_be_bytes();
        let rest = [place.unwrap_or(KNOWN.len()) as u8, grpc_status.unwrap_or(255), high, low];
        Self { route: route.cloned(), rest: u32::from_be_bytes(rest) }
    }
}

#[derive(Debug)]
struct Count {
    window: Instant,
    /// Exchanges in this window that were subject to the limit.
    seen: u64,
    /// Dropped since the last line that was kept.
    dropped: u64,
}

impl Sampler {
    pub(super) fn new(rule: Sampling) -> Self {
        Self { rule, counts: Mutex::default() }
    }

    /// Whether the line of this exchange is kept; it is when it `must_be`.
    pub(super) fn judge(&self, end: &End<'_>, status: Option<u16>, must_be: bool) -> Option<Kept> {
        let now = end.facts.started() + end.duration;
        let code = end.grpc_status.map(|code| code.number());
        let key = Key::new(end.facts.method(), end.route, status, code);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.judge(key, self.rule, now, must_be)
    }
}

impl Counts {
    fn judge(&mut self, key: Key, rule: Sampling, now: Instant, must_be: bool) -> Option<Kept> {
        // not by an entry, which would keep the buffer of a new key's request alive
        if let Some(count) = self.known.get_mut(&key) {
            return count.judge(rule, now, must_be);
        }
        if must_be {
            return Some(Kept::default());
        }
        let mut new = Count { window: now, seen: 0, dropped: 0 };
        let route = key.route.as_ref().map(Route::as_str);
        let is_long = route.is_some_and(|route| route.len() > Sampling::MAX_ROUTE);
        if !is_long && self.known.len() >= Sampling::MAX_KEYS {
            new.dropped = self.forget_old(now);
        }
        if is_long || self.known.len() >= Sampling::MAX_KEYS {
            return self.others.get_or_insert(new).judge(rule, now, must_be);
        }
        let route = route.map(|route| Route::from(route.to_owned()));
        self.known.entry(Key { route, ..key }).or_insert(new).judge(rule, now, must_be)
    }

    /// Makes room, by a look at all keys once in a window; answers what the old ones had dropped.
    fn forget_old(&mut self, now: Instant) -> u64 {
        let is_younger = |than, moment| now.saturating_duration_since(moment) < than;
        if self.swept.is_some_and(|swept| is_younger(Sampling::WINDOW, swept)) {
            return 0;
        }
        self.swept = Some(now);
        let mut dropped = 0;
        self.known.retain(|_, count| {
            let stays = is_younger(Sampling::OLD, count.window);
            dropped += if stays { 0 } else { count.dropped };
            stays
        });
        dropped
    }
}

impl Count {
    fn judge(&mut self, rule: Sampling, now: Instant, must_be: bool) -> Option<Kept> {
        let mut rate = None;
        if !must_be {
            if now.saturating_duration_since(self.window) >= Sampling::WINDOW {
                (self.window, self.seen) = (now, 0);
            }
            self.seen += 1;
            if let Some(beyond) = self.seen.checked_sub(u64::from(rule.first)).filter(|n| *n > 0) {
                if beyond % u64::from(rule.one_in) != 0 {
                    self.dropped += 1;
                    return None;
                }
                rate = Some(rule.one_in);
            }
        }
        Some(Kept { rate, dropped: std::mem::take(&mut self.dropped) })
    }
}

#[cfg(test)]
mod tests;
