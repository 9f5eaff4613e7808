//! What tells one series of exchanges from another.

use std::hash::{Hash, Hasher};

use super::Scheme;
use crate::classify::{ErrorType, Protocol, Side};
use crate::exchange::End;
use crate::grpc::Code;
use crate::message::method::{Known, OTHER};
use crate::metrics::instrument::bounded::Equivalent;
use http::StatusCode;

/// The labels of an exchange, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::metrics) struct Labels<'a> {
    pub(in crate::metrics) call: Call<'a>,
    /// Where a client's request went.
    pub(in crate::metrics) server: Option<(&'a str, Option<u16>)>,
    pub(in crate::metrics) error: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::metrics) enum Call<'a> {
    Http { method: Known, scheme: Scheme, route: Option<&'a str>, status: Option<StatusCode> },
    Grpc { method: &'a str, code: Code },
}

impl<'a> Labels<'a> {
    /// Those of an exchange that ended.
    #[inline]
    pub(in crate::metrics) fn of(
        end: &'a End<'_>,
        route: Option<&'a str>,
        method: Known,
        scheme: Scheme,
        server: Option<(&'a str, Option<u16>)>,
    ) -> Self {
        // an empty label would be the same series as one left out
        let route = route.filter(|route| !route.is_empty());
        let call = match (end.protocol, end.grpc_status) {
            (Protocol::Grpc, Some(code)) => Call::Grpc { method: route.unwrap_or(OTHER), code },
            _ => Call::Http {
                method,
                scheme,
                route: match end.facts.side() {
                    Side::Server => Some(route.unwrap_or(UNMATCHED)),
                    Side::Client => route,
                },
                status: end.status,
            },
        };
        let error = end.error_type.as_ref().map(ErrorType::as_str);
        Self { call, server, error: error.filter(|error| !error.is_empty()) }
    }

    pub(in crate::metrics) fn is_grpc(&self) -> bool {
        matches!(self.call, Call::Grpc { .. })
    }

    /// Every label that has a value.
    pub(in crate::metrics) fn told(&self, side: Side) -> Vec<Label<'_>> {
        let mut told = Vec::with_capacity(8);
        match &self.call {
            Call::Http { method, scheme, route, status } => {
                told.push(Label::text("http.request.method", method.as_str()));
                if let Some(status) = status {
                    told.push(Label::number("http.response.status_code", status.as_u16()));
                }
                let route_key = match side {
                    Side::Server => "http.route",
                    Side::Client => "url.template",
                };
                told.extend(route.map(|route| Label::text(route_key, route)));
                told.push(Label::text("url.scheme", scheme.as_str()));
            }
            Call::Grpc { method, code } => {
                told.push(Label::text("rpc.method", method));
                told.push(Label::text("rpc.response.status_code", code.as_str()));
                told.push(Label::text("rpc.system.name", "grpc"));
            }
        }
        if let Some((address, port)) = self.server {
            told.push(Label::text("server.address", address));
            told.extend(port.map(|port| Label::number("server.port", port)));
        }
        if let Some(error) = &self.error {
            told.push(Label::text("error.type", error));
        }
        told.sort_unstable_by_key(|label| label.key);
        told
    }
}

/// A server's HTTP exchange that matched no route.
const UNMATCHED: &str = "_unmatched";

/// A label by the name that OpenTelemetry has for it; Prometheus' has `_` for each `.`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::metrics) struct Label<'a> {
    pub(in crate::metrics) key: &'static str,
    pub(in crate::metrics) value: LabelValue<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::metrics) enum LabelValue<'a> {
    Text(&'a str),
    Number(u16),
}

impl<'a> Label<'a> {
    pub(in crate::metrics) fn text(key: &'static str, value: &'a str) -> Self {
        Self { key, value: LabelValue::Text(value) }
    }

    pub(in crate::metrics) fn number(key: &'static str, value: u16) -> Self {
        Self { key, value: LabelValue::Number(value) }
    }
}

impl Hash for Labels<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        // what differs often; what differs seldom is left to the comparison
        let text = match self.call {
            Call::Http { method, route, status, .. } => {
                let status = status.map_or(0, |status| status.as_u16());
                state.write_u32(u32::from(status) << 16 | (method.place() as u32) << 1);
                route.unwrap_or_default()
            }
            Call::Grpc { method, code } => {
                state.write_u32(u32::from(code.number()) << 1 | 1);
                method
            }
        };
        state.write(text.as_bytes());
        if let Some((address, _)) = self.server {
            state.write(address.as_bytes());
        }
    }
}

/// The labels of a series, kept with it.
#[derive(Debug)]
pub(in crate::metrics) struct Key {
    call: KeptCall,
    /// A route or a gRPC method.
    route: Option<Box<str>>,
    server: Option<(Box<str>, Option<u16>)>,
    error: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
enum KeptCall {
    Http { method: Known, scheme: Scheme, status: Option<StatusCode> },
    Grpc { code: Code },
}

impl From<&Labels<'_>> for Key {
    fn from(labels: &Labels<'_>) -> Self {
        let (call, route) = match labels.call {
            Call::Http { method, scheme, route, status } => {
                (KeptCall::Http { method, scheme, status }, route)
            }
            Call::Grpc { method, code } => (KeptCall::Grpc { code }, Some(method)),
        };
        Self {
            call,
            route: route.map(Box::from),
            server: labels.server.map(|(address, port)| (address.into(), port)),
            error: labels.error.map(Box::from),
        }
    }
}

impl Key {
    #[inline]
    pub(in crate::metrics) fn labels(&self) -> Labels<'_> {
        let route = self.route.as_deref();
        Labels {
            call: match self.call {
                KeptCall::Grpc { code } => Call::Grpc { method: route.unwrap_or_default(), code },
                KeptCall::Http { method, scheme, status } => {
                    Call::Http { method, scheme, route, status }
                }
            },
            server: self.server.as_ref().map(|(address, port)| (&**address, *port)),
            error: self.error.as_deref(),
        }
    }
}

impl Equivalent<Key> for Labels<'_> {
    #[inline]
    fn is(&self, key: &Key) -> bool {
        // cheaper than to compare with all of the key's labels
        let (is_call, route) = match (self.call, key.call) {
            (
                Call::Http { method, scheme, route, status },
                KeptCall::Http { method: known, scheme: spoken, status: answered },
            ) => (method == known && scheme == spoken && status == answered, route),
            (Call::Grpc { method, code }, KeptCall::Grpc { code: known }) => {
                (code == known, Some(method))
            }
            _ => (false, None),
        };
        let server = key.server.as_ref().map(|(address, port)| (&**address, *port));
        is_call
            && route == key.route.as_deref()
            && self.error == key.error.as_deref()
            && self.server == server
    }
}
