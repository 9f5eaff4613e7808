//! The client's address, found behind the configured proxies only.
//!
//! A server behind a proxy sees the proxy as its peer; the client's address is in a header which
//! the proxy wrote. Anybody can write that header, so it counts only as far as a chain of trusted
//! proxies vouches for it: the header is read when the peer itself is trusted, from its right end,
//! where the peer added what it saw, and to the left only while each address is a trusted proxy's.
//!
//! # One header, by choice
//!
//! Proxies report the client in `X-Forwarded-For` or in `Forwarded` (RFC 7239). Most maintain one
//! of the two and hand the other on as the client sent it. Preferring whichever is present would
//! let a client behind a proxy that only appends to `X-Forwarded-For` choose its own address by
//! sending a `Forwarded` header. So only the header named by [`TrustedProxies::read`] is read,
//! ever, whether or not the other one is there; name the one that *your* proxies write.
//!
//! # Example
//!
//! ```
//! use std::net::IpAddr;
//! use http::HeaderMap;
//! use tower_observability::caller::TrustedProxies;
//!
//! let proxies = TrustedProxies::new(["10.0.0.0/8", "::1"])?;
//! let mut headers = HeaderMap::new();
//! // The client claimed to be 192.0.2.66; the first proxy appended the address it saw.
//! headers.insert("x-forwarded-for", "192.0.2.66, 198.51.100.7, 10.0.0.2".parse()?);
//!
//! let peer: IpAddr = "10.0.0.1".parse()?;
//! let client: IpAddr = "198.51.100.7".parse()?;
//! assert_eq!(proxies.client_address(Some(peer), &headers), Some(client));
//!
//! // Headers from anybody else mean nothing.
//! let stranger: IpAddr = "203.0.113.9".parse()?;
//! assert_eq!(proxies.client_address(Some(stranger), &headers), Some(stranger));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod header;
mod network;
mod peer;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use ipnet::IpNet;

use crate::config::ConfigError;

pub use peer::{PeerAddress, peer_address};

/// The header in which the trusted proxies report the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedBy {
    /// `X-Forwarded-For` for the address and `X-Forwarded-Proto` for the scheme, the de facto
    /// standard and the default.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239), its `for` and `proto` parameters.
    Forwarded,
}

/// The scheme of the client's request, as a trusted proxy reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForwardedScheme {
    /// `http`: without TLS.
    Http,
    /// `https`: over TLS.
    Https,
}

impl ForwardedScheme {
    /// The scheme's name as URIs spell it, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The networks whose hosts are believed when they report a client, and the header they use.
///
/// The default trusts nobody, so the client is always the peer. Cloning is cheap: clones share the
/// list of networks.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    read: ForwardedBy,
}

impl TrustedProxies {
    /// The most elements of a header that are looked at, counted from the right.
    pub const MAX_ELEMENTS: usize = 32;

    /// Trusts nobody: the client is always the peer.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Trusts the hosts of `networks`, each in CIDR notation (RFC 4632, RFC 4291) such as
    /// `10.0.0.0/8` or `2001:db8::/32`, or a single address such as `::1`.
    ///
    /// Space around an entry and address bits beyond the prefix are ignored. An IPv4-mapped network
    /// (`::ffff:10.0.0.0/104`) is the IPv4 network; its prefix has at least 96 bits. An empty list
    /// trusts nobody; trusting `0.0.0.0/0` or `::/0` lets every client choose its address.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first entry that is neither, an empty one included.
    pub fn new<I, S>(networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let networks = networks
            .into_iter()
            .map(|entry| network::parse(entry.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self { networks, read: ForwardedBy::default() })
    }

    /// Trusts the hosts of the local networks: loopback (`127.0.0.0/8`, `::1`), private (RFC 1918:
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`), unique local (RFC 4193: `fc00::/7`) and
    /// link-local (RFC 3927: `169.254.0.0/16`; RFC 4291: `fe80::/10`).
    ///
    /// Suitable where only proxies can reach the server from these networks; clients inside them
    /// could choose their address.
    #[must_use]
    pub fn private() -> Self {
        Self { networks: Arc::new(network::PRIVATE), read: ForwardedBy::default() }
    }

    /// Chooses the header that the trusted proxies write; the other one is never read, for the
    /// reason given in the [module's documentation](self#one-header-by-choice).
    #[must_use]
    pub fn read(self, header: ForwardedBy) -> Self {
        Self { read: header, ..self }
    }

    /// Whether `address` is that of a trusted proxy; an IPv4-mapped IPv6 address (RFC 4291,
    /// section 2.5.5.2) is treated as the IPv4 address.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|known| known.contains(&address))
    }

    /// The address of the client whose request arrived from `peer` with `headers`.
    ///
    /// That is the peer, unless the peer is a trusted proxy: then it is the first address from the
    /// right of the header that is not itself a trusted proxy's, or the leftmost when all are. The
    /// lines of a repeated header form one list (RFC 9110, section 5.3).
    ///
    /// The walk ends early at an element that names no address: a malformed or empty one, one
    /// without `for`, `unknown` or an obfuscated identifier (RFC 7239, section 6). Nothing vouches
    /// for what is left of it, so the answer is the last address before it, at worst the peer's.
    /// Empty elements are not skipped as in other lists (RFC 9110, section 5.6.1), for the same
    /// reason: a proxy that had no address to report may have written them. The walk also
    /// ends after [`MAX_ELEMENTS`](Self::MAX_ELEMENTS) elements.
    ///
    /// `X-Forwarded-For` may hold IPv4 addresses, with or without a port, and IPv6 addresses, bare
    /// or in brackets, with a port only in brackets. `Forwarded` is read as RFC 7239 defines it:
    /// IPv6 addresses need brackets. Quotes around a value with colons or brackets may be missing.
    ///
    /// An address is returned as it was written; [`IpAddr::to_canonical`] gives IPv4 clients of a
    /// dual-stack socket a single spelling. `None` means that the peer is unknown, which is also
    /// not trusted.
    #[must_use]
    pub fn client_address(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?;
        if !self.trusts(peer) {
            return Some(peer);
        }
        Some(match self.read {
            ForwardedBy::XForwardedFor => self.walk_x_forwarded_for(peer, headers),
            ForwardedBy::Forwarded => self.walk_forwarded(peer, headers).0,
        })
    }

    /// The scheme of the client's request, when `peer` is a trusted proxy that reported `http` or
    /// `https` in any case; otherwise `None`.
    ///
    /// In `Forwarded` it is the `proto` of the leftmost well-formed element that a trusted proxy
    /// wrote, the one at which [`client_address`](Self::client_address) ends its walk. The elements
    /// of `X-Forwarded-Proto` belong to no address, so it is the rightmost one, the only one that
    /// the peer itself wrote.
    #[must_use]
    pub fn forwarded_proto(
        &self,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Option<ForwardedScheme> {
        let peer = peer.filter(|peer| self.trusts(*peer))?;
        match self.read {
            ForwardedBy::XForwardedFor => {
                header::list(headers, &header::X_FORWARDED_PROTO).next().and_then(header::scheme)
            }
            ForwardedBy::Forwarded => self.walk_forwarded(peer, headers).1,
        }
    }

    fn walk_x_forwarded_for(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        for element in header::list(headers, &header::X_FORWARDED_FOR).take(Self::MAX_ELEMENTS) {
            let Some(address) = header::address(element) else {
                break;
            };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn walk_forwarded(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> (IpAddr, Option<ForwardedScheme>) {
        let (mut client, mut scheme) = (peer, None);
        for element in header::forwarded(headers).take(Self::MAX_ELEMENTS) {
            let Some(element) = header::Element::parse(element) else {
                break;
            };
            scheme = element.proto.and_then(header::scheme);
            let Some(address) = element.node.and_then(header::node) else {
                break;
            };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        (client, scheme)
    }
}
