//! The scheme of a request, as a label.

use http::request;

use crate::caller::{TrustedProxies, peer_address};
use crate::classify::Side;
use crate::message::method::OTHER;
use crate::message::server;

/// Bounded, as HTTP/2 lets a caller write anything for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::metrics) enum Scheme {
    Http,
    Https,
    Other,
}

impl Scheme {
    pub(in crate::metrics) const ALL: [Self; 3] = [Self::Http, Self::Https, Self::Other];

    /// That of a request, `http` where it names none.
    #[inline]
    pub(in crate::metrics) fn of(
        head: &request::Parts,
        side: Side,
        proxies: Option<&TrustedProxies>,
    ) -> Self {
        let forwarded = proxies.filter(|_| side == Side::Server).and_then(|proxies| {
            let peer = peer_address(&head.extensions).map(|peer| peer.ip());
            proxies.forwarded_proto(peer, &head.headers)
        });
        if let Some(forwarded) = forwarded {
            return Self::named(forwarded.as_str());
        }
        server::scheme(&head.uri).map_or(Self::Http, |scheme| Self::named(scheme.as_str()))
    }

    fn named(name: &str) -> Self {
        match name {
            "http" => Self::Http,
            "https" => Self::Https,
            _ => Self::Other,
        }
    }

    pub(in crate::metrics) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Other => OTHER,
        }
    }
}
