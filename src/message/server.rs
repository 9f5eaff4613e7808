//! How a request names its server and its resource.

use std::net::Ipv6Addr;

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri, request};

use super::plain::hides_nothing;
use crate::classify::Side;

/// How a request names its server.
pub(crate) enum Asked {
    /// In its URI: absolute, or with HTTP/2's `:authority`.
    Authority(Authority),
    Host(HeaderValue),
    Nowhere,
}

/// A server, as it was asked for.
pub(crate) struct Server<'a> {
    /// Without the brackets of an IPv6 address.
    pub(crate) address: &'a str,
    pub(crate) port: Option<u16>,
}

impl Asked {
    #[inline]
    pub(crate) fn by(head: &request::Parts, side: Side) -> Self {
        if let Some(authority) = head.uri.authority() {
            return Self::Authority(authority.clone());
        }
        // a client's transport has not written the header yet, or sends it elsewhere
        let host = if side == Side::Server { head.headers.get(HOST) } else { None };
        host.map_or(Self::Nowhere, |host| Self::Host(host.clone()))
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
    /// The server of a URI.
    pub(crate) fn of(authority: &'a Authority) -> Option<Self> {
        let address = without_brackets(authority.host());
        // `http://:80` is a URI, too
        (!address.is_empty()).then(|| Self { address, port: authority.port_u16() })
    }

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

/// The scheme that a URI names, if it names one: `://host/` is a URI, too.
pub(crate) fn scheme(uri: &Uri) -> Option<&Scheme> {
    uri.scheme().filter(|scheme| !scheme.as_str().is_empty())
}

/// Whether a text is the name or the address of a host, an IPv6 address without its brackets.
pub(crate) fn is_host(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !text.is_empty() && (text.bytes().all(is_name) || text.parse::<Ipv6Addr>().is_ok())
}

/// The port that a scheme has when none is named.
pub(crate) fn own_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

pub(crate) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
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
    fn a_scheme_is_named_or_there_is_none() {
        let named = |uri: &str| scheme(&uri.parse().unwrap()).map(|scheme| scheme.to_string());
        assert_eq!(named("https://host/").as_deref(), Some("https"));
        assert_eq!((named("/path"), named("://host/")), (None, None));
    }

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
