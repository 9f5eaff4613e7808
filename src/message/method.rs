//! The methods that are known.

use std::env;
use std::sync::LazyLock;

use http::Method;

/// The methods that are registered: RFC 9110, RFC 5789 (`PATCH`) and `QUERY`.
pub(crate) const KNOWN: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];

/// Stands for a method that is not known, in every signal.
pub(crate) const OTHER: &str = "_OTHER";

/// What replaces them, by OpenTelemetry's semantic conventions: a list separated by commas.
const VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

static REPLACED: LazyLock<Option<Vec<String>>> =
    LazyLock::new(|| env::var(VARIABLE).ok().and_then(|list| parse(&list)));

/// The name of a method that is known, the same for every signal.
pub(crate) fn known_method(method: &Method) -> Option<&'static str> {
    if REPLACED.is_none() && *method == Method::GET {
        return Some("GET");
    }
    known_among(REPLACED.as_deref(), method.as_str())
}

/// Where the name of a known method, or the one for all others, stands among [`all`].
#[cfg(feature = "metrics")]
pub(crate) fn place(name: &str) -> usize {
    all().take_while(|known| *known != name).count()
}

/// The names of the known methods by their place, and at last the one for all others.
#[cfg(feature = "metrics")]
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    let replaced = REPLACED.as_deref();
    let registered = if replaced.is_none() { &KNOWN[..] } else { &[] };
    let listed = replaced.unwrap_or_default().iter().map(String::as_str);
    registered.iter().copied().chain(listed).chain([OTHER])
}

fn known_among<'a>(replaced: Option<&'a [String]>, method: &str) -> Option<&'a str> {
    match replaced {
        None => KNOWN.into_iter().find(|known| *known == method),
        Some(listed) => listed.iter().map(String::as_str).find(|known| *known == method),
    }
}

/// The methods on the list; names are case-sensitive. An empty list replaces nothing.
fn parse(list: &str) -> Option<Vec<String>> {
    let names = list.split(',').map(str::trim);
    // the name for all others stands for them alone
    let names = names.filter(|name| !name.is_empty() && *name != OTHER);
    let names: Vec<_> = names.map(str::to_owned).collect();
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
    fn a_list_replaces_the_registered_ones() {
        let listed = parse(" GET,, PURGE ").unwrap();
        let known = |method| known_among(Some(&listed), method);
        assert_eq!(
            (known("PURGE"), known("GET"), known("POST")),
            (Some("PURGE"), Some("GET"), None)
        );
        assert_eq!((parse(""), parse(" , "), parse("_OTHER")), (None, None, None));
        assert_eq!(parse("_OTHER,GET"), Some(vec!["GET".to_owned()]));
    }
}
