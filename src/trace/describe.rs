//! What a span says of a request, in OpenTelemetry's words.

use std::borrow::Cow;

use http::header::{HOST, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, request};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use super::intern::{self, Part};
use super::semconv::{ANY_METHOD, GRPC, OTHER, REQUEST_HEADER, key};
use super::{Live, Trace, text};
use crate::caller::peer_address;
use crate::classify::{Protocol, Side};
use crate::exchange::{End, Facts};
use crate::message::asked::{Asked, whole_uri};
use crate::message::bound::bounded;
use crate::message::headers::{Captured, HeaderNames};
use crate::message::method::known_method;
use crate::message::server::{Server, own_port, scheme};
use crate::message::version::version;
use crate::redact::Redaction;
use crate::route::Route;

/// Room for all that is usually set, so that the list need not grow.
const USUAL: usize = 16;

/// The attributes of a span at its start.
pub(super) struct Description {
    pub(super) attributes: Vec<KeyValue>,
    /// What the request was asked for by, where it is known.
    pub(super) scheme: StringValue,
    /// What the user's own rule told.
    pub(super) told: Vec<Key>,
}

fn push(attributes: &mut Vec<KeyValue>, key: &'static str, value: impl Into<Value>) {
    attributes.push(KeyValue::new(key, value));
}

/// A span's name, and the template or gRPC method in it.
pub(super) struct Name {
    pub(super) name: Cow<'static, str>,
    pub(super) route: Option<StringValue>,
}

impl Name {
    /// By the conventions: `{method} {route}`, or the gRPC method.
    pub(super) fn of(facts: &Facts, protocol: Protocol, route: Option<&Route>) -> Self {
        match (protocol, route.filter(|route| !route.as_str().is_empty())) {
            (Protocol::Grpc, Some(route)) if route.as_str() == OTHER => {
                Self { name: GRPC.into(), route: Some(OTHER.into()) }
            }
            (Protocol::Grpc, Some(route)) => Self::whole("", route.as_str()),
            (Protocol::Grpc, None) => Self { name: GRPC.into(), route: None },
            (_, Some(route)) => Self::whole(method_name(facts), route.as_str()),
            (_, None) => Self { name: method_name(facts).into(), route: None },
        }
    }

    /// By how the exchange ended; mostly the name that the span was started with.
    pub(super) fn at_end(live: &Live, end: &End<'_>) -> Self {
        if let (Some(Cow::Borrowed(name)), Some(route), Protocol::Http) =
            (&live.name, end.route, end.protocol)
            && let Some((_, template)) = name.split_once(' ')
            && template == route.as_str()
        {
            return Self { name: (*name).into(), route: Some(template.into()) };
        }
        Self::of(end.facts, end.protocol, end.route)
    }

    fn whole(method: &'static str, route: &str) -> Self {
        match intern::name(method, route) {
            Some(name) => {
                let start = name.len() - route.len();
                let route = name.get(start..).unwrap_or_default();
                Self { name: name.into(), route: Some(route.into()) }
            }
            None => {
                let space = if method.is_empty() { "" } else { " " };
                let name = [method, space, route].concat();
                Self { name: name.into(), route: Some(route.to_owned().into()) }
            }
        }
    }
}

fn method_name(facts: &Facts) -> &'static str {
    known_method(facts.method()).unwrap_or(ANY_METHOD)
}

/// Sets the method; one that is not known is told beside.
fn method(attributes: &mut Vec<KeyValue>, facts: &Facts) {
    let known = known_method(facts.method());
    push(attributes, key::HTTP_REQUEST_METHOD, known.unwrap_or(OTHER));
    if known.is_none() {
        let original = bounded(facts.method().as_str().into()).into_owned();
        push(attributes, key::HTTP_REQUEST_METHOD_ORIGINAL, original);
    }
}

/// The method, as attributes.
pub(super) fn method_attributes(facts: &Facts) -> Vec<KeyValue> {
    let mut attributes = Vec::new();
    method(&mut attributes, facts);
    attributes
}

impl Trace {
    /// What a server's span says from its start, so that a sampler sees it.
    pub(super) fn describe_received(&self, head: &request::Parts, facts: &Facts) -> Description {
        let uri = whole_uri(head, Side::Server);
        let peer = peer_address(&head.extensions);
        let peer_ip = peer.map(|peer| peer.ip());
        let forwarded = self.proxies.forwarded_proto(peer_ip, &head.headers);
        let asked_by = forwarded.map(|scheme| scheme.as_str()).or(scheme(uri).map(Scheme::as_str));
        // a server that is asked by a bare path is not told; HTTP is what it speaks
        let scheme = asked_by.map_or_else(|| "http".into(), text::scheme);
        let mut attributes = Vec::with_capacity(USUAL);
        let list = &mut attributes;
        match facts.protocol() {
            Protocol::Grpc => push(list, key::RPC_SYSTEM_NAME, GRPC),
            Protocol::Http => {
                method(list, facts);
                push(list, key::URL_SCHEME, scheme.clone());
                if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
                    push(list, key::URL_QUERY, text::query(&self.shown, query));
                }
            }
        }
        // CONNECT asks for a host and a port, not for a path
        if !uri.path().is_empty() {
            push(list, key::URL_PATH, text::path(&self.shown, uri.path()));
        }
        match self.plain_host(head) {
            Some(address) => self.push_address(list, address, None, asked_by),
            None => {
                let asked = Asked::by(head, Side::Server);
                self.push_server(list, asked.server(), asked_by);
            }
        }
        if let Some(peer) = peer {
            let canonical = peer.ip().to_canonical();
            let address = text::ip(canonical);
            let client = self.proxies.client_address(peer_ip, &head.headers);
            let client = match client.map(|client| client.to_canonical()) {
                Some(client) if client != canonical => text::ip(client),
                _ => address.clone(),
            };
            push(list, key::CLIENT_ADDRESS, client);
            push(list, key::NETWORK_PEER_ADDRESS, address);
            push(list, key::NETWORK_PEER_PORT, i64::from(peer.port()));
        }
        if let Some(agent) = head.headers.get(USER_AGENT).filter(|agent| !agent.is_empty()) {
            push(list, key::USER_AGENT_ORIGINAL, text::agent(&self.shown, agent));
        }
        if let Some(version) = version(head.version) {
            push(list, key::NETWORK_PROTOCOL_VERSION, version);
        }
        self.push_request_headers(list, &head.headers);
        Description { attributes, scheme, told: Vec::new() }
    }

    /// What a client's span says from its start.
    pub(super) fn describe_sent(&self, head: &request::Parts, facts: &Facts) -> Description {
        let mut attributes = Vec::with_capacity(USUAL);
        let list = &mut attributes;
        match facts.protocol() {
            Protocol::Grpc => push(list, key::RPC_SYSTEM_NAME, GRPC),
            Protocol::Http => {
                method(list, facts);
                push(list, key::URL_FULL, text::url(&self.shown, &head.uri));
            }
        }
        let asked = head.uri.authority().and_then(Server::of);
        self.push_server(list, asked, scheme(&head.uri).map(Scheme::as_str));
        self.push_request_headers(list, &head.headers);
        let scheme =
            scheme(&head.uri).map(Scheme::as_str).map_or_else(|| "http".into(), text::scheme);
        Description { attributes, scheme, told: Vec::new() }
    }

    /// The server as it was asked for, else as it was configured.
    fn push_server(
        &self,
        list: &mut Vec<KeyValue>,
        asked: Option<Server<'_>>,
        scheme: Option<&str>,
    ) {
        let configured = || self.server.as_ref().map(|(name, port)| (name.clone(), Some(*port)));
        let server = match asked {
            Some(asked) => Some((text::host(asked.address), asked.port)),
            None => configured(),
        };
        if let Some((address, port)) = server {
            self.push_address(list, address, port, scheme);
        }
    }

    fn push_address(
        &self,
        list: &mut Vec<KeyValue>,
        address: StringValue,
        port: Option<u16>,
        scheme: Option<&str>,
    ) {
        push(list, key::SERVER_ADDRESS, address);
        if let Some(port) = port.or_else(|| own_port(scheme?)) {
            push(list, key::SERVER_PORT, i64::from(port));
        }
    }

    /// The Host header, where it is nothing but a host.
    fn plain_host(&self, head: &request::Parts) -> Option<StringValue> {
        if head.uri.authority().is_some() {
            return None;
        }
        let host = head.headers.get(HOST)?.as_bytes();
        intern::as_it_stands(&self.shown, Part::Host, host, || {
            Server::parse(host).map(|server| server.address).filter(|it| it.len() == host.len())
        })
    }

    fn push_request_headers(&self, list: &mut Vec<KeyValue>, headers: &HeaderMap) {
        if !self.request_headers.is_empty() {
            let captured = self.request_headers.capture(headers);
            list.extend(header_attributes(REQUEST_HEADER, &captured, self.shown.redaction()));
        }
    }
}

/// Captured headers as attributes: each an array of its values.
pub(super) fn header_attributes(
    prefix: &'static str,
    captured: &Captured,
    redaction: &Redaction,
) -> Vec<KeyValue> {
    let shown = captured.shown(redaction).map(|(name, values)| {
        let values = values.map(|value| StringValue::from(value.into_owned())).collect();
        KeyValue::new([prefix, name].concat(), Value::Array(Array::String(values)))
    });
    shown.collect()
}

/// The captured headers of a response, if any are asked for.
pub(super) fn response_headers(names: &HeaderNames, headers: &HeaderMap) -> Option<Captured> {
    if names.is_empty() { None } else { Some(names.capture(headers)) }
}
