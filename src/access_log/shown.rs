//! What may be shown of a request, by the redaction policy.

use std::borrow::Cow;

use http::HeaderValue;
use http::header::USER_AGENT;

use crate::redact::{REDACTED, Redaction};

/// A redaction policy, with short cuts for what most requests do not have.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    redaction: Redaction,
    hides_agents: bool,
}

impl Shown {
    pub(super) fn new(redaction: Redaction) -> Self {
        let any = HeaderValue::from_static("");
        let hides_agents = redaction.hides_header(&USER_AGENT, &any);
        Self { redaction, hides_agents }
    }

    pub(super) fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// Hands the path to `out`, without the secrets in it.
    #[inline]
    pub(super) fn write_path(&self, path: &str, out: &mut impl FnMut(&str)) {
        // a segment such as `;token=x`, an encoded one, or another URL
        if may_hide(path) {
            self.redaction.write_query(path, out);
        } else {
            out(path);
        }
    }

    /// The user agent, as the policy shows any header.
    #[inline]
    pub(super) fn agent<'a>(&self, agent: &'a HeaderValue) -> Cow<'a, str> {
        if self.hides_agents || agent.is_sensitive() {
            return Cow::Borrowed(REDACTED);
        }
        match std::str::from_utf8(agent.as_bytes()) {
            Ok(text) if !may_hide(text) => Cow::Borrowed(text),
            _ => self.redaction.header_value(&USER_AGENT, agent),
        }
    }
}

/// Whether a text can have anything in it that a policy hides: a key before `=`, one in quotes
/// before a colon, an encoded part, or userinfo. Looks at every byte, without a branch for each.
fn may_hide(text: &str) -> bool {
    let marks = |byte: u8| {
        u8::from(byte == b'=')
            | u8::from(byte == b'%')
            | u8::from(byte == b'@')
            | u8::from(byte == b'"')
            | u8::from(byte == b'\'')
    };
    text.bytes().fold(0, |marked, byte| marked | marks(byte)) != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(redaction: Redaction, agent: &HeaderValue) -> String {
        Shown::new(redaction).agent(agent).into_owned()
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
                let mut path = String::new();
                Shown::new(redaction.clone()).write_path(&text, &mut |piece| path.push_str(piece));
                prop_assert_eq!(path, redaction.query(&text));
            }
        }
    }
}
