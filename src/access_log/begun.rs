//! What is kept of a request until its line is written.

use std::net::IpAddr;

use http::header::{HOST, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Version, request};

use super::AccessLog;
use crate::caller::{ForwardedScheme, peer_address};
use crate::classify::Side;
use crate::message::asked::{Asked, whole_uri};
use crate::message::headers::{Captured, first_values};
use crate::message::server::{self, Server};

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

impl Begun {
    #[inline]
    pub(super) fn of(log: &AccessLog, head: &request::Parts, side: Side) -> Self {
        let mut scheme = server::scheme(&head.uri).cloned();
        let mut client_address = None;
        let peer = match side {
            Side::Server => peer_address(&head.extensions).map(|address| address.ip()),
            Side::Client => None,
        };
        // nobody is believed of whom nothing is known
        if peer.is_some() {
            let client = log.proxies.client_address(peer, &head.headers);
            client_address = client.map(|address| address.to_canonical());
            scheme = match log.proxies.forwarded_proto(peer, &head.headers) {
                Some(ForwardedScheme::Http) => Some(Scheme::HTTP),
                Some(ForwardedScheme::Https) => Some(Scheme::HTTPS),
                None => scheme,
            };
        }
        let [user_agent, host] = first_values(&head.headers, [&USER_AGENT, &HOST]);
        Self {
            path_and_query: whole_uri(head, side).path_and_query().cloned(),
            scheme,
            asked: Asked::with(head, side, || host),
            client_address,
            user_agent: user_agent.cloned(),
            version: head.version,
            request_headers: log.request_headers.capture(&head.headers),
            response_headers: Captured::default(),
        }
    }

    /// The server, as the request names it.
    pub(super) fn server(&self) -> Option<Server<'_>> {
        self.asked.server()
    }

    /// The server where its name is all that the request says of it, which needs no escape.
    #[inline]
    pub(super) fn plain_server(&self) -> Option<&[u8]> {
        self.asked.plain_name()
    }
}
