//! Texts that come again and again, kept so that no span allocates them anew.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use opentelemetry::StringValue;

use crate::message::shown::Shown;

/// Texts longer than this are not kept.
const LONGEST: usize = 256;
/// How many texts, and how many names, each thread keeps; a power of two.
const PLACES: usize = 256;

type Texts = [Option<Arc<str>>; PLACES];

thread_local! {
    static TEXTS: RefCell<Box<Texts>> = RefCell::new(Box::new([const { None }; PLACES]));
}

/// The text as the value of an attribute: shared with the last one of this thread that was equal.
pub(super) fn text(text: &str) -> StringValue {
    if text.len() > LONGEST {
        return StringValue::from(text.to_owned());
    }
    let kept = TEXTS.try_with(|texts| {
        let mut texts = texts.try_borrow_mut().ok()?;
        let place = texts.get_mut(place_of(text.as_bytes()))?;
        match place {
            Some(known) if **known == *text => Some(Arc::clone(known)),
            other => Some(Arc::clone(other.insert(Arc::from(text)))),
        }
    });
    match kept {
        Ok(Some(known)) => StringValue::from(known),
        _ => StringValue::from(text.to_owned()),
    }
}

/// What a text is part of, which decides how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Query,
    Agent,
    Host,
    Url,
}

/// A text that a policy shows as it stands.
struct AsItStands {
    policy: u32,
    part: Part,
    text: Arc<str>,
}

thread_local! {
    static AS_THEY_STAND: RefCell<Box<[Option<AsItStands>; PLACES]>> =
        RefCell::new(Box::new([const { None }; PLACES]));
}

/// As [`text`], of what a policy shows as it stands; what `shown` answers is asked only once for each
/// text, as long as its place is not taken by another. Longer texts are never kept, and `None`.
#[inline]
pub(super) fn as_it_stands<'a>(
    policy: &Shown,
    part: Part,
    raw: &'a [u8],
    shown: impl FnOnce() -> Option<&'a str>,
) -> Option<StringValue> {
    if raw.len() > LONGEST {
        return None;
    }
    let policy = policy.number();
    let kept = AS_THEY_STAND.try_with(|places| {
        let mut places = places.try_borrow_mut().ok()?;
        let place = places.get_mut(place_of(raw))?;
        if let Some(known) = place
            && known.policy == policy
            && known.part == part
            && known.text.as_bytes() == raw
        {
            return Some(Arc::clone(&known.text));
        }
        let text = Arc::<str>::from(shown()?);
        *place = Some(AsItStands { policy, part, text: Arc::clone(&text) });
        Some(text)
    });
    kept.ok().flatten().map(StringValue::from)
}

/// Hands what `value` displays to `with`, without an allocation where it is short.
pub(super) fn displayed<R>(value: impl fmt::Display, with: impl FnOnce(&str) -> R) -> R {
    let mut short = Short { bytes: [0; LONGEST], length: 0 };
    match write!(short, "{value}") {
        Ok(()) => with(short.as_str()),
        Err(_) => with(&value.to_string()),
    }
}

struct Short {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Short {
    fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let end = self.length + piece.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(piece.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// The most names of spans that are kept for good; templates are few, but not all are to be trusted.
const MOST_NAMES: usize = 4096;

static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

/// A name that was kept, and the method in it.
#[derive(Clone, Copy)]
struct Seen {
    method: &'static str,
    name: &'static str,
    /// Where the route begins in the name.
    route_at: usize,
}

impl Seen {
    const NOTHING: Self = Self { method: "", name: "", route_at: 0 };

    #[inline]
    fn is_of(&self, method: &'static str, route: &str) -> bool {
        // mostly the very same text: a known method's
        (std::ptr::eq(self.method, method) || self.method == method)
            && self.name.get(self.route_at..) == Some(route)
    }
}

thread_local! {
    static NAMES_SEEN: RefCell<[Seen; PLACES]> = const { RefCell::new([Seen::NOTHING; PLACES]) };
}

/// The name `{method} {route}`, or the route alone where there is no method, if there is room to keep
/// it for good; and where the route begins in it.
#[inline]
pub(super) fn name(method: &'static str, route: &str) -> Option<(&'static str, usize)> {
    // a template that is asked by several methods has a place for each
    let spread = method.bytes().next().map_or(0, |first| usize::from(first) * 8 + method.len());
    let place = (place_of(route.as_bytes()) + spread) % PLACES;
    let seen = NAMES_SEEN.try_with(|seen| {
        let seen = seen.try_borrow().ok()?;
        seen.get(place).filter(|seen| seen.is_of(method, route)).map(|it| (it.name, it.route_at))
    });
    match seen {
        Ok(Some(known)) => Some(known),
        _ => look_up(method, route, place),
    }
}

/// The same from the names that all threads keep.
#[cold]
fn look_up(method: &'static str, route: &str, place: usize) -> Option<(&'static str, usize)> {
    if method.len() + 1 + route.len() > LONGEST {
        return None;
    }
    let name = match method {
        "" => route.to_owned(),
        method => [method, " ", route].concat(),
    };
    let route_at = name.len() - route.len();
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let name = match names.get(name.as_str()) {
        Some(kept) => *kept,
        None if names.len() < MOST_NAMES => {
            let kept: &'static str = name.leak();
            names.insert(kept);
            kept
        }
        None => return None,
    };
    drop(names);
    let _ = NAMES_SEEN.try_with(|seen| {
        if let Ok(mut seen) = seen.try_borrow_mut()
            && let Some(place) = seen.get_mut(place)
        {
            *place = Seen { method, name, route_at };
        }
    });
    Some((name, route_at))
}

/// Spreads texts over places; who chooses texts that meet in one only costs allocations.
fn place_of(bytes: &[u8]) -> usize {
    let mix =
        |mixed: u64, word: u64| (mixed.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let length = mix(0, bytes.len() as u64);
    // both ends are enough, as a hit is compared whole
    let mixed = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            mix(mix(length, u64::from_le_bytes(*first)), u64::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(length, |mixed, byte| mix(mixed, u64::from(*byte))),
    };
    (mixed >> 56) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_shared_and_long_ones_are_not_kept() {
        let (one, again) = (text("shop.example"), text("shop.example"));
        assert_eq!((one.as_str(), again.as_str()), ("shop.example", "shop.example"));
        assert_eq!(one.as_str().as_ptr(), again.as_str().as_ptr());
        let long = "x".repeat(LONGEST + 1);
        let (one, again) = (text(&long), text(&long));
        assert_eq!(one, again);
        assert_ne!(one.as_str().as_ptr(), again.as_str().as_ptr());
    }

    #[test]
    fn texts_that_share_a_place_are_told_apart() {
        for round in 0..2 {
            for n in 0..4 * PLACES {
                let expected = format!("text {n}");
                assert_eq!(text(&expected).as_str(), expected, "{round}");
            }
        }
    }

    #[test]
    fn what_is_displayed_is_whole() {
        assert_eq!(displayed(std::net::Ipv6Addr::LOCALHOST, str::to_owned), "::1");
        for length in [LONGEST, LONGEST + 1] {
            let long = "y".repeat(length);
            assert_eq!(displayed(&long, str::to_owned), long);
        }
    }

    #[test]
    fn names_are_kept_once() {
        let name = |method, route: &str| name(method, route).map(|(name, _)| name);
        let one = name("GET", "/users/{id}").unwrap();
        assert_eq!(one, "GET /users/{id}");
        assert_eq!(name("GET", "/users/{id}").unwrap().as_ptr(), one.as_ptr());
        assert_eq!(name("POST", "/users/{id}"), Some("POST /users/{id}"));
        assert_eq!(name("GET", "/users/{id}").unwrap().as_ptr(), one.as_ptr());
        assert_eq!(name("", "pkg.Svc/Do"), Some("pkg.Svc/Do"));
        assert_eq!(name("GET", &"/x".repeat(2 * LONGEST)), None);
    }

    #[test]
    fn the_methods_of_a_template_do_not_take_each_others_place() {
        let known = crate::message::method::KNOWN;
        let held =
            |name: &str| NAMES_SEEN.with(|seen| seen.borrow().iter().any(|it| it.name == name));
        for method in known {
            name(method, "/orders/{id}").unwrap();
        }
        for method in known {
            assert!(held(&format!("{method} /orders/{{id}}")), "{method}");
        }
    }
}
