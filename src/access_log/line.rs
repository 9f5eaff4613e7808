//! What a line tells, before any schema has named it.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use http::header::USER_AGENT;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Version, request};
use tracing::Level;

use super::headers::{Captured, HeaderNames};
use super::json::Object;
use super::sampling::Kept;
use super::shown::Shown;
use crate::attribute::Attributes;
use crate::caller::{TrustedProxies, peer_address};
use crate::classify::{Outcome, Protocol, Side};
use crate::exchange::{End, Facts};
use crate::id::{RequestId, TraceIdentity};
use crate::route::Route;

/// What is kept of a request until its line is written: clones that share their memory.
pub(super) struct Begun {
    path_and_query: Option<PathAndQuery>,
    server: Option<Server>,
    client_address: Option<IpAddr>,
    user_agent: Option<HeaderValue>,
    version: Version,
    pub(super) request_headers: Captured,
    pub(super) response_headers: Captured,
}

/// Where a client sent its request; the authority's userinfo is never read.
struct Server {
    scheme: Option<Scheme>,
    authority: Authority,
}

impl Begun {
    #[inline]
    pub(super) fn of(
        head: &request::Parts,
        side: Side,
        proxies: &TrustedProxies,
        headers: &HeaderNames,
    ) -> Self {
        let server = match side {
            Side::Server => None,
            Side::Client => head.uri.authority().map(|authority| Server {
                scheme: head.uri.scheme().cloned(),
                authority: authority.clone(),
            }),
        };
        let client_address = match side {
            Side::Server => {
                let peer = peer_address(&head.extensions).map(|address| address.ip());
                proxies.client_address(peer, &head.headers).map(|address| address.to_canonical())
            }
            Side::Client => None,
        };
        Self {
            path_and_query: head.uri.path_and_query().cloned(),
            server,
            client_address,
            user_agent: head.headers.get(USER_AGENT).cloned(),
            version: head.version,
            request_headers: headers.capture(&head.headers),
            response_headers: Captured::default(),
        }
    }
}

/// One line: that an exchange started, or how it ended.
pub(super) struct Line<'a> {
    pub(super) facts: &'a Facts,
    pub(super) begun: &'a Begun,
    pub(super) shown: &'a Shown,
    pub(super) at: SystemTime,
    pub(super) level: Level,
    /// `None` while the exchange has only started.
    pub(super) ended: Option<Ended<'a>>,
}

/// How the exchange of a line ended.
pub(super) struct Ended<'a> {
    pub(super) end: &'a End<'a>,
    pub(super) status: Option<u16>,
    pub(super) slow: bool,
    pub(super) kept: Kept,
}

/// The status to log: as sent, or 499 where a server's peer gave up before there was one.
pub(super) fn status(end: &End<'_>) -> Option<u16> {
    let gave_up = matches!(end.outcome, Outcome::Cancelled | Outcome::DeadlineExceeded);
    match end.status {
        Some(status) => Some(status.as_u16()),
        None if gave_up && end.facts.side() == Side::Server => Some(499),
        None => None,
    }
}

/// The request ID of an exchange, or else of the one it was started in.
pub(super) fn request_id(facts: &Facts) -> Option<&RequestId> {
    lineage(facts).find_map(Facts::request_id)
}

/// The trace of an exchange, or else of the one it was started in.
pub(super) fn trace(facts: &Facts) -> Option<&TraceIdentity> {
    lineage(facts).find_map(Facts::trace)
}

/// An exchange, then the one it was started in, and so on.
pub(super) fn lineage(facts: &Facts) -> impl Iterator<Item = &Facts> {
    std::iter::successors(Some(facts), |facts| facts.parent().map(AsRef::as_ref))
}

impl<'a> Line<'a> {
    /// The same for all lines of a kind: samplers and searches key on it.
    pub(super) fn message(&self) -> &'static str {
        if self.ended.is_some() { super::ENDED } else { super::STARTED }
    }

    pub(super) fn side(&self) -> &'static str {
        match self.facts.side() {
            Side::Server => "server",
            Side::Client => "client",
        }
    }

    pub(super) fn request_id(&self) -> Option<&'a RequestId> {
        request_id(self.facts)
    }

    pub(super) fn trace(&self) -> Option<&'a TraceIdentity> {
        trace(self.facts)
    }

    /// The template of an HTTP route.
    pub(super) fn route(&self) -> Option<&'a Route> {
        self.known_route(Protocol::Http)
    }

    /// The gRPC method.
    pub(super) fn rpc_method(&self) -> Option<&'a Route> {
        self.known_route(Protocol::Grpc)
    }

    pub(super) fn path(&self) -> Option<&'a str> {
        self.begun.path_and_query.as_ref().map(PathAndQuery::path)
    }

    /// The query, unless there is none or nothing in it.
    pub(super) fn query(&self) -> Option<&'a str> {
        self.begun.path_and_query.as_ref()?.query().filter(|query| !query.is_empty())
    }

    /// The host that a client asked, without the brackets of an IPv6 address.
    pub(super) fn server_address(&self) -> Option<&'a str> {
        let host = self.begun.server.as_ref()?.authority.host();
        Some(host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host))
    }

    /// The port that a client asked, the scheme's own where it named none.
    pub(super) fn server_port(&self) -> Option<u16> {
        let server = self.begun.server.as_ref()?;
        server.authority.port_u16().or_else(|| match server.scheme.as_ref()?.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        })
    }

    /// `https://host:port`, as a client asked for it.
    pub(super) fn origin(&self) -> Option<String> {
        let server = self.begun.server.as_ref()?;
        let scheme = server.scheme.as_ref().map_or("", Scheme::as_str);
        let separator = if scheme.is_empty() { "" } else { "://" };
        let port = server.authority.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{scheme}{separator}{}{port}", server.authority.host()))
    }

    pub(super) fn client_address(&self) -> Option<IpAddr> {
        self.begun.client_address
    }

    /// As it was sent: `shown` tells what may be shown of it.
    pub(super) fn user_agent(&self) -> Option<&'a HeaderValue> {
        self.begun.user_agent.as_ref()
    }

    fn known_route(&self, of: Protocol) -> Option<&'a Route> {
        let (protocol, route) = match &self.ended {
            Some(ended) => (ended.end.protocol, ended.end.route),
            None => (self.facts.protocol(), self.facts.route()),
        };
        route.filter(|_| protocol == of)
    }

    /// `1.1`, `2`.
    pub(super) fn version(&self) -> Option<&'static str> {
        let version = match &self.ended {
            Some(ended) => ended.end.version?,
            None if self.facts.side() == Side::Server => self.begun.version,
            // what a client will speak is not known before its answer
            None => return None,
        };
        match version {
            Version::HTTP_09 => Some("0.9"),
            Version::HTTP_10 => Some("1.0"),
            Version::HTTP_11 => Some("1.1"),
            Version::HTTP_2 => Some("2"),
            Version::HTTP_3 => Some("3"),
            _ => None,
        }
    }

    /// Adds the captured headers under OpenTelemetry's names.
    pub(super) fn write_headers(&self, object: &mut Object<'_>) {
        let (request, response) = (&self.begun.request_headers, &self.begun.response_headers);
        request.write(object, REQUEST_HEADER, self.shown.redaction());
        response.write(object, RESPONSE_HEADER, self.shown.redaction());
    }

    /// What the handler said of its exchange; only the last line tells it.
    pub(super) fn with_attributes(&self, tell: impl FnOnce(&Attributes)) {
        if self.ended.is_some() {
            self.facts.with_attributes(|attributes| {
                if !attributes.is_empty() {
                    tell(attributes);
                }
            });
        }
    }
}

pub(super) const REQUEST_HEADER: &str = "http.request.header.";
pub(super) const RESPONSE_HEADER: &str = "http.response.header.";

impl<'a> Ended<'a> {
    pub(super) fn error_type(&self) -> Option<&str> {
        self.end.error_type.as_ref().map(|error| error.as_str())
    }

    pub(super) fn rpc_status(&self) -> Option<&'static str> {
        self.end.grpc_status.map(|code| code.as_str())
    }

    pub(super) fn duration(&self) -> Duration {
        self.end.duration
    }
}
