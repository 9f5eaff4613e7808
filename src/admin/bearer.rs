//! Bearer tokens, as RFC 6750 has them.

use std::fmt;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;
use subtle::{Choice, ConstantTimeEq};

use super::access::{Access, Authorizer, Decision};
use crate::config::ConfigError;

/// The fewest characters of a token: 96 bits in base 64.
const LEAST: usize = 16;
/// The most characters of a token.
const MOST: usize = 256;
const ALLOWED: &str = "16 to 256 letters, digits and -._~+/, with any = at the end";

/// Opens everything to whoever knows a secret, sent as `Authorization: Bearer <token>`
/// ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
///
/// [`Probe`](Access::Probe) and [`Scrape`](Access::Scrape) need no token, unless
/// [told otherwise](Self::guard_scrape). Tokens are compared in constant time, their length included.
/// The audit events call the holder of the token `token`, that of a [reader's](Self::reader) `reader`.
///
/// ```
/// use tower_observability::admin::{Admin, BearerToken};
///
/// # let secret = "c2VjcmV0IG9mIHRoZSBvcGVyYXRvcnM=";
/// let admin = Admin::builder(BearerToken::new(secret)?).build();
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct BearerToken {
    token: Token,
    reader: Option<Token>,
    guards_scrape: bool,
}

impl BearerToken {
    /// Opens [`Read`](Access::Read) and [`Change`](Access::Change) to this token.
    ///
    /// # Errors
    ///
    /// Where the token is not 16 to 256 characters of RFC 6750's `b64token`. The error does not tell
    /// the token.
    pub fn new(token: &str) -> Result<Self, ConfigError> {
        let token = Token::new("token", token)?;
        Ok(Self { token, reader: None, guards_scrape: false })
    }

    /// As [`new`](Self::new), with the token in a variable of the environment.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and where the variable is not set or is no text; the error names the variable.
    ///
    /// ```no_run
    /// use tower_observability::admin::BearerToken;
    ///
    /// let operators = BearerToken::from_env("ADMIN_TOKEN")?;
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn from_env(variable: &'static str) -> Result<Self, ConfigError> {
        let unset = || ConfigError::new(variable, "(not set)", "a bearer token");
        let token = std::env::var(variable).map_err(|_| unset())?;
        Ok(Self { token: Token::new(variable, &token)?, reader: None, guards_scrape: false })
    }

    /// Opens [`Read`](Access::Read) to a second token, which gets 403 for a change.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn reader(self, token: &str) -> Result<Self, ConfigError> {
        Ok(Self { reader: Some(Token::new("reader", token)?), ..self })
    }

    /// Asks those who [scrape](Access::Scrape) for a token, too; either will do.
    #[must_use]
    pub fn guard_scrape(self) -> Self {
        Self { guards_scrape: true, ..self }
    }
}

impl Authorizer for BearerToken {
    fn decide(&self, head: &Parts, access: Access) -> Decision {
        if access == Access::Probe || (access == Access::Scrape && !self.guards_scrape) {
            return Decision::Allow;
        }
        let mut sent = head.headers.get_all(AUTHORIZATION).iter();
        let challenge = HeaderValue::from_static;
        let (value, None) = (sent.next(), sent.next()) else {
            // two may be read as either by whatever stands in between
            return Decision::Unauthorized { challenge: challenge(r#"Bearer realm="admin""#) };
        };
        let Some(sent) = value.and_then(|value| credentials(value.as_bytes())) else {
            return Decision::Unauthorized { challenge: challenge(r#"Bearer realm="admin""#) };
        };
        let is_token = self.token.is(sent);
        let is_reader = self.reader.as_ref().map_or(Choice::from(0), |reader| reader.is(sent));
        if is_token.into() {
            return Decision::AllowAs("token".to_owned());
        }
        match (is_reader.into(), access) {
            (true, Access::Change) => Decision::Forbidden,
            (true, _) => Decision::AllowAs("reader".to_owned()),
            (false, _) => Decision::Unauthorized {
                challenge: challenge(r#"Bearer realm="admin", error="invalid_token""#),
            },
        }
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken")
            .field("reader", &self.reader.is_some())
            .field("guards_scrape", &self.guards_scrape)
            .finish_non_exhaustive()
    }
}

/// What follows the scheme, whose case does not matter (RFC 9110, section 11.1).
fn credentials(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// A secret, filled up with zeros: no token has one, so as long as the longest they tell no length.
#[derive(Clone)]
struct Token([u8; MOST]);

impl Token {
    fn new(field: &'static str, token: &str) -> Result<Self, ConfigError> {
        let refused = || ConfigError::new(field, "(not shown)", ALLOWED);
        let without_end = token.trim_end_matches('=');
        let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        if token.len() < LEAST || without_end.is_empty() || !without_end.bytes().all(is_in) {
            return Err(refused());
        }
        filled(token.as_bytes()).map(Self).ok_or_else(refused)
    }

    fn is(&self, sent: &[u8]) -> Choice {
        match filled(sent) {
            Some(sent) => self.0.ct_eq(&sent),
            None => Choice::from(0),
        }
    }
}

/// `None` for what is longer than any token, or has a zero.
fn filled(text: &[u8]) -> Option<[u8; MOST]> {
    let mut filled = [0; MOST];
    filled.get_mut(..text.len())?.copy_from_slice(text);
    (!text.contains(&0)).then_some(filled)
}
