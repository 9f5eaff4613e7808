//! A header map as a carrier of contexts.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

use super::trace_context::{TRACEPARENT, TRACESTATE};

/// What stands for a value that is not visible ASCII: no format of a context has it, so whoever
/// reads it sees that there is a header, and that it is not valid.
const UNREADABLE: &str = "\u{fffd}";

/// A header map to read a context from, with any [`TextMapPropagator`].
///
/// [`get_all`](Extractor::get_all) answers every header of the name, in order. A value that is not
/// visible ASCII is none for [`get`](Extractor::get), and in `get_all` the replacement character
/// U+FFFD, which no context has, so that a second `traceparent` is not hidden by being unreadable.
///
/// [`TextMapPropagator`]: opentelemetry::propagation::TextMapPropagator
#[derive(Clone, Copy, Debug)]
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.0.get_all(key).iter().map(text).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// A header's value as propagators see it.
pub(super) fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or(UNREADABLE)
}

/// A header map to write a context to, with any [`TextMapPropagator`].
///
/// A header replaces all of its name. A new `traceparent` also removes `tracestate`, which belongs
/// to the former one; propagators set it afterwards. A name or a value that is not valid in HTTP is
/// left out.
///
/// [`TextMapPropagator`]: opentelemetry::propagation::TextMapPropagator
#[derive(Debug)]
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            put(self.0, &name, value);
        }
    }

    fn reserve(&mut self, additional: usize) {
        // when the map can hold no more, it is left as it is
        let _ = self.0.try_reserve(additional);
    }
}

pub(super) fn put(headers: &mut HeaderMap, name: &HeaderName, value: HeaderValue) {
    if *name == TRACEPARENT {
        headers.remove(&TRACESTATE);
    }
    // when the map can hold no more, it is left as it is
    let _ = headers.try_insert(name, value);
}
