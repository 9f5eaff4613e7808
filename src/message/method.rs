//! The methods that are known.

use std::env;
use std::sync::LazyLock;

use http::Method;

/// The methods that are registered: RFC 9110, RFC 5789 (`PATCH`) and `QUERY`.
pub(crate) const KNOWN: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];

/// Stands for a method that is not known, in every signal.
pub(crate) const OTHER: &str = "_OTHER";

/// How many a list can have.
const MOST: usize = 1_000;

/// What replaces them, by OpenTelemetry's semantic conventions: a list separated by commas.
const VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

/// The names that are known; those of [`KNOWN`] unless the variable lists others.
static NAMES: LazyLock<Option<Vec<String>>> =
    LazyLock::new(|| env::var(VARIABLE).ok().and_then(|list| parse(&list)));

/// The name of a method that is known, the same for every signal.
#[cfg(any(test, feature = "access-log", feature = "sentry", feature = "trace"))]
#[inline]
pub(crate) fn known_method(method: &Method) -> Option<&'static str> {
    Known::of(method).name()
}

/// A known method, or all the others as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Known(u16);

impl Known {
    #[inline]
    pub(crate) fn of(method: &Method) -> Self {
        match (&*NAMES, method) {
            (None, &Method::GET) => Self(0),
            (None, &Method::POST) => Self(1),
            _ => Self::looked_up(method),
        }
    }

    #[inline(never)]
    fn looked_up(method: &Method) -> Self {
        Self(match &*NAMES {
            None => place(KNOWN, method.as_str()),
            Some(listed) => place(listed, method.as_str()),
        })
    }

    /// Where it stands among [`all`](Self::all).
    #[inline]
    pub(crate) fn place(self) -> usize {
        usize::from(self.0)
    }

    #[inline]
    fn name(self) -> Option<&'static str> {
        match &*NAMES {
            None => KNOWN.get(self.place()).copied(),
            Some(listed) => listed.get(self.place()).map(String::as_str),
        }
    }
}

#[cfg(feature = "metrics")]
impl Known {
    /// Its name, or the one for all others.
    #[inline]
    pub(crate) fn as_str(self) -> &'static str {
        self.name().unwrap_or(OTHER)
    }

    /// The known ones by their place, and at last the others.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let known = NAMES.as_ref().map_or(KNOWN.len(), Vec::len);
        (0..=known as u16).map(Self)
    }
}

/// Where a name stands on a list, or would.
fn place<T: AsRef<str>>(listed: impl AsRef<[T]>, method: &str) -> u16 {
    let listed = listed.as_ref();
    listed.iter().position(|known| known.as_ref() == method).unwrap_or(listed.len()) as u16
}

/// The methods on the list; names are case-sensitive. An empty list replaces nothing,
/// and what is over 1000 is none.
fn parse(list: &str) -> Option<Vec<String>> {
    let names = list.split(',').map(str::trim);
    // the name for all others stands for them alone
    let names = names.filter(|name| !name.is_empty() && *name != OTHER);
    let names: Vec<_> = names.map(str::to_owned).take(MOST).collect();
    if names.is_empty() { None } else { Some(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_by_their_exact_name() {
        assert_eq!(known_method(&Method::PATCH), Some("PATCH"));
        assert_eq!(known_method(&"QUERY".parse().unwrap()), Some("QUERY"));
        assert_eq!(known_method(&"get".parse().unwrap()), None);
    }

    #[test]
    fn each_known_method_has_its_own_place() {
        let places =
            KNOWN.map(|name| place(KNOWN, Known::of(&name.parse().unwrap()).name().unwrap()));
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(Known::of(&"BREW".parse().unwrap()).name(), None);
    }

    #[test]
    fn a_list_replaces_the_registered_ones() {
        let listed = parse(" GET,, PURGE ").unwrap();
        let places = ["GET", "PURGE", "POST"].map(|method| place(&listed, method));
        assert_eq!(places, [0, 1, 2]);
        assert_eq!((parse(""), parse(" , "), parse("_OTHER")), (None, None, None));
        assert_eq!(parse("_OTHER,GET"), Some(vec!["GET".to_owned()]));
    }
}
