//! The metrics of a layer: what they are called, in OpenTelemetry's words, and what they tell.

use super::instrument::bounds::Unit;
use super::names::{prefixed, prometheus_label};
use crate::classify::Side;

/// One metric.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// As OpenTelemetry writes it, such as `http.server.request.duration`.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) description: &'static str,
    /// The labels it may have, by OpenTelemetry's names.
    pub(super) labels: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Histogram(Unit),
    /// A number of requests or calls.
    Gauge,
    Counter,
}

impl Definition {
    /// The name as Prometheus writes it, such as `http_server_request_duration_seconds`.
    pub(super) fn prometheus_name(&self, prefix: &str) -> String {
        let suffix = match self.kind {
            Kind::Histogram(Unit::Seconds) => "_seconds",
            Kind::Histogram(Unit::Bytes) => "_bytes",
            Kind::Gauge => "",
            Kind::Counter => "_total",
        };
        prefixed(prefix, &format!("{}{suffix}", prometheus_label(&self.name)))
    }

    /// The labels as Prometheus writes them.
    pub(super) fn prometheus_labels(&self) -> Vec<String> {
        self.labels.iter().map(|label| prometheus_label(label)).collect()
    }
}

/// One thing for each metric of a layer.
pub(super) struct Each<T> {
    pub(super) http: OfExchanges<T>,
    pub(super) rpc: OfExchanges<T>,
    pub(super) poll_ready: T,
    pub(super) shed: T,
    pub(super) overflow: T,
}

/// One thing for each metric of HTTP exchanges, or of gRPC calls.
#[derive(Default)]
pub(super) struct OfExchanges<T> {
    pub(super) duration: T,
    pub(super) time_to_first_byte: T,
    pub(super) request_body_size: T,
    pub(super) response_body_size: T,
    pub(super) active: T,
    pub(super) active_max: T,
}

/// The protocols that are told apart.
struct Words {
    /// What OpenTelemetry calls one exchange.
    one: &'static str,
    many: &'static str,
    duration: &'static str,
    time_to_first_byte: &'static str,
    request_body_size: &'static str,
    response_body_size: &'static str,
    active: &'static str,
    active_max: &'static str,
    active_labels: &'static [&'static str],
}

const HTTP: Words = Words {
    one: "request",
    many: "requests",
    duration: "Duration of HTTP requests, to the end of the response body.",
    time_to_first_byte: "Time from the start of HTTP requests to the response headers.",
    request_body_size: "Size of HTTP request bodies, by their Content-Length.",
    response_body_size: "Size of HTTP response bodies, as far as they were handed over.",
    active: "HTTP requests under way.",
    active_max: "The most HTTP requests under way at once since this was read last.",
    active_labels: &["http.request.method", "url.scheme"],
};

const RPC: Words = Words {
    one: "call",
    many: "calls",
    duration: "Duration of gRPC calls, to their trailers.",
    time_to_first_byte: "Time from the start of gRPC calls to the response headers.",
    request_body_size: "Size of the request bodies of gRPC calls, by their Content-Length.",
    response_body_size: "Size of the response bodies of gRPC calls, as far as they were handed over.",
    active: "gRPC calls under way.",
    active_max: "The most gRPC calls under way at once since this was read last.",
    active_labels: &["rpc.system.name"],
};

/// The labels that can tell the series of exchanges apart.
const SERVER_HTTP: &[&str] =
    &["error.type", "http.request.method", "http.response.status_code", "http.route", "url.scheme"];
const CLIENT_HTTP: &[&str] = &[
    "error.type",
    "http.request.method",
    "http.response.status_code",
    "server.address",
    "server.port",
    "url.scheme",
    "url.template",
];
const SERVER_RPC: &[&str] =
    &["error.type", "rpc.method", "rpc.response.status_code", "rpc.system.name"];
const CLIENT_RPC: &[&str] = &[
    "error.type",
    "rpc.method",
    "rpc.response.status_code",
    "rpc.system.name",
    "server.address",
    "server.port",
];

impl Each<Definition> {
    pub(super) fn of(side: Side) -> Self {
        let (name, http, rpc) = match side {
            Side::Server => ("server", SERVER_HTTP, SERVER_RPC),
            Side::Client => ("client", CLIENT_HTTP, CLIENT_RPC),
        };
        let metric = |what: &str, kind, description, labels| {
            let name = format!("http.{name}.{what}");
            Definition { name, kind, description, labels }
        };
        Self {
            http: OfExchanges::of(&format!("http.{name}"), HTTP, http),
            rpc: OfExchanges::of(&format!("rpc.{name}"), RPC, rpc),
            poll_ready: metric(
                "poll_ready.duration",
                Kind::Histogram(Unit::Seconds),
                "How long requests waited for the service to be ready, before it was called.",
                &["error.type"],
            ),
            shed: metric(
                "shed_requests",
                Kind::Counter,
                "Requests that the service did not take on, as it was overloaded.",
                &[],
            ),
            overflow: metric(
                "overflow_requests",
                Kind::Counter,
                "Requests counted under the label _overflow, as there were too many series.",
                &[],
            ),
        }
    }

    /// Makes something of each.
    pub(super) fn try_map<T, E>(
        self,
        make: impl Fn(Definition) -> Result<T, E>,
    ) -> Result<Each<T>, E> {
        Ok(Each {
            http: self.http.try_map(&make)?,
            rpc: self.rpc.try_map(&make)?,
            poll_ready: make(self.poll_ready)?,
            shed: make(self.shed)?,
            overflow: make(self.overflow)?,
        })
    }
}

impl OfExchanges<Definition> {
    fn of(protocol: &str, words: Words, labels: &'static [&'static str]) -> Self {
        let Words { one, many, .. } = words;
        let metric = |what: String, kind, description, labels| {
            let name = format!("{protocol}.{what}");
            Definition { name, kind, description, labels }
        };
        let histogram = |what: &str, unit, description| {
            metric(what.to_owned(), Kind::Histogram(unit), description, labels)
        };
        Self {
            duration: histogram(&format!("{one}.duration"), Unit::Seconds, words.duration),
            time_to_first_byte: histogram(
                "time_to_first_byte",
                Unit::Seconds,
                words.time_to_first_byte,
            ),
            request_body_size: histogram("request.body.size", Unit::Bytes, words.request_body_size),
            response_body_size: histogram(
                "response.body.size",
                Unit::Bytes,
                words.response_body_size,
            ),
            active: metric(
                format!("active_{many}"),
                Kind::Gauge,
                words.active,
                words.active_labels,
            ),
            active_max: metric(
                format!("active_{many}_max"),
                Kind::Gauge,
                words.active_max,
                words.active_labels,
            ),
        }
    }

    fn try_map<T, E>(self, make: impl Fn(Definition) -> Result<T, E>) -> Result<OfExchanges<T>, E> {
        Ok(OfExchanges {
            duration: make(self.duration)?,
            time_to_first_byte: make(self.time_to_first_byte)?,
            request_body_size: make(self.request_body_size)?,
            response_body_size: make(self.response_body_size)?,
            active: make(self.active)?,
            active_max: make(self.active_max)?,
        })
    }
}

impl<T> Each<T> {
    /// Those of what speaks gRPC, or of what does not.
    pub(super) fn of_exchanges(&self, is_grpc: bool) -> &OfExchanges<T> {
        if is_grpc { &self.rpc } else { &self.http }
    }

    pub(super) fn all(&self) -> Vec<&T> {
        let Self { http, rpc, poll_ready, shed, overflow } = self;
        [http, rpc]
            .into_iter()
            .flat_map(|exchanges| {
                [
                    &exchanges.duration,
                    &exchanges.time_to_first_byte,
                    &exchanges.request_body_size,
                    &exchanges.response_body_size,
                    &exchanges.active,
                    &exchanges.active_max,
                ]
            })
            .chain([poll_ready, shed, overflow])
            .collect()
    }

    /// In the order of [`all`](Self::all).
    pub(super) fn into_all(self) -> impl Iterator<Item = T> {
        let Self { http, rpc, poll_ready, shed, overflow } = self;
        [http, rpc]
            .into_iter()
            .flat_map(|exchanges| {
                [
                    exchanges.duration,
                    exchanges.time_to_first_byte,
                    exchanges.request_body_size,
                    exchanges.response_body_size,
                    exchanges.active,
                    exchanges.active_max,
                ]
            })
            .chain([poll_ready, shed, overflow])
    }
}
