//! What a span says of a request, in OpenTelemetry's words.

use http::uri::Scheme;
use http::{HeaderMap, request};
use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::intern::{self, Part};
use super::propagation::Named;
use super::semconv::{GRPC, HTTP, OTHER, REQUEST_HEADER, key};
use super::{Rare, Trace, text};
use crate::caller::peer_address;
use crate::classify::{Protocol, Side};
use crate::exchange::Facts;
use crate::message::asked::{Asked, whole_uri};
use crate::message::bound::bounded;
use crate::message::headers::{Captured, HeaderNames};
use crate::message::method::known_method;
use crate::message::server::{Server, own_port, scheme};
use crate::message::version::version;
use crate::redact::Redaction;

/// Room for all that is usually set, so that the list need not grow: what fills a kilobyte, a size that
/// allocators have blocks of.
const USUAL: usize = 1024 / size_of::<KeyValue>();

/// What a span says at its start.
pub(super) struct Description {
    pub(super) attributes: Vec<KeyValue>,
    pub(super) rare: Option<Box<Rare>>,
}

impl Description {
    fn of(attributes: Vec<KeyValue>, protocol: Protocol, scheme: StringValue) -> Self {
        let is_kept = protocol == Protocol::Grpc && scheme.as_str() != HTTP;
        let rare = is_kept.then(|| Box::new(Rare { scheme: Some(scheme), told: Vec::new() }));
        Self { attributes, rare }
    }
}

fn push(attributes: &mut Vec<KeyValue>, key: &'static str, value: impl Into<Value>) {
    attributes.push(KeyValue::new(key, value));
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
    pub(super) fn describe_received(
        &self,
        head: &request::Parts,
        named: &Named<'_>,
        facts: &Facts,
    ) -> Description {
        let uri = whole_uri(head, Side::Server);
        let peer = peer_address(&head.extensions);
        let peer_ip = peer.map(|peer| peer.ip());
        let forwarded = self.proxies.forwarded_proto(peer_ip, &head.headers);
        let asked_by = forwarded.map(|scheme| scheme.as_str()).or(scheme(uri).map(Scheme::as_str));
        // a server that is asked by a bare path is not told; HTTP is what it speaks
        let scheme = asked_by.map_or_else(|| HTTP.into(), text::scheme);
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
        match self.plain_host(head, named) {
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
        if let Some(agent) = named.agent.filter(|agent| !agent.is_empty()) {
            push(list, key::USER_AGENT_ORIGINAL, text::agent(&self.shown, agent));
        }
        if let Some(version) = version(head.version) {
            push(list, key::NETWORK_PROTOCOL_VERSION, version);
        }
        self.push_request_headers(list, &head.headers);
        Description::of(attributes, facts.protocol(), scheme)
    }

    /// What a client's span says from its start.
    pub(super) fn describe_sent(
        &self,
        head: &request::Parts,
        facts: &Facts,
        resent: Option<u32>,
    ) -> Description {
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
        if let Some(before) = resent {
            push(list, key::HTTP_REQUEST_RESEND_COUNT, i64::from(before));
        }
        let scheme =
            scheme(&head.uri).map(Scheme::as_str).map_or_else(|| HTTP.into(), text::scheme);
        Description::of(attributes, facts.protocol(), scheme)
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
    fn plain_host(&self, head: &request::Parts, named: &Named<'_>) -> Option<StringValue> {
        if head.uri.authority().is_some() {
            return None;
        }
        let host = named.host?.as_bytes();
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
