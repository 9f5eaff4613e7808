//! A server by its name or address, its port and its scheme.

use std::net::Ipv6Addr;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::escape::block;

/// A server, as it was asked for.
pub(crate) struct Server<'a> {
    /// Without the brackets of an IPv6 address.
    pub(crate) address: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Server<'a> {
    /// The server of a URI.
    pub(crate) fn of(authority: &'a Authority) -> Option<Self> {
        let address = without_brackets(authority.host());
        // `http://:80` is a URI, too
        (!address.is_empty()).then(|| Self { address, port: authority.port_u16() })
    }
}

/// The scheme that a URI names, if it names one: `://host/` is a URI, too.
pub(crate) fn scheme(uri: &Uri) -> Option<&Scheme> {
    uri.scheme().filter(|scheme| !scheme.as_str().is_empty())
}

/// Whether a text is the name or the address of a host, an IPv6 address without its brackets.
pub(crate) fn is_host(text: &str) -> bool {
    is_name(text.as_bytes()) || text.parse::<Ipv6Addr>().is_ok()
}

/// Whether a text is the name of a host, or its IPv4 address.
#[inline(never)]
pub(crate) fn is_name(text: &[u8]) -> bool {
    !text.is_empty()
        && !block::any(text, |byte| {
            !(byte | 0x20).is_ascii_lowercase()
                & !byte.is_ascii_digit()
                & (byte != b'-')
                & (byte != b'.')
                & (byte != b'_')
                & (byte != b'~')
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_named_or_there_is_none() {
        let named = |uri: &str| scheme(&uri.parse().unwrap()).map(|scheme| scheme.to_string());
        assert_eq!(named("https://host/").as_deref(), Some("https"));
        assert_eq!((named("/path"), named("://host/")), (None, None));
    }
}
