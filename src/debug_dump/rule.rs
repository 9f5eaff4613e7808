//! What is dumped, and for how long.

use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode, request};

use crate::classify::{Outcome, Side};
use crate::config::ConfigError;
use crate::exchange::{End, Facts};
use crate::grpc::Code;

/// What to dump, for how long, and how much of it at most.
///
/// ```
/// use std::time::Duration;
///
/// use tower_observability::debug_dump::{Match, Rule};
///
/// let slow_checkouts = Match::All(vec![
///     Match::Route("/checkout".into()),
///     Match::Slower(Duration::from_millis(500)),
/// ]);
/// let rule = Rule::new(Duration::from_secs(300))?.matching(slow_checkouts)?.captures(5)?;
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(crate) matches: Match,
    pub(crate) time_to_live: Duration,
    pub(crate) captures: u32,
    pub(crate) bytes: usize,
    pub(crate) body_cap: usize,
}

/// Which exchanges are dumped.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Match {
    /// All of them.
    Any,
    /// Those of this method.
    Method(Method),
    /// Those of this route: a template or a gRPC method, as every signal tells it.
    Route(String),
    /// Those whose path begins so, by the letter.
    PathPrefix(String),
    /// Those that are answered with one of these statuses, both ends included.
    Status(StatusCode, StatusCode),
    /// Those whose request has this header, with this value if one is given.
    RequestHeader(HeaderName, Option<HeaderValue>),
    /// Those whose response has this header, with this value if one is given.
    ResponseHeader(HeaderName, Option<HeaderValue>),
    /// The one with this request ID.
    RequestId(String),
    /// Those that take this long or longer.
    Slower(Duration),
    /// One in so many of the exchanges that are looked at.
    OneIn(NonZeroU32),
    /// Those that end so.
    Outcome(Outcome),
    /// Those of gRPC that end with this status, wherever it was answered.
    GrpcStatus(Code),
    /// Those that every signal tells as an error: see [`End::is_error`].
    Error,
    /// Those of servers, or of clients, where one control has both.
    Side(Side),
    /// Those that all of these fit; of none all.
    All(Vec<Match>),
    /// Those that any of these fits; of none none.
    AnyOf(Vec<Match>),
    /// Those that this does not fit.
    Not(Box<Match>),
}

impl Rule {
    /// The longest time a rule may live: 24 h.
    pub const MAX_TIME_TO_LIVE: Duration = Duration::from_secs(24 * 60 * 60);
    /// The most conditions a rule may have, all that are in others counted.
    pub const MAX_CONDITIONS: usize = 100;
    /// How deep conditions may be in one another, the outermost counted.
    pub const MAX_DEPTH: usize = 32;

    /// A rule that fits every exchange, for this long: 1 s to 24 h. It captures at most 10 exchanges and
    /// 1 MiB in all, and 1 KiB of each body.
    ///
    /// # Errors
    /// When it lives shorter or longer.
    pub fn new(time_to_live: Duration) -> Result<Self, ConfigError> {
        let allowed = Duration::from_secs(1)..=Self::MAX_TIME_TO_LIVE;
        if !allowed.contains(&time_to_live) {
            return Err(ConfigError::new(
                "time_to_live",
                format!("{time_to_live:?}"),
                "1 s to 24 h",
            ));
        }
        let (captures, bytes, body_cap) = (10, 1 << 20, 1 << 10);
        Ok(Self { matches: Match::Any, time_to_live, captures, bytes, body_cap })
    }

    /// Dumps only what fits.
    ///
    /// # Errors
    /// When there are more conditions than [`MAX_CONDITIONS`](Self::MAX_CONDITIONS), or they are deeper in
    /// one another than [`MAX_DEPTH`](Self::MAX_DEPTH).
    pub fn matching(self, matches: Match) -> Result<Self, ConfigError> {
        let mut left = Self::MAX_CONDITIONS;
        if !matches.fits_into(&mut left, Self::MAX_DEPTH) {
            let allowed = "at most 100 conditions, and 32 in one another";
            return Err(ConfigError::new("matching", "more conditions", allowed));
        }
        Ok(Self { matches, ..self })
    }

    /// Disarms itself after so many captures: 1 to 1000.
    ///
    /// # Errors
    /// When it is another number.
    pub fn captures(self, captures: u32) -> Result<Self, ConfigError> {
        if !(1..=1_000).contains(&captures) {
            return Err(ConfigError::new("captures", captures.to_string(), "1 to 1000"));
        }
        Ok(Self { captures, ..self })
    }

    /// Disarms itself when the bodies of what was captured come to so many bytes, and keeps no more of
    /// all that is under way: 1 KiB to 64 MiB.
    ///
    /// # Errors
    /// When it is another number.
    pub fn bytes(self, bytes: usize) -> Result<Self, ConfigError> {
        if !(1 << 10..=64 << 20).contains(&bytes) {
            return Err(ConfigError::new("bytes", bytes.to_string(), "1 KiB to 64 MiB"));
        }
        Ok(Self { bytes, ..self })
    }

    /// Keeps so many bytes of each body: 0 to 1 MiB.
    ///
    /// # Errors
    /// When it is another number.
    pub fn body_cap(self, bytes: usize) -> Result<Self, ConfigError> {
        if bytes > 1 << 20 {
            return Err(ConfigError::new("body_cap", bytes.to_string(), "0 to 1 MiB"));
        }
        Ok(Self { body_cap: bytes, ..self })
    }
}

impl Match {
    /// Whether it has no more conditions, nor deeper ones, than there is room for.
    fn fits_into(&self, left: &mut usize, depth: usize) -> bool {
        let (Some(rest), Some(depth)) = (left.checked_sub(1), depth.checked_sub(1)) else {
            return false;
        };
        *left = rest;
        match self {
            Self::All(all) | Self::AnyOf(all) => all.iter().all(|one| one.fits_into(left, depth)),
            Self::Not(one) => one.fits_into(left, depth),
            _ => true,
        }
    }

    /// Whether it fits an exchange that begins; `None` where only its end can tell. `number` is how many
    /// were looked at before.
    pub(super) fn at_start(
        &self,
        head: &request::Parts,
        facts: &Facts,
        number: u64,
    ) -> Option<bool> {
        Some(match self {
            Self::Any => true,
            Self::Method(method) => head.method == method,
            Self::PathPrefix(prefix) => head.uri.path().starts_with(prefix.as_str()),
            Self::RequestHeader(name, value) => has(&head.headers, name, value.as_ref()),
            Self::RequestId(id) => facts.request_id()?.as_str() == id,
            Self::OneIn(many) => number.is_multiple_of(u64::from(many.get())),
            Self::Side(side) => facts.side() == *side,
            Self::Route(_)
            | Self::Status(..)
            | Self::ResponseHeader(..)
            | Self::Slower(_)
            | Self::Outcome(_)
            | Self::GrpcStatus(_)
            | Self::Error => return None,
            Self::All(all) => {
                return all_of(all.iter().map(|one| one.at_start(head, facts, number)));
            }
            Self::AnyOf(all) => {
                let none = all_of(all.iter().map(|one| negated(one.at_start(head, facts, number))));
                return negated(none);
            }
            Self::Not(one) => return negated(one.at_start(head, facts, number)),
        })
    }

    /// Whether it fits an exchange that ended.
    pub(super) fn at_end(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Method(method) => seen.request.method == method,
            Self::Route(route) => seen.end.route.is_some_and(|told| told.as_str() == route),
            Self::PathPrefix(prefix) => seen.request.uri.path().starts_with(prefix.as_str()),
            Self::Status(least, most) => {
                seen.end.status.is_some_and(|status| (*least..=*most).contains(&status))
            }
            Self::RequestHeader(name, value) => has(&seen.request.headers, name, value.as_ref()),
            Self::ResponseHeader(name, value) => {
                seen.response.is_some_and(|headers| has(headers, name, value.as_ref()))
            }
            Self::RequestId(id) => {
                seen.end.facts.request_id().is_some_and(|told| told.as_str() == id)
            }
            Self::Slower(time) => seen.end.duration >= *time,
            Self::OneIn(many) => seen.number.is_multiple_of(u64::from(many.get())),
            Self::Outcome(outcome) => seen.end.outcome == *outcome,
            Self::GrpcStatus(code) => seen.end.grpc_status == Some(*code),
            Self::Error => seen.end.is_error,
            Self::Side(side) => seen.end.facts.side() == *side,
            Self::All(all) => all.iter().all(|one| one.at_end(seen)),
            Self::AnyOf(all) => all.iter().any(|one| one.at_end(seen)),
            Self::Not(one) => !one.at_end(seen),
        }
    }
}

/// What a rule may ask of an exchange that ended.
pub(super) struct Seen<'a> {
    pub(super) request: &'a Asked,
    pub(super) response: Option<&'a http::HeaderMap>,
    pub(super) end: &'a End<'a>,
    pub(super) number: u64,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: http::Uri,
    pub(super) version: http::Version,
    pub(super) headers: http::HeaderMap,
}

fn has(headers: &http::HeaderMap, name: &HeaderName, value: Option<&HeaderValue>) -> bool {
    match value {
        None => headers.contains_key(name),
        Some(value) => headers.get_all(name).iter().any(|told| told == value),
    }
}

fn negated(fits: Option<bool>) -> Option<bool> {
    fits.map(|fits| !fits)
}

/// `false` where one is, `true` where all are, and unknown otherwise.
fn all_of(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_known = true;
    for one in all {
        match one {
            Some(false) => return Some(false),
            Some(true) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(true)
}
