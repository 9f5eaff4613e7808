//! How a request names its server and its resource.

use http::uri::Authority;
use http::{HeaderValue, Uri, request};

#[cfg(feature = "access-log")]
use super::bound::MAX_VALUE;
use super::plain::hides_nothing;
#[cfg(feature = "access-log")]
use super::server::is_name;
use super::server::{Server, is_host, without_brackets};
use crate::classify::Side;

/// How a request names its server.
pub(crate) enum Asked {
    /// In its URI: absolute, or with HTTP/2's `:authority`.
    Authority(Authority),
    Host(HeaderValue),
    Nowhere,
}

impl Asked {
    #[cfg(feature = "trace")]
    #[inline]
    pub(crate) fn by(head: &request::Parts, side: Side) -> Self {
        Self::with(head, side, || head.headers.get(http::header::HOST))
    }

    /// The same, given how to find the Host header.
    #[inline]
    pub(crate) fn with<'a>(
        head: &'a request::Parts,
        side: Side,
        host: impl FnOnce() -> Option<&'a HeaderValue>,
    ) -> Self {
        if let Some(authority) = head.uri.authority() {
            return Self::Authority(authority.clone());
        }
        // a client's transport has not written the header yet, or sends it elsewhere
        let host = if side == Side::Server { host() } else { None };
        host.map_or(Self::Nowhere, |host| Self::Host(host.clone()))
    }

    /// The server where its name is all that the request says of it, which needs no escape.
    #[cfg(feature = "access-log")]
    #[inline]
    pub(crate) fn plain_name(&self) -> Option<&[u8]> {
        let Self::Host(value) = self else { return None };
        Some(value.as_bytes()).filter(|name| name.len() <= MAX_VALUE && is_name(name))
    }

    /// The server, as the request names it.
    pub(crate) fn server(&self) -> Option<Server<'_>> {
        match self {
            Self::Authority(authority) => Server::of(authority),
            Self::Host(value) => Server::parse(value.as_bytes()),
            Self::Nowhere => None,
        }
    }
}

impl<'a> Server<'a> {
    /// Reads the value of a Host header (RFC 9110, section 7.2). `None` where it cannot be a host: a
    /// userinfo, for one, or what may hold a secret.
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let colon = value.iter().rposition(|byte| *byte == b':');
        let value = std::str::from_utf8(value).ok().filter(|_| hides_nothing(value))?;
        let (host, port) = match colon.and_then(|at| value.split_at_checked(at)) {
            Some((host, port)) if !port.ends_with(']') => (host, port.get(1..)?.parse().ok()),
            _ => (value, None),
        };
        let address = without_brackets(host);
        let is_bare_v6 = colon.is_some() && address.len() == host.len() && host.contains(':');
        (is_host(address) && !is_bare_v6).then_some(Self { address, port })
    }
}

/// The URI as the server was asked for it; inside of axum's `Router::nest`, the request has only
/// the rest of it.
#[inline]
pub(crate) fn whole_uri(head: &request::Parts, side: Side) -> &Uri {
    match side {
        Side::Server => original_uri(head).unwrap_or(&head.uri),
        // a request that is sent on may bring along the URI that was received
        Side::Client => &head.uri,
    }
}

#[cfg(feature = "axum")]
#[inline]
fn original_uri(head: &request::Parts) -> Option<&Uri> {
    head.extensions.get::<axum::extract::OriginalUri>().map(|original| &original.0)
}

/// Without the `axum` feature nothing is known of nested routers.
#[cfg(not(feature = "axum"))]
fn original_uri(_: &request::Parts) -> Option<&Uri> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_or_left_out() {
        let read = |value: &'static str| {
            Server::parse(value.as_bytes()).map(|server| (server.address.to_owned(), server.port))
        };
        let host = |address: &str, port| Some((address.to_owned(), port));
        assert_eq!(read("shop.example.com"), host("shop.example.com", None));
        assert_eq!(read("localhost:8080"), host("localhost", Some(8080)));
        assert_eq!(read("[2001:db8::1]:443"), host("2001:db8::1", Some(443)));
        assert_eq!(read("[::1]"), host("::1", None));
        assert_eq!(read("host:"), host("host", None));
        assert_eq!(read("host:99999"), host("host", None));
        for none in ["", ":80", "::1", "bob:pass@host", "a?token=b", "\"", "[]", "é", "a b", "x/y"]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
