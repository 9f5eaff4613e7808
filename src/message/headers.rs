//! The headers that are told: those on a list, and no others.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::bound::bounded;
use crate::config::ConfigError;
use crate::redact::Redaction;

/// What stands before the name of a captured header of a request, by OpenTelemetry's conventions.
pub(crate) const REQUEST_HEADER: &str = "http.request.header.";
/// What stands before the name of a captured header of a response.
pub(crate) const RESPONSE_HEADER: &str = "http.response.header.";

/// The first values of some headers. Where there are few, one walk costs less than a look-up of each,
/// and most senders begin with those that are looked for.
#[cfg(feature = "access-log")]
#[inline]
pub(crate) fn first_values<'a, const N: usize>(
    headers: &'a HeaderMap,
    names: [&HeaderName; N],
) -> [Option<&'a HeaderValue>; N] {
    const FEW: usize = 16;
    if headers.len() > FEW {
        return names.map(|name| headers.get(name));
    }
    let (mut found, mut missing) = ([None; N], N);
    for (name, value) in headers {
        let place = names.iter().position(|wanted| *wanted == name);
        if let Some(place) = place.and_then(|at| found.get_mut(at))
            && place.is_none()
        {
            *place = Some(value);
            missing -= 1;
            if missing == 0 {
                break;
            }
        }
    }
    found
}

/// The names of the headers to tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderNames(Vec<HeaderName>);

impl HeaderNames {
    pub(crate) fn add(&mut self, field: &'static str, name: &str) -> Result<(), ConfigError> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| ConfigError::new(field, name, "the name of an HTTP header"))?;
        if !self.0.contains(&name) {
            self.0.push(name);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the listed headers of `headers`; allocates only where there is one.
    #[inline]
    pub(crate) fn capture(&self, headers: &HeaderMap) -> Captured {
        if self.is_empty() { Captured::default() } else { self.listed(headers) }
    }

    fn listed(&self, headers: &HeaderMap) -> Captured {
        let mut captured = Vec::new();
        for name in &self.0 {
            for value in headers.get_all(name) {
                captured.push((name.clone(), value.clone()));
            }
        }
        Captured((!captured.is_empty()).then_some(captured))
    }
}

/// Headers as they were, not yet formatted; the values of one name stand together.
#[derive(Default)]
pub(crate) struct Captured(Option<Vec<(HeaderName, HeaderValue)>>);

impl Captured {
    #[cfg(feature = "access-log")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Each name with its values, redacted.
    pub(crate) fn shown<'a>(
        &'a self,
        redaction: &'a Redaction,
    ) -> impl Iterator<Item = (&'a str, impl Iterator<Item = Cow<'a, str>>)> {
        let captured = self.0.as_deref().unwrap_or_default();
        captured.chunk_by(|one, next| one.0 == next.0).filter_map(move |group| {
            let (name, _) = group.first()?;
            let values = group.iter();
            let shown = values.map(|(name, value)| bounded(redaction.header_value(name, value)));
            Some((name.as_str(), shown))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_headers_are_kept_with_all_their_values_and_secrets_are_hidden() {
        let mut names = HeaderNames::default();
        for name in ["X-Tag", "authorization", "x-absent", "x-tag", "x-marked"] {
            names.add("request_header", name).unwrap();
        }
        let mut headers = HeaderMap::new();
        headers.append("x-tag", "one".parse().unwrap());
        headers.append("x-other", "not listed".parse().unwrap());
        headers.append("x-tag", HeaderValue::from_bytes(b"t\xffwo\"").unwrap());
        headers.append("authorization", "Bearer abc".parse().unwrap());
        let mut marked: HeaderValue = "hush".parse().unwrap();
        marked.set_sensitive(true);
        headers.append("x-marked", marked);
        let captured = names.capture(&headers);
        let redaction = Redaction::default();
        let shown = captured.shown(&redaction);
        let shown: Vec<(&str, Vec<_>)> = shown.map(|(name, v)| (name, v.collect())).collect();
        let expected = [
            ("x-tag", vec!["one", "t\u{fffd}wo\""]),
            ("authorization", vec!["REDACTED"]),
            ("x-marked", vec!["REDACTED"]),
        ];
        assert_eq!(shown, expected.map(|(n, v)| (n, v.into_iter().map(Cow::from).collect())));
        assert_eq!(names.capture(&HeaderMap::new()).shown(&redaction).count(), 0);
    }

    #[test]
    fn bad_names_are_named() {
        for name in ["", "two words", "x\n", "é"] {
            let error = HeaderNames::default().add("response_header", name).unwrap_err();
            assert_eq!((error.field(), error.value()), ("response_header", name));
        }
    }
}
