//! Which lines are kept when there are too many.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
/// Keys beyond [`Sampling::MAX_KEYS`] share one limit.
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
        counts.of(key, now, |count| count.judge(self.rule, now, must_be))
    }
}

impl Counts {
    /// Runs `with` on the count of a key, the shared one where the key has none of its own.
    fn of<R>(&mut self, key: Key, now: Instant, with: impl FnOnce(&mut Count) -> R) -> R {
        if let Some(count) = self.known.get_mut(&key) {
            return with(count);
        }
        let new = Count { window: now, seen: 0, dropped: 0 };
        let route = key.route.as_ref().map(Route::as_str);
        let is_long = route.is_some_and(|route| route.len() > Sampling::MAX_ROUTE);
        if is_long || self.known.len() >= Sampling::MAX_KEYS {
            return with(self.others.get_or_insert(new));
        }
        // a copy, so that no request's buffer is kept alive
        let route = route.map(|route| Route::from(route.to_owned()));
        with(self.known.entry(Key { route, ..key }).or_insert(new))
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

const KNOWN: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];

/// The name of a method that is registered: RFC 9110, RFC 5789 (`PATCH`) and `QUERY`.
pub(super) fn known_method(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 10] =
        ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];
    KNOWN.into_iter().find(|known| *known == method.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Kept = Kept { rate: None, dropped: 0 };

    fn kept(rate: u32, dropped: u64) -> Option<Kept> {
        Some(Kept { rate: Some(rate), dropped })
    }

    fn key(route: &str) -> Key {
        Key::new(&Method::GET, Some(&Route::from(route.to_owned())), Some(200), None)
    }

    #[test]
    fn the_first_of_a_second_then_one_in_so_many() {
        let rule = Sampling::new(2, 3).unwrap();
        let start = Instant::now();
        let mut count = Count { window: start, seen: 0, dropped: 0 };
        let mut judge =
            |millis, must_be| count.judge(rule, start + Duration::from_millis(millis), must_be);
        let second: Vec<_> = (0..9).map(|n| judge(n * 100, false)).collect();
        let expected = [Some(ALL), Some(ALL), None, None, kept(3, 2), None, None, kept(3, 2), None];
        assert_eq!(second, expected);
        assert_eq!(judge(999, true), Some(Kept { rate: None, dropped: 1 }), "tells what is open");
        assert_eq!(judge(999, false), None);
        assert_eq!(judge(1000, false), Some(Kept { rate: None, dropped: 1 }), "a new second");
        assert_eq!(judge(1500, true), Some(ALL), "does not use up the limit");
        assert_eq!(judge(1999, false), Some(ALL));
        assert_eq!(judge(500, false), None, "a late report counts where it arrives");
    }

    #[test]
    fn kept_and_dropped_are_all() {
        let rule = Sampling::new(5, 7).unwrap();
        let start = Instant::now();
        let mut count = Count { window: start, seen: 0, dropped: 0 };
        let mut told = 0;
        for n in 0..1000u64 {
            if let Some(kept) = count.judge(rule, start + Duration::from_millis(n * 7), n % 97 == 0)
            {
                told += 1 + kept.dropped;
            }
        }
        assert_eq!(told + count.dropped, 1000);
    }

    #[test]
    fn keys_are_bounded_and_never_collide() {
        let now = Instant::now();
        // answers the value before
        let set = |counts: &mut Counts, route: &str, seen| {
            counts.of(key(route), now, |count| std::mem::replace(&mut count.seen, seen))
        };
        let mut counts = Counts::default();
        for n in 0..Sampling::MAX_KEYS {
            assert_eq!(set(&mut counts, &format!("/{n}"), 1), 0);
        }
        assert_eq!(set(&mut counts, "/7", 2), 1, "a known key keeps its own count");
        assert_eq!(set(&mut counts, "/one too many", 40), 0);
        assert_eq!(set(&mut counts, "/another", 41), 40, "further keys share one");
        assert_eq!(set(&mut counts, "/7", 3), 2);
        assert_eq!(counts.known.len(), Sampling::MAX_KEYS);
        let mut counts = Counts::default();
        set(&mut counts, &"x".repeat(257), 3);
        assert_eq!(counts.known.len(), 0, "a route that long is not kept");
        assert_eq!(set(&mut counts, &"x".repeat(256), 1), 0);
        assert_eq!(counts.known.len(), 1);
    }

    #[test]
    fn keys_differ_in_each_of_their_parts() {
        let route = Route::from("/a");
        let of = |method: &Method, route, status, code| Key::new(method, route, status, code);
        let brew: Method = "BREW".parse().unwrap();
        let keys = [
            of(&Method::GET, Some(&route), Some(200), None),
            of(&Method::POST, Some(&route), Some(200), None),
            of(&brew, Some(&route), Some(200), None),
            of(&Method::GET, None, Some(200), None),
            of(&Method::GET, Some(&route), Some(456), None),
            of(&Method::GET, Some(&route), None, None),
            of(&Method::GET, Some(&route), Some(200), Some(0)),
            of(&Method::GET, Some(&route), Some(200), Some(16)),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(keys.iter().position(|other| other == key), Some(at));
        }
        let other: Method = "BOIL".parse().unwrap();
        assert_eq!(of(&other, None, None, None), of(&brew, None, None, None));
    }

    #[test]
    fn zero_is_refused() {
        for (first, one_in, field) in [(0, 1, "sampling.first"), (1, 0, "sampling.one_in")] {
            let error = Sampling::new(first, one_in).unwrap_err();
            assert_eq!((error.field(), error.value()), (field, "0"));
        }
    }

    #[test]
    fn methods() {
        assert_eq!(known_method(&Method::PATCH), Some("PATCH"));
        assert_eq!(known_method(&"QUERY".parse().unwrap()), Some("QUERY"));
        assert_eq!(known_method(&"get".parse().unwrap()), None);
    }
}
