//! What may be shown of a request, by the redaction policy.

use std::borrow::Cow;

use http::HeaderValue;
use http::header::USER_AGENT;

use super::bound::{MAX_VALUE, bounded, cut};
use super::plain::hides_nothing;
#[cfg(any(feature = "access-log", test))]
use crate::escape;
use crate::redact::{REDACTED, Redaction};

/// A redaction policy, with short cuts for what most requests do not have.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    redaction: Redaction,
    hides_agents: bool,
    /// Tells policies apart.
    #[cfg(feature = "trace")]
    number: u32,
}

#[cfg(feature = "trace")]
static POLICIES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

impl Shown {
    pub(crate) fn new(redaction: Redaction) -> Self {
        let any = HeaderValue::from_static("");
        let hides_agents = redaction.hides_header(&USER_AGENT, &any);
        Self {
            redaction,
            hides_agents,
            #[cfg(feature = "trace")]
            number: POLICIES.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
        }
    }

    /// A number that no other policy has.
    #[cfg(feature = "trace")]
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// Hands the path to `out`, without the secrets in it.
    #[inline]
    pub(crate) fn write_path(&self, path: &str, out: &mut impl FnMut(&str)) {
        if path.len() <= MAX_VALUE && hides_nothing(path.as_bytes()) {
            out(path);
        } else {
            self.write_query(path, out);
        }
    }

    /// Appends the path to a JSON string, without the secrets in it.
    #[cfg(any(feature = "access-log", test))]
    #[inline]
    pub(crate) fn write_path_json(&self, path: &str, out: &mut Vec<u8>) {
        if path.len() <= MAX_VALUE && hides_nothing(path.as_bytes()) {
            out.extend_from_slice(path.as_bytes());
        } else {
            self.write_query(path, &mut |piece| escape::json_fragment(out, piece));
        }
    }

    /// Hands the query to `out`, without the secrets in it.
    #[inline]
    pub(crate) fn write_query(&self, query: &str, out: &mut impl FnMut(&str)) {
        if query.len() <= SHORT {
            self.redaction.write_query(query, out);
        } else {
            let shown = self.redaction.query(query);
            let (kept, mark) = cut(&shown);
            out(kept);
            out(mark);
        }
    }

    /// Appends the query to a JSON string, without the secrets in it.
    #[cfg(any(feature = "access-log", test))]
    #[inline]
    pub(crate) fn write_query_json(&self, query: &str, out: &mut Vec<u8>) {
        if query.len() <= MAX_VALUE && self.redaction.shows(query) {
            out.extend_from_slice(query.as_bytes());
        } else {
            self.write_query(query, &mut |piece| escape::json_fragment(out, piece));
        }
    }

    /// The user agent, as the policy shows any header.
    pub(crate) fn agent<'a>(&self, agent: &'a HeaderValue) -> Cow<'a, str> {
        if self.hides_agents {
            return Cow::Borrowed(REDACTED);
        }
        bounded(self.redaction.header_value(&USER_AGENT, agent))
    }

    /// The user agent, where it can be shown as it stands.
    #[cfg(feature = "trace")]
    #[inline]
    pub(crate) fn plain_agent<'a>(&self, agent: &'a HeaderValue) -> Option<&'a str> {
        if self.hides_agents || agent.is_sensitive() || agent.len() > MAX_VALUE {
            return None;
        }
        std::str::from_utf8(agent.as_bytes()).ok().filter(|text| hides_nothing(text.as_bytes()))
    }

    /// Appends the user agent to a JSON string.
    #[cfg(any(feature = "access-log", test))]
    #[inline]
    pub(crate) fn write_agent(&self, agent: &HeaderValue, out: &mut Vec<u8>) {
        let bytes = agent.as_bytes();
        let shown = !self.hides_agents && !agent.is_sensitive() && bytes.len() <= MAX_VALUE;
        if shown && hides_nothing(bytes) {
            out.extend_from_slice(bytes);
        } else {
            escape::json_fragment(out, &self.agent(agent));
        }
    }
}

/// A text up to this length is within the bound whatever replaces its secrets: the shortest thing
/// that is replaced, an empty userinfo after `//`, grows to 20 bytes from 3.
const SHORT: usize = MAX_VALUE / 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(redaction: Redaction, agent: &HeaderValue) -> String {
        let shown = Shown::new(redaction);
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        shown.write_agent(agent, &mut out);
        escape::json_fragment(&mut expected, &shown.agent(agent));
        assert_eq!(out, expected);
        shown.agent(agent).into_owned()
    }

    #[test]
    fn agents_that_are_hidden() {
        let agent = HeaderValue::from_static("bot/1");
        assert_eq!(shown(Redaction::default(), &agent), "bot/1");
        assert_eq!(shown(Redaction::default().header("user-agent").unwrap(), &agent), REDACTED);
        let mut marked = agent;
        marked.set_sensitive(true);
        assert_eq!(shown(Redaction::none(), &marked), REDACTED);
    }

    proptest! {
        /// Long or short, a text that grows as its secrets are hidden stays within the bound.
        #[test]
        fn what_is_shown_is_bounded(
            secret in prop_oneof![Just("//@"), Just("//u@"), Just("a=&"), Just("?a="), Just("é&")],
            rest in "[a-z=&/@?%]{0,8}",
            times in 1..900usize,
        ) {
            let redaction = Redaction::default().key("a").unwrap();
            let text = format!("{secret}{rest}").repeat(times);
            let shown = Shown::new(redaction.clone());
            let (mut path, mut query) = (String::new(), String::new());
            shown.write_path(&text, &mut |piece| path.push_str(piece));
            shown.write_query(&text, &mut |piece| query.push_str(piece));
            let expected = bounded(redaction.query(&text));
            prop_assert!(expected.len() <= MAX_VALUE);
            let (mut json, mut escaped) = (Vec::new(), Vec::new());
            shown.write_path_json(&text, &mut json);
            escape::json_fragment(&mut escaped, &expected);
            prop_assert_eq!(json, escaped);
            prop_assert_eq!(&path, &expected);
            prop_assert_eq!(&query, &expected);
        }

        /// A query that is shown at a glance is shown as the policy itself would.
        #[test]
        fn short_cuts_of_queries_change_nothing(
            query in "((a|q|token|x-token|pageToken|sig|[a-zA-Z0-9+,._~-]{0,20})[=&;:%/?]{0,2}){0,6}",
            is_off in any::<bool>(),
        ) {
            let redaction = if is_off { Redaction::none() } else { Redaction::default() };
            let shown = Shown::new(redaction.clone());
            let (mut json, mut escaped) = (Vec::new(), Vec::new());
            shown.write_query_json(&query, &mut json);
            escape::json_fragment(&mut escaped, &redaction.query(&query));
            prop_assert_eq!(json, escaped);
        }

        /// The short cuts show what the policy itself would.
        #[test]
        fn short_cuts_change_nothing(
            agent in prop::collection::vec(prop_oneof![
                0x20..0x7fu8, Just(b'='), Just(b'/'), Just(b':'), 0x80..=0xffu8,
            ], 0..30),
            key in "(token|sig|\\PC{0,5})",
            rest in "([;:=/@?&#\"'%]{0,3}[a-z0-9 ]{0,4}){0,4}",
        ) {
            for bytes in [agent, format!("{key}{rest}").into_bytes()] {
                let Ok(value) = HeaderValue::from_bytes(&bytes) else { continue };
                let redaction = Redaction::default();
                let expected = redaction.header_value(&USER_AGENT, &value);
                prop_assert_eq!(&shown(redaction.clone(), &value), &expected);
                let text = String::from_utf8_lossy(&bytes);
                let (mut path, mut json, mut escaped) = (String::new(), Vec::new(), Vec::new());
                let shown = Shown::new(redaction.clone());
                shown.write_path(&text, &mut |piece| path.push_str(piece));
                shown.write_path_json(&text, &mut json);
                let expected = redaction.query(&text);
                escape::json_fragment(&mut escaped, &expected);
                prop_assert_eq!(json, escaped);
                prop_assert_eq!(path, expected);
            }
        }
    }
}
