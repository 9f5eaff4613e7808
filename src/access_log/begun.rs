//! What is kept of a request until its line is written.

use std::net::IpAddr;

use http::header::{HOST, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri, Version, request};

use super::AccessLog;
use super::headers::Captured;
use super::shown::hides_nothing;
use crate::caller::{ForwardedScheme, peer_address};
use crate::classify::Side;

/// What is kept of a request: clones that share their memory.
pub(super) struct Begun {
    pub(super) path_and_query: Option<PathAndQuery>,
    pub(super) scheme: Option<Scheme>,
    asked: Asked,
    pub(super) client_address: Option<IpAddr>,
    pub(super) user_agent: Option<HeaderValue>,
    pub(super) version: Version,
    pub(super) request_headers: Captured,
    pub(super) response_headers: Captured,
}

/// How a request names its server.
enum Asked {
    /// In its URI: absolute, or with HTTP/2's `:authority`.
    Authority(Authority),
    Host(HeaderValue),
    Nowhere,
}

/// A server, as it was asked for.
pub(super) struct Server<'a> {
    /// Without the brackets of an IPv6 address.
    pub(super) address: &'a str,
    pub(super) port: Option<u16>,
}

impl Begun {
    #[inline]
    pub(super) fn of(log: &AccessLog, head: &request::Parts, side: Side) -> Self {
        let mut scheme = head.uri.scheme().cloned();
        let mut client_address = None;
        if side == Side::Server {
            let peer = peer_address(&head.extensions).map(|address| address.ip());
            let client = log.proxies.client_address(peer, &head.headers);
            client_address = client.map(|address| address.to_canonical());
            scheme = match log.proxies.forwarded_proto(peer, &head.headers) {
                Some(ForwardedScheme::Http) => Some(Scheme::HTTP),
                Some(ForwardedScheme::Https) => Some(Scheme::HTTPS),
                None => scheme,
            };
        }
        Self {
            path_and_query: whole_uri(head, side).path_and_query().cloned(),
            scheme,
            asked: Asked::by(head, side),
            client_address,
            user_agent: head.headers.get(USER_AGENT).cloned(),
            version: head.version,
            request_headers: log.request_headers.capture(&head.headers),
            response_headers: Captured::default(),
        }
    }

    /// The server, as the request names it.
    pub(super) fn server(&self) -> Option<Server<'_>> {
        match &self.asked {
            Asked::Authority(authority) => Some(Server {
                address: without_brackets(authority.host()),
                port: authority.port_u16(),
            }),
            Asked::Host(value) => Server::parse(value.as_bytes()),
            Asked::Nowhere => None,
        }
    }
}

impl Asked {
    #[inline]
    fn by(head: &request::Parts, side: Side) -> Self {
        if let Some(authority) = head.uri.authority() {
            return Self::Authority(authority.clone());
        }
        // a client's transport has not written the header yet, or sends it elsewhere
        let host = if side == Side::Server { head.headers.get(HOST) } else { None };
        host.map_or(Self::Nowhere, |host| Self::Host(host.clone()))
    }
}

impl<'a> Server<'a> {
    /// Reads the value of a Host header (RFC 9110, section 7.2). `None` where it cannot be a host: a
    /// userinfo, for one, or what may hold a secret.
    fn parse(value: &'a [u8]) -> Option<Self> {
        let colon = value.iter().rposition(|byte| *byte == b':');
        let value = std::str::from_utf8(value).ok().filter(|_| hides_nothing(value))?;
        let (host, port) = match colon.and_then(|at| value.split_at_checked(at)) {
            Some((host, port)) if !port.ends_with(']') => (host, port.get(1..)?.parse().ok()),
            _ => (value, None),
        };
        let address = without_brackets(host);
        let is_bare_v6 = colon.is_some() && address.len() == host.len() && host.contains(':');
        (!address.is_empty() && !is_bare_v6).then_some(Self { address, port })
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The URI as the server was asked for it; inside of axum's `Router::nest`, the request has only
/// the rest of it.
#[inline]
pub(super) fn whole_uri(head: &request::Parts, side: Side) -> &Uri {
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
        for none in ["", ":80", "::1", "bob:pass@host", "a?token=b", "\"", "[]", "é"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
