//! Where OTLP goes.

use std::time::Duration;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, Uri};

use crate::telemetry::health::Receiver;

/// How OTLP travels. Unless it is set, the endpoint's port tells: 4317 is gRPC, any other one HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC; port 4317 by convention.
    Grpc,
    /// Protobuf over HTTP; port 4318 by convention. What the specification recommends.
    #[default]
    HttpProtobuf,
}

impl Protocol {
    /// As in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub(in crate::telemetry) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }

    /// What is spoken at an endpoint of which nothing else is said.
    pub(in crate::telemetry) fn of(endpoint: &Uri) -> Self {
        match endpoint.port_u16() {
            Some(4317) => Self::Grpc,
            _ => Self::HttpProtobuf,
        }
    }

    pub(in crate::telemetry) fn default_endpoint(self) -> Uri {
        Uri::from_static(match self {
            Self::Grpc => "http://localhost:4317",
            Self::HttpProtobuf => "http://localhost:4318",
        })
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::telemetry) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    /// The path that is added to a base URL.
    fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }

    /// The method of the receiver's gRPC service.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

/// Where and how one signal is sent.
#[derive(Debug)]
pub(in crate::telemetry) struct Target {
    pub(in crate::telemetry) signal: Signal,
    pub(in crate::telemetry) protocol: Protocol,
    pub(in crate::telemetry) url: Uri,
    pub(in crate::telemetry) headers: HeaderMap,
    pub(in crate::telemetry) timeout: Duration,
}

impl Target {
    /// What may be told of it.
    pub(super) fn receiver(&self) -> Receiver {
        let mut parts = self.url.clone().into_parts();
        // a query may hold a secret
        parts.path_and_query = PathAndQuery::try_from(self.url.path()).ok();
        let url = Uri::from_parts(parts).map(|url| url.to_string()).unwrap_or_default();
        Receiver { endpoint: url, protocol: self.protocol }
    }
}

impl Signal {
    /// The URL of this signal under a base URL, which over gRPC is used as it is.
    pub(in crate::telemetry) fn under(self, base: &Uri, protocol: Protocol) -> Uri {
        if protocol == Protocol::Grpc {
            return base.clone();
        }
        let path = format!("{}{}", base.path().trim_end_matches('/'), self.path());
        let mut parts = base.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(path).ok();
        Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
    }
}

/// What an endpoint may be.
pub(in crate::telemetry) const ENDPOINT: &str =
    "a URL of scheme http, such as http://localhost:4318";
/// What is said of one without a scheme, which would be the host's name else.
pub(in crate::telemetry) const SCHEME: &str =
    "a URL with its scheme, such as http://localhost:4317";
/// What is said of one whose port is none.
pub(in crate::telemetry) const PORT: &str = "a URL whose port is a number from 1 to 65535";
/// What is said of one that asks for TLS.
pub(in crate::telemetry) const NO_TLS: &str = "a URL of scheme http: this crate is built without TLS, so send to a collector beside the program";

/// What is said of one with a password in it.
pub(in crate::telemetry) const NO_USERINFO: &str =
    "a URL without user and password: use a header, such as authorization";

/// An endpoint as it may be told: without a password.
pub(in crate::telemetry) fn told(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let (start, end) = (text.get(..scheme), text.get(at..));
            format!("{}://...{}", start.unwrap_or_default(), end.unwrap_or_default())
        }
        (None, Some(at)) => format!("...{}", text.get(at..).unwrap_or_default()),
        _ => text.to_owned(),
    }
}

/// Reads an endpoint. One without a scheme, as gRPC allows, is `http` only where `insecure`.
pub(in crate::telemetry) fn endpoint(text: &str, insecure: bool) -> Result<Uri, &'static str> {
    let uri: Uri = text.trim().parse().map_err(|_| ENDPOINT)?;
    let authority = uri.authority().filter(|authority| !authority.host().is_empty());
    let authority = authority.ok_or(ENDPOINT)?.clone();
    if authority.as_str().contains('@') {
        return Err(NO_USERINFO);
    }
    let (_, after) = authority.as_str().split_once(authority.host()).unwrap_or_default();
    if !after.is_empty() && authority.port_u16().is_none_or(|port| port == 0) {
        return Err(PORT);
    }
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTPS => Err(NO_TLS),
        None if insecure => Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(authority)
            .path_and_query("/")
            .build()
            .map_err(|_| ENDPOINT),
        None => Err(SCHEME),
        Some(_) => Err(ENDPOINT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_that_can_be_sent_to() {
        for (text, insecure, expected) in [
            ("http://localhost:4318", false, Ok("http://localhost:4318/")),
            (" http://[::1]:4318/otlp/ ", false, Ok("http://[::1]:4318/otlp/")),
            ("localhost:4317", true, Ok("http://localhost:4317/")),
            ("localhost:4317", false, Err(SCHEME)),
            ("localhost", false, Err(SCHEME)),
            ("http://localhost:0", false, Err(PORT)),
            ("http://localhost:65535", false, Ok("http://localhost:65535/")),
            ("http://localhost:65536", false, Err(PORT)),
            ("http://[::1]:99999", false, Err(PORT)),
            ("http://localhost:", false, Err(PORT)),
            ("localhost:99999", true, Err(PORT)),
            ("https://localhost:4317", true, Err(NO_TLS)),
            ("ftp://localhost", false, Err(ENDPOINT)),
            ("/v1/traces", false, Err(ENDPOINT)),
            ("http://", false, Err(ENDPOINT)),
            ("", false, Err(ENDPOINT)),
            ("http://a b", false, Err(ENDPOINT)),
            ("http://me:s3cret@localhost", false, Err(NO_USERINFO)),
            ("me:s3cret@localhost", true, Err(NO_USERINFO)),
        ] {
            let read = endpoint(text, insecure).map(|uri| uri.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().map(|uri| *uri), "{text}");
        }
    }

    #[test]
    fn no_password_is_told() {
        for (text, shown) in [
            ("https://me:s3@cret@c:1/x", "https://...@c:1/x"),
            ("me:s3cret@c:1", "...@c:1"),
            ("http://c:1", "http://c:1"),
            ("@://", "@://"),
        ] {
            assert_eq!(told(text), shown);
        }
    }

    #[test]
    fn without_a_protocol_the_port_tells() {
        for (url, protocol) in [
            ("http://a:4317", Protocol::Grpc),
            ("http://a:4318", Protocol::HttpProtobuf),
            ("http://a", Protocol::HttpProtobuf),
        ] {
            assert_eq!(Protocol::of(&endpoint(url, false).unwrap()), protocol, "{url}");
        }
    }

    #[test]
    fn http_has_a_path_for_each_signal_and_grpc_has_none() {
        for (base, url) in [
            ("http://a:1", "http://a:1/v1/traces"),
            ("http://a:1/", "http://a:1/v1/traces"),
            ("http://a:1/b/", "http://a:1/b/v1/traces"),
            ("http://a:1/b?c=d", "http://a:1/b/v1/traces"),
        ] {
            let base = endpoint(base, false).unwrap();
            assert_eq!(Signal::Traces.under(&base, Protocol::HttpProtobuf).to_string(), url);
            assert_eq!(Signal::Traces.under(&base, Protocol::Grpc), base);
        }
        let base = endpoint("http://a:1", false).unwrap();
        for (signal, url) in
            [(Signal::Logs, "http://a:1/v1/logs"), (Signal::Metrics, "http://a:1/v1/metrics")]
        {
            assert_eq!(signal.under(&base, Protocol::HttpProtobuf).to_string(), url);
        }
    }
}
