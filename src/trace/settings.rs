//! The setters of the layer.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, request};
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, Tracer, TracerProvider};

use super::hosts::Hosts;
use super::propagation;
use super::propagator::Propagator;
use super::tracer::Spans;
use super::{Trace, TraceLayer};
use crate::attribute::Attributes;
use crate::caller::TrustedProxies;
use crate::classify::Side;
use crate::config::ConfigError;
use crate::exchange::End;
use crate::message::server::is_host;
use crate::message::shown::Shown;
use crate::redact::Redaction;

/// The header in which a server tells its callers the trace of their request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TraceResponse {
    /// `traceresponse`, in the form of a `traceparent`
    /// ([draft](https://w3c.github.io/trace-context/#trace-context-http-response-headers-format)).
    TraceResponse,
    /// `server-timing`, with a metric named `traceparent`, which scripts in a browser can read.
    ServerTiming,
}

impl TraceResponse {
    /// Adds the header, unless there is no trace.
    pub(super) fn tell(self, span: &SpanContext, headers: &mut HeaderMap) {
        let Some(value) = propagation::traceparent(span) else { return };
        // a full map (32,768 headers) is left as it is
        let _ = match self {
            Self::TraceResponse => {
                headers.try_insert(HeaderName::from_static("traceresponse"), value).map(drop)
            }
            Self::ServerTiming => {
                let timing = [b"traceparent;desc=\"", value.as_bytes(), b"\""].concat();
                let Ok(timing) = HeaderValue::from_bytes(&timing) else { return };
                headers.try_append(HeaderName::from_static("server-timing"), timing).map(drop)
            }
        };
    }
}

/// Among the extensions of a client's request: its trace is not told to the server. Headers that the
/// request has already stay.
///
/// ```
/// use http::Request;
/// use tower_observability::trace::DoNotPropagate;
///
/// let request = Request::get("https://ads.example.com/").extension(DoNotPropagate).body(());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DoNotPropagate;

impl TraceLayer {
    /// Records the requests that a service answers.
    pub fn server() -> Self {
        Self::new(Side::Server, Trace::default())
    }

    /// Records the requests that a client sends, each attempt on its own. Put it inside of any
    /// retry, and a [`ResendCountLayer`](super::ResendCountLayer) outside.
    pub fn client() -> Self {
        Self::new(Side::Client, Trace::default())
    }

    /// Makes spans with this provider; by default with the global one, from the first request on for
    /// which there is one, and with that one for good. Whether a span is sampled is the provider's to decide.
    pub fn tracer_provider<P>(self, provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        let spans = Spans::of(provider);
        self.configure(|trace| trace.spans = spans)
    }

    /// Reads and writes headers with this propagator, such as
    /// [`W3cPropagator`](propagation::W3cPropagator); by default with the global one, and a warning
    /// once if that is none.
    pub fn propagator<P: TextMapPropagator + Send + Sync + 'static>(self, propagator: P) -> Self {
        self.configure(|trace| trace.propagator = Propagator::new(propagator))
    }

    /// Describes a request only once its span is known to be sampled, so that one that is not costs
    /// less. For samplers that do not look at attributes, as all of the SDK's: they see the name, the
    /// kind and the links, but none of what the conventions ask for when a span starts. By default
    /// they see all of it.
    ///
    /// With the provider of this crate's `Telemetry` it is hardly needed: what its own samplers drop
    /// for sure, as below a caller's span that is not sampled, nobody describes.
    pub fn attributes_after_sampling(self) -> Self {
        self.configure(|trace| trace.sampled_first = true)
    }

    /// Records only the requests that `filter` picks. Of the others there is no span, but their
    /// trace is handed on.
    ///
    /// ```
    /// use tower_observability::trace::TraceLayer;
    ///
    /// let layer = TraceLayer::server().filter(|head| head.uri.path() != "/livez");
    /// ```
    pub fn filter(self, filter: impl Fn(&request::Parts) -> bool + Send + Sync + 'static) -> Self {
        self.configure(|trace| trace.filter = Some(Arc::new(filter)))
    }

    /// Does not let callers choose the trace: each request starts one of its own, whose span is
    /// linked to the caller's, and baggage is dropped. `traceparent`, `tracestate` and `baggage` are
    /// taken off the request, so that a handler that sends it on hands on nothing of a stranger's.
    ///
    /// A `RequestIdLayer` outside of this one still takes an ID from `traceparent`, unless it is told
    /// not to.
    pub fn public_endpoint(self) -> Self {
        self.public_endpoint_when(|_| true)
    }

    /// As [`public_endpoint`](Self::public_endpoint), for the requests that `is_public` picks.
    pub fn public_endpoint_when(
        self,
        is_public: impl Fn(&request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.configure(|trace| trace.public_endpoint = Some(Arc::new(is_public)))
    }

    /// Names spans; `None` leaves the name of the conventions. A name must not hold what a caller
    /// chose.
    pub fn span_name(
        self,
        choose: impl Fn(&request::Parts) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.configure(|trace| trace.span_name = Some(Arc::new(choose)))
    }

    /// Adds attributes when a span starts, so that a sampler sees them. Those that the layer sets
    /// itself cannot be replaced.
    ///
    /// ```
    /// use opentelemetry::KeyValue;
    /// use tower_observability::trace::TraceLayer;
    ///
    /// let layer = TraceLayer::server().start_attributes(|head| {
    ///     vec![KeyValue::new("app.preview", head.headers.contains_key("x-preview"))]
    /// });
    /// ```
    pub fn start_attributes(
        self,
        describe: impl Fn(&request::Parts) -> Vec<KeyValue> + Send + Sync + 'static,
    ) -> Self {
        self.configure(|trace| trace.on_start = Some(Arc::new(describe)))
    }

    /// Adds attributes when a span ends; it is asked only for spans that are recording. Those that
    /// the layer sets itself cannot be replaced.
    pub fn end_attributes(
        self,
        describe: impl Fn(&End<'_>) -> Vec<KeyValue> + Send + Sync + 'static,
    ) -> Self {
        self.configure(|trace| trace.on_end = Some(Arc::new(describe)))
    }

    /// Tells the trace only to these hosts, such as `api.example.com`, `10.0.0.7` or, for all below
    /// a domain, `*.example.com`; by default to every host. Of a single request it is withheld by
    /// [`DoNotPropagate`].
    ///
    /// A host that is not known, as that of a tonic `Channel`, is none of them:
    /// see [`server_address`](Self::server_address). What the request has of such headers
    /// already, as one that a proxy hands on, is left as it is: remove it where it must not go on.
    /// A redirect that the client inside follows by itself, as reqwest's does, takes the headers
    /// along to whichever host it leads to.
    ///
    /// # Errors
    /// When an entry is no host: it has a scheme, a port or a path.
    pub fn inject_to<S: AsRef<str>>(
        self,
        hosts: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError> {
        let hosts = Hosts::new(hosts)?;
        Ok(self.configure(|trace| trace.inject_to = Some(hosts)))
    }

    /// Tells the caller the trace in a header of the response; by default in none. A client's layer
    /// leaves the response as the server sent it.
    pub fn trace_response(self, header: TraceResponse) -> Self {
        self.configure(|trace| trace.trace_response = Some(header))
    }

    /// Finds the client's address and scheme behind these proxies; by default the address is the
    /// peer's. The peer must be known: see [`caller`](crate::caller).
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.configure(|trace| trace.proxies = proxies)
    }

    /// Records this header of requests, redacted, as `http.request.header.<name>`.
    ///
    /// # Errors
    /// When `name` is not the name of a header.
    pub fn request_header(self, name: &str) -> Result<Self, ConfigError> {
        let mut added = Ok(());
        let layer =
            self.configure(|trace| added = trace.request_headers.add("request_header", name));
        added.map(|()| layer)
    }

    /// Records this header of responses, redacted, as `http.response.header.<name>`.
    ///
    /// # Errors
    /// When `name` is not the name of a header.
    pub fn response_header(self, name: &str) -> Result<Self, ConfigError> {
        let mut added = Ok(());
        let layer =
            self.configure(|trace| added = trace.response_headers.add("response_header", name));
        added.map(|()| layer)
    }

    /// Lets every signal tell this entry of the caller's baggage, such as `tenant`: it becomes an
    /// attribute of the exchange, as if the handler had [annotated](crate::exchange::annotate) it.
    /// By default no entry is told.
    ///
    /// # Errors
    /// When the key is empty or longer than an attribute's may be.
    pub fn baggage_entry(self, key: &str) -> Result<Self, ConfigError> {
        if key.is_empty() || key.len() > Attributes::MAX_KEY {
            return Err(ConfigError::new("baggage_entry", key, "a key of 1 to 128 bytes"));
        }
        Ok(self.configure(|trace| {
            let keys = trace.baggage.iter().cloned();
            trace.baggage = keys.chain([key.into()]).collect();
        }))
    }

    /// Tells which server a client's requests go to, where they do not name it themselves: to a
    /// tonic `Channel`, for one. On a server, what it is called where a request has no Host.
    ///
    /// # Errors
    /// When `host` is no name and no address: it has a scheme, a port or a path.
    pub fn server_address(self, host: &str, port: u16) -> Result<Self, ConfigError> {
        if !is_host(host) {
            return Err(ConfigError::new("server_address", host, "a host's name or address"));
        }
        let host = Arc::<str>::from(host);
        Ok(self.configure(|trace| trace.server = Some((host.into(), port))))
    }

    /// Records the text of an error, with those of its sources, or of a panic: as
    /// `exception.message` and as the span's description, at most 512 characters. Only errors of a
    /// type that this crate knows can be read: see [`End::as_error`]. Off by default, as it may hold
    /// anything: what the redaction policy finds in it is hidden, but a secret, a path
    /// or a person's name that stands in a sentence is not.
    pub fn error_text(self) -> Self {
        self.configure(|trace| trace.error_text = true)
    }

    /// Hides what this policy calls a secret; the built-in names by default.
    pub fn redaction(self, redaction: Redaction) -> Self {
        self.configure(|trace| trace.shown = Shown::new(redaction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_named() {
        let refused = |result: Result<TraceLayer, ConfigError>| {
            let error = result.unwrap_err();
            (error.field(), error.value().to_owned())
        };
        let layer = TraceLayer::server;
        let value = |field, text: &str| (field, text.to_owned());
        assert_eq!(refused(layer().request_header("")), value("request_header", ""));
        assert_eq!(refused(layer().response_header("a b")), value("response_header", "a b"));
        assert_eq!(refused(layer().server_address("", 80)), value("server_address", ""));
        for host in ["http://x", "x:80", "[::1]", "a b"] {
            assert_eq!(refused(layer().server_address(host, 80)), value("server_address", host));
        }
        assert!(layer().server_address("::1", 80).is_ok());
        assert_eq!(refused(layer().inject_to(["a:80"])), value("inject_to", "a:80"));
        let long = "k".repeat(129);
        for key in ["", &long] {
            assert_eq!(refused(layer().baggage_entry(key)), value("baggage_entry", key));
        }
    }
}
