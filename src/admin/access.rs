//! Who may do what.

use std::fmt;

use http::HeaderValue;
use http::request::Parts;

/// What a request to an [`Admin`](super::Admin) is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Ask whether the process is well. Open by custom: orchestrators send no credentials.
    Probe,
    /// Collect metrics. Open by custom.
    Scrape,
    /// Look at what the process does, which may be confidential.
    Read,
    /// Change what the process does.
    Change,
}

impl Access {
    /// Whether this is open where nobody decided otherwise: [`Probe`](Self::Probe) and
    /// [`Scrape`](Self::Scrape) are, [`Read`](Self::Read) and [`Change`](Self::Change) are not.
    #[must_use]
    pub fn is_open_by_default(self) -> bool {
        matches!(self, Self::Probe | Self::Scrape)
    }

    /// Its name, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Scrape => "scrape",
            Self::Read => "read",
            Self::Change => "change",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an [`Authorizer`] says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// It may, and this is who asks: told in the audit event of a change.
    AllowAs(String),
    /// It has no credentials that can be used: 401, with this challenge as `WWW-Authenticate`
    /// ([RFC 9110, section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)).
    Unauthorized {
        /// Which credentials would do, such as `Bearer realm="admin"`.
        challenge: HeaderValue,
    },
    /// Whoever asks may not: 403.
    Forbidden,
}

/// Decides who may do what.
///
/// It is asked about every request to an endpoint, [`Probe`](Access::Probe) and
/// [`Scrape`](Access::Scrape) included; the ready ones, [`Closed`] and
/// [`BearerToken`](super::BearerToken), leave those open. A closure is one, too:
///
/// ```
/// use http::request::Parts;
/// use tower_observability::admin::{Access, Admin, Decision};
///
/// // a listener that only operators reach: all may look, none may change
/// let admin = Admin::builder(|_: &Parts, access| match access {
///     Access::Change => Decision::Forbidden,
///     _ => Decision::Allow,
/// });
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Decides about a request of this head.
    fn decide(&self, head: &Parts, access: Access) -> Decision;
}

impl<F> Authorizer for F
where
    F: Fn(&Parts, Access) -> Decision + Send + Sync + 'static,
{
    fn decide(&self, head: &Parts, access: Access) -> Decision {
        self(head, access)
    }
}

/// Leaves [`Probe`](Access::Probe) and [`Scrape`](Access::Scrape) open and forbids the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed;

impl Authorizer for Closed {
    fn decide(&self, _: &Parts, access: Access) -> Decision {
        if access.is_open_by_default() { Decision::Allow } else { Decision::Forbidden }
    }
}
