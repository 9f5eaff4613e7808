//! Which IDs of requests a server takes over.

use std::fmt;
use std::sync::Arc;

use http::request;

use crate::caller::{TrustedProxies, peer_address};
use crate::config::ConfigError;

/// Which IDs of requests a server takes over. Only valid ones ever are.
#[derive(Clone, Debug, Default)]
pub struct Incoming(Trust);

#[derive(Clone, Default)]
enum Trust {
    Never,
    #[default]
    Always,
    Peers(TrustedProxies),
    When(Arc<dyn Fn(&request::Parts) -> bool + Send + Sync>),
}

impl Incoming {
    /// None: every exchange gets an ID of our own.
    #[must_use]
    pub fn never() -> Self {
        Self(Trust::Never)
    }

    /// Every valid one; the default. Whoever reaches the server can choose the ID of its request.
    #[must_use]
    pub fn always() -> Self {
        Self(Trust::Always)
    }

    /// Those of requests whose peer, the other end of the connection, is in one of `networks`: in
    /// CIDR notation (RFC 4632, RFC 4291) or single addresses, as [`TrustedProxies::new`] reads
    /// them.
    ///
    /// A peer that the server does not tell of is not trusted; see
    /// [`peer_address`]. With axum, serve
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first entry that is neither, an empty one included.
    pub fn peers<I, S>(networks: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let peers = TrustedProxies::new(networks)
            .map_err(|error| error.in_field("request_id.incoming.peers"))?;
        Ok(Self(Trust::Peers(peers)))
    }

    /// Those of requests whose peer is one of `proxies`, the same that
    /// [`caller`](crate::caller) believes.
    #[must_use]
    pub fn proxies(proxies: TrustedProxies) -> Self {
        Self(Trust::Peers(proxies))
    }

    /// Those of requests of which `trusted` says so; it is asked only when there is a valid ID.
    #[must_use]
    pub fn when(trusted: impl Fn(&request::Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Trust::When(Arc::new(trusted)))
    }

    pub(super) fn trusts(&self, head: &request::Parts) -> bool {
        match &self.0 {
            Trust::Never => false,
            Trust::Always => true,
            Trust::Peers(peers) => {
                peer_address(&head.extensions).is_some_and(|peer| peers.trusts(peer.ip()))
            }
            Trust::When(trusted) => trusted(head),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("Never"),
            Self::Always => f.write_str("Always"),
            Self::Peers(peers) => f.debug_tuple("Peers").field(peers).finish(),
            Self::When(_) => f.write_str("When(..)"),
        }
    }
}
