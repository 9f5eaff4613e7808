//! What a span says of a request, in OpenTelemetry's words.

use std::borrow::Cow;
use std::net::IpAddr;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Uri, request};
use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::semconv::{ANY_METHOD, GRPC, OTHER, REQUEST_HEADER, key};
use super::{Trace, intern};
use crate::caller::peer_address;
use crate::classify::{Protocol, Side};
use crate::exchange::Facts;
use crate::message::bound::{MAX_VALUE, bounded};
use crate::message::headers::{Captured, HeaderNames};
use crate::message::method::known_method;
use crate::message::server::{Asked, Server, whole_uri};
use crate::message::shown::{Shown, hides_nothing};
use crate::message::version::version;
use crate::redact::Redaction;
use crate::route::Route;

/// Room for all that is usually set, so that the list need not grow.
const USUAL: usize = 20;

/// The attributes of a span at its start.
pub(super) struct Description {
    pub(super) attributes: Vec<KeyValue>,
    /// What the request was asked for by, where it is known.
    pub(super) scheme: StringValue,
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
pub(super) fn method(attributes: &mut Vec<KeyValue>, facts: &Facts) {
    let known = known_method(facts.method());
    push(attributes, key::HTTP_REQUEST_METHOD, known.unwrap_or(OTHER));
    if known.is_none() {
        let original = bounded(facts.method().as_str().into()).into_owned();
        push(attributes, key::HTTP_REQUEST_METHOD_ORIGINAL, original);
    }
}

impl Trace {
    /// What a server's span says from its start, so that a sampler sees it.
    pub(super) fn describe_received(&self, head: &request::Parts, facts: &Facts) -> Description {
        let uri = whole_uri(head, Side::Server);
        let peer = peer_address(&head.extensions);
        let peer_ip = peer.map(|peer| peer.ip());
        let forwarded = self.proxies.forwarded_proto(peer_ip, &head.headers);
        let asked_by = forwarded.map(|scheme| scheme.as_str()).or(uri.scheme_str());
        // a server that is asked by a bare path is not told; HTTP is what it speaks
        let scheme = asked_by.map_or_else(|| "http".into(), scheme);
        let mut attributes = Vec::with_capacity(USUAL);
        let list = &mut attributes;
        match facts.protocol() {
            Protocol::Grpc => push(list, key::RPC_SYSTEM_NAME, GRPC),
            Protocol::Http => {
                method(list, facts);
                push(list, key::URL_SCHEME, scheme.clone());
                if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
                    push(list, key::URL_QUERY, shown_query(&self.shown, query));
                }
            }
        }
        // CONNECT asks for a host and a port, not for a path
        if !uri.path().is_empty() {
            push(list, key::URL_PATH, shown_path(&self.shown, uri.path()));
        }
        let asked = Asked::by(head, Side::Server);
        self.push_server(list, asked.server(), asked_by);
        if let Some(peer) = peer {
            let canonical = peer.ip().to_canonical();
            let address = ip(canonical);
            let client = self.proxies.client_address(peer_ip, &head.headers);
            let client = match client.map(|client| client.to_canonical()) {
                Some(client) if client != canonical => ip(client),
                _ => address.clone(),
            };
            push(list, key::CLIENT_ADDRESS, client);
            push(list, key::NETWORK_PEER_ADDRESS, address);
            push(list, key::NETWORK_PEER_PORT, i64::from(peer.port()));
        }
        if let Some(agent) = head.headers.get(USER_AGENT).filter(|agent| !agent.is_empty()) {
            push(list, key::USER_AGENT_ORIGINAL, shown_agent(&self.shown, agent));
        }
        if let Some(version) = version(head.version) {
            push(list, key::NETWORK_PROTOCOL_VERSION, version);
        }
        self.push_request_headers(list, &head.headers);
        Description { attributes, scheme }
    }

    /// What a client's span says from its start.
    pub(super) fn describe_sent(&self, head: &request::Parts, facts: &Facts) -> Description {
        let mut attributes = Vec::with_capacity(USUAL);
        let list = &mut attributes;
        match facts.protocol() {
            Protocol::Grpc => push(list, key::RPC_SYSTEM_NAME, GRPC),
            Protocol::Http => {
                method(list, facts);
                push(list, key::URL_FULL, shown_url(&self.shown, &head.uri));
            }
        }
        let asked = head.uri.authority().map(Server::of);
        self.push_server(list, asked, head.uri.scheme_str());
        self.push_request_headers(list, &head.headers);
        let scheme = head.uri.scheme_str().map_or_else(|| "http".into(), scheme);
        Description { attributes, scheme }
    }

    /// The server as it was asked for, else as it was configured.
    fn push_server(
        &self,
        list: &mut Vec<KeyValue>,
        asked: Option<Server<'_>>,
        scheme: Option<&str>,
    ) {
        let configured = || self.server.as_ref().map(|(name, port)| (name.clone(), Some(*port)));
        // `http://:80` is a URI, too
        let server = match asked.filter(|asked| !asked.address.is_empty()) {
            Some(asked) => Some((shown_host(asked.address), asked.port)),
            None => configured(),
        };
        let Some((address, port)) = server else { return };
        push(list, key::SERVER_ADDRESS, address);
        let own_port = || match scheme? {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        if let Some(port) = port.or_else(own_port) {
            push(list, key::SERVER_PORT, i64::from(port));
        }
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

fn scheme(text: &str) -> StringValue {
    match text {
        "http" => "http".into(),
        "https" => "https".into(),
        other => intern::text(other),
    }
}

fn ip(address: IpAddr) -> StringValue {
    intern::displayed(address, intern::text)
}

fn shown_host(host: &str) -> StringValue {
    if host.len() <= MAX_VALUE {
        return intern::text(host);
    }
    bounded(host.into()).into_owned().into()
}

fn shown_path(shown: &Shown, path: &str) -> StringValue {
    if path.len() <= MAX_VALUE && hides_nothing(path.as_bytes()) {
        return intern::text(path);
    }
    let mut out = String::with_capacity(path.len());
    shown.write_path(path, &mut |piece| out.push_str(piece));
    out.into()
}

fn shown_query(shown: &Shown, query: &str) -> StringValue {
    let mut out = String::with_capacity(query.len());
    shown.write_query(query, &mut |piece| out.push_str(piece));
    out.into()
}

fn shown_url(shown: &Shown, uri: &Uri) -> StringValue {
    intern::displayed(uri, |url| match hides_nothing(url.as_bytes()) {
        true if url.len() <= MAX_VALUE => intern::text(url),
        _ => bounded(shown.redaction().url(url)).into_owned().into(),
    })
}

fn shown_agent(shown: &Shown, agent: &HeaderValue) -> StringValue {
    match shown.plain_agent(agent) {
        Some(plain) => intern::text(plain),
        None => shown.agent(agent).into_owned().into(),
    }
}
