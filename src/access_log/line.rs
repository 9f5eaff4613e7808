//! What a line tells, before any schema has named it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use http::uri::{PathAndQuery, Scheme};
use tracing::Level;

use super::AccessLog;
use super::begun::Begun;
use super::json::{Key, Object};
use super::sampling::Kept;
use crate::attribute::Attributes;
use crate::classify::{Outcome, Protocol, Side};
use crate::exchange::{End, Facts};
use crate::id::{RequestId, TraceIdentity};
use crate::message;
use crate::message::bound::bounded;
use crate::message::headers::{REQUEST_HEADER, RESPONSE_HEADER};
use crate::message::place::Place;
use crate::message::server::{Server, own_port};
use crate::route::Route;

/// One line: that an exchange started, or how it ended.
pub(super) struct Line<'a> {
    pub(super) facts: &'a Facts,
    pub(super) begun: &'a Begun,
    pub(super) log: &'a AccessLog,
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
    /// Where it is asked for.
    pub(super) error_text: Option<String>,
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
        self.facts.side().as_str()
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

    /// The gRPC method, which is the caller's word where no list of them was given.
    pub(super) fn rpc_method(&self) -> Option<Cow<'a, str>> {
        self.known_route(Protocol::Grpc).map(|route| bounded(route.as_str().into()))
    }

    /// The method as sent.
    pub(super) fn method(&self) -> Cow<'a, str> {
        bounded(self.facts.method().as_str().into())
    }

    pub(super) fn path(&self) -> Option<&'a str> {
        self.begun.path_and_query.as_ref().map(PathAndQuery::path)
    }

    /// The query, unless there is none or nothing in it.
    pub(super) fn query(&self) -> Option<&'a str> {
        self.begun.path_and_query.as_ref()?.query().filter(|query| !query.is_empty())
    }

    /// The server as it was asked for, else as it was configured.
    pub(super) fn server(&self) -> Option<Server<'a>> {
        let configured =
            |server: &'a (Box<str>, u16)| Server { address: &server.0, port: Some(server.1) };
        self.begun.server().or_else(|| self.log.server.as_ref().map(configured))
    }

    /// Writes the server's address and port.
    #[inline]
    pub(super) fn write_server(&self, object: &mut Object<'_>, address: Key, port: Key) {
        let number = if let Some(name) = self.begun.plain_server() {
            object.plain(address, name);
            self.scheme().and_then(own_port)
        } else if let Some(server) = self.server() {
            object.bounded(address, server.address);
            self.port_of(&server)
        } else {
            None
        };
        if let Some(number) = number {
            object.number(port, number);
        }
    }

    pub(super) fn server_address(&self) -> Option<Cow<'a, str>> {
        self.server().map(|server| bounded(server.address.into()))
    }

    pub(super) fn server_port(&self) -> Option<u16> {
        self.port_of(&self.server()?)
    }

    /// The port of a server, the scheme's own where none was named.
    pub(super) fn port_of(&self, server: &Server<'_>) -> Option<u16> {
        server.port.or_else(|| own_port(self.scheme()?))
    }

    /// The scheme that the caller used, as far as it is known.
    pub(super) fn scheme(&self) -> Option<&'a str> {
        self.begun.scheme.as_ref().map(Scheme::as_str)
    }

    /// `https://host:port`, as a client asked for it.
    pub(super) fn origin(&self) -> Option<String> {
        let server = self.server().filter(|_| self.facts.side() == Side::Client)?;
        let scheme = self.scheme().map(|scheme| format!("{scheme}://")).unwrap_or_default();
        let port = server.port.map(|port| format!(":{port}")).unwrap_or_default();
        let address = bounded(server.address.into());
        Some(match address.contains(':') {
            true => format!("{scheme}[{address}]{port}"),
            false => format!("{scheme}{address}{port}"),
        })
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
        message::version::version(version)
    }

    /// Adds the captured headers under OpenTelemetry's names.
    pub(super) fn write_headers(&self, object: &mut Object<'_>) {
        for (prefix, headers) in [
            (REQUEST_HEADER, &self.begun.request_headers),
            (RESPONSE_HEADER, &self.begun.response_headers),
        ] {
            if !headers.is_empty() {
                object.headers(prefix, headers, self.log.shown.redaction());
            }
        }
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

impl<'a> Ended<'a> {
    pub(super) fn error_type(&self) -> Option<&str> {
        self.end.error_type.as_ref().map(|error| error.as_str())
    }

    /// Where it panicked, if that is known.
    pub(super) fn place(&self) -> Option<Place<'_>> {
        Place::of(self.end.facts.caught_panic()?.location.as_deref()?)
    }

    pub(super) fn rpc_status(&self) -> Option<&'static str> {
        self.end.grpc_status.map(|code| code.as_str())
    }

    pub(super) fn duration(&self) -> Duration {
        self.end.duration
    }
}
