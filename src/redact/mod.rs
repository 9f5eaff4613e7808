//! One policy for what is a secret, that serves logs, spans, dumps and Sentry.
//!
//! Secure by default: [`Redaction::default`] hides the credentials it knows by name, and opening up
//! is explicit. A name is matched whole, and without regard to case and separators: `apiKey`,
//! `API-KEY` and `api_key` are one name, while `code` does not hide `country_code`. The segments of
//! `user[password]` and `user.password` are names too.
//!
//! What tells words apart is `-`, `_`, a space and camel case, and by words, not by letters, more
//! is hidden:
//!
//! - A leading `x` is ignored: `x-session-id` is hidden as `session-id` is.
//! - Of the built-in names, those that mean nothing else hide what ends in them: `password`,
//!   `passwd`, `passphrase`, `secret`, `token`, `api-key`, `private-key`, `access-key`,
//!   `authorization`, `credential`, `credentials`, `signature` and `jwt`. So `user_password`,
//!   `githubToken` and `x-client-secret` are hidden, while `token_count` and `csrftokenizer` are
//!   not. A `page_token` that is no secret is shown by `allow_key("page_token")`.
//!
//! ```
//! use tower_observability::redact::Redaction;
//!
//! let redaction = Redaction::default().key("card_number")?.allow_key("code")?;
//!
//! assert_eq!(redaction.query("page=2&cardNumber=4111"), "page=2&cardNumber=REDACTED");
//! assert_eq!(redaction.query("code=42"), "code=42");
//! assert_eq!(
//!     redaction.url("https://bob:hunter2@example.com/in?token=abc"),
//!     "https://REDACTED:REDACTED@example.com/in?token=REDACTED",
//! );
//! # Ok::<(), tower_observability::config::ConfigError>(())
//! ```
//!
//! When in doubt, it hides. A key is matched as it stands and as it is after one and after two
//! percent-decodings; it counts as secret where it is not cleanly encoded or is not UTF-8. A value
//! that holds another URL, query or JSON text is looked into; one that is encoded is hidden whole
//! where a part of it would be. Where `;` may or may not separate two pairs, both readings are
//! honoured.
//!
//! The built-in names are those that OpenTelemetry's semantic conventions redact from URLs, the
//! parameters of OAuth 2.0 (RFC 6749, 7636, 7523, 8628, 8693), and the headers and keys that
//! frameworks and clouds use for credentials. Session identifiers are among them, as OWASP's
//! logging guide asks.
//!
//! What it cannot do: know a secret that has no name, such as `/reset/8f3a` in a path or a token in
//! the middle of a sentence, or one whose name it was not told. Escaping is not its work either:
//! see [`escape`](crate::escape).

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, LazyLock},
};

use http::{HeaderName, HeaderValue};

use crate::config::ConfigError;

use self::{
    names::Names,
    scan::{Found, Scan},
    setting::{header_name, key_name},
};

mod built_in;
mod names;
mod percent;
mod scan;
mod set;
mod setting;
#[cfg(test)]
mod tests;
mod userinfo;

/// What stands in the place of a secret.
pub const REDACTED: &str = "REDACTED";

/// The policy: which headers, keys and parts of a URL are secrets. A clone is cheap and shares it.
#[derive(Clone)]
pub struct Redaction {
    policy: Arc<Policy>,
}

#[derive(Clone)]
struct Policy {
    headers: Names,
    keys: Names,
    userinfo: bool,
}

impl Policy {
    fn is_off(&self) -> bool {
        self.keys.is_empty() && !self.userinfo
    }
}

impl Default for Redaction {
    /// Hides the built-in names, as headers and as keys, and the userinfo of URLs.
    fn default() -> Self {
        static DEFAULT: LazyLock<Redaction> = LazyLock::new(|| {
            let names = Names::new(built_in::NAMES, built_in::ENDINGS);
            let policy = Policy { headers: names.clone(), keys: names, userinfo: true };
            Redaction { policy: Arc::new(policy) }
        });
        DEFAULT.clone()
    }
}

impl Redaction {
    /// Hides nothing but the header values that are [marked as
    /// sensitive](HeaderValue::is_sensitive): credentials reach the logs. Names can be added to it;
    /// the userinfo of URLs stays visible.
    #[must_use]
    pub fn none() -> Self {
        let policy = Policy { headers: Names::default(), keys: Names::default(), userinfo: false };
        Redaction { policy: Arc::new(policy) }
    }

    /// Hides a header too.
    ///
    /// # Errors
    ///
    /// When `name` cannot be a header's name (RFC 9110, section 5.6.2), or has no letter and no
    /// digit.
    pub fn header(mut self, name: &str) -> Result<Self, ConfigError> {
        let name = header_name(name)?;
        Arc::make_mut(&mut self.policy).headers.insert(name);
        Ok(self)
    }

    /// Hides the values of a key too: of a query, a form, a JSON object. A name such as `user.id`
    /// is that of `user.id`, `user[id]` and `userId`, and does not hide `id`.
    ///
    /// # Errors
    ///
    /// When `name` has no letter and no digit.
    pub fn key(mut self, name: &str) -> Result<Self, ConfigError> {
        let name = key_name(name)?;
        Arc::make_mut(&mut self.policy).keys.insert(name);
        Ok(self)
    }

    /// Shows a header that was hidden. A value that is marked as sensitive stays hidden.
    ///
    /// # Errors
    ///
    /// As [`header`](Self::header).
    pub fn allow_header(mut self, name: &str) -> Result<Self, ConfigError> {
        let name = header_name(name)?;
        Arc::make_mut(&mut self.policy).headers.remove(name);
        Ok(self)
    }

    /// Shows the values of a key that was hidden. It is the name that is shown again, wherever it
    /// is a whole key or a segment of one: `user[token]` is shown by `allow_key("token")`, and
    /// `allow_key("user[token]")` shows nothing.
    ///
    /// # Errors
    ///
    /// As [`key`](Self::key).
    pub fn allow_key(mut self, name: &str) -> Result<Self, ConfigError> {
        let name = key_name(name)?;
        Arc::make_mut(&mut self.policy).keys.remove(name);
        Ok(self)
    }

    /// Whether the value of a header is a secret: by the header's name, or because the value is
    /// marked as sensitive.
    #[must_use]
    pub fn hides_header(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        value.is_sensitive() || self.policy.headers.hide(name.as_str().as_bytes())
    }

    /// What may be shown of a header's value: [`REDACTED`] for a secret, and else the value without
    /// the secrets of URLs in it, as in `Location` and `Referer`. What is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn header_value<'a>(&self, name: &HeaderName, value: &'a HeaderValue) -> Cow<'a, str> {
        if self.hides_header(name, value) {
            return Cow::Borrowed(REDACTED);
        }
        match String::from_utf8_lossy(value.as_bytes()) {
            Cow::Borrowed(text) => replaced(text, Scan::prose(&self.policy, text)),
            Cow::Owned(text) => {
                Cow::Owned(replaced(&text, Scan::prose(&self.policy, &text)).into_owned())
            }
        }
    }

    /// Whether the value under a key is a secret, as in a JSON object. The key may be
    /// percent-encoded; for whole queries and form bodies, [`query`](Self::query) judges more
    /// strictly. It is not meant for dotted names that are not data: `code` is a segment of
    /// `code.function.name`.
    #[must_use]
    pub fn hides_key(&self, key: &str) -> bool {
        let keys = &self.policy.keys;
        if keys.hide(key.as_bytes()) {
            return true;
        }
        if !key.contains('%') {
            return false;
        }
        let mut decoded = key.as_bytes().to_vec();
        (0..2).any(|_| {
            let length = percent::decode(&mut decoded).length;
            decoded.truncate(length);
            keys.hide(&decoded)
        })
    }

    /// A query string, or a form body, without the values of the keys that are hidden; such a value
    /// ends at the next `&`. Everything else is kept byte for byte, and the text is borrowed where
    /// nothing is hidden.
    #[must_use]
    pub fn query<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        replaced(raw, Scan::query(&self.policy, raw))
    }

    /// What a program says, such as an error: as [`query`](Self::query), and the last word in front of a `=`
    /// may be the key.
    #[cfg(any(
        feature = "access-log",
        feature = "health",
        feature = "live",
        feature = "sentry",
        feature = "trace"
    ))]
    pub(crate) fn text<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        replaced(raw, Scan::text(&self.policy, raw))
    }

    /// Whether a query can be told at a glance to have nothing to hide: it is made of plain keys and
    /// values, as most are, and none of the keys is hidden. It needs no escape then.
    #[cfg(any(feature = "access-log", all(test, feature = "trace")))]
    pub(crate) fn shows(&self, query: &str) -> bool {
        let bytes = query.as_bytes();
        if !scan::is_plain(bytes) {
            return false;
        }
        let mut start = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if byte != b'=' && byte != b'&' {
                continue;
            }
            let piece = bytes.get(start..at).unwrap_or_default();
            if byte == b'=' && self.policy.keys.hide(piece) {
                return false;
            }
            start = at + 1;
        }
        true
    }

    /// Hands what [`query`](Self::query) returns to `out`, piece by piece. It does not allocate,
    /// but for keys beyond ASCII or of more than 64 bytes and for encoded parts of more than 256.
    pub fn write_query(&self, raw: &str, out: &mut impl FnMut(&str)) {
        write(raw, Scan::query(&self.policy, raw), out);
    }

    /// A URL without its userinfo (RFC 3986, section 3.2.1), which becomes `REDACTED:REDACTED@`
    /// whether or not it has a password, and without the values of the hidden keys in its query, its
    /// fragment and the parameters of its path; such a value ends at the next `&`.
    #[must_use]
    pub fn url<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        replaced(raw, Scan::url(&self.policy, raw))
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("headers", &format_args!("{} names", self.policy.headers.len()))
            .field("keys", &format_args!("{} names", self.policy.keys.len()))
            .field("userinfo", &self.policy.userinfo)
            .finish()
    }
}

fn replaced<'a>(raw: &'a str, mut found: impl Iterator<Item = Found>) -> Cow<'a, str> {
    let Some(first) = found.next() else {
        return Cow::Borrowed(raw);
    };
    let mut text = String::with_capacity(raw.len() + REDACTED.len());
    write(raw, std::iter::once(first).chain(found), &mut |piece| text.push_str(piece));
    Cow::Owned(text)
}

fn write(raw: &str, found: impl Iterator<Item = Found>, out: &mut impl FnMut(&str)) {
    let mut at = 0;
    for Found { range, with } in found {
        out(&raw[at..range.start]);
        out(with);
        at = range.end;
    }
    out(&raw[at..]);
}
