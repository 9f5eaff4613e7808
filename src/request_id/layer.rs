//! The layer and its settings.

use http::HeaderName;

use super::{Generator, Incoming, RequestIds, Source};
use crate::classify::Side;
use crate::config::ConfigError;
use crate::exchange::ObserveLayer;

/// Headers that mean something else to HTTP, proxies or tracing.
const RESERVED: [&str; 42] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "b3",
    "baggage",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "host",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "origin",
    "range",
    "referer",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-amzn-trace-id",
    "x-real-ip",
];

/// What the names of such headers start with.
const RESERVED_STARTS: [&str; 7] =
    ["access-control-", "content-", "grpc-", "if-", "proxy-", "sec-", "x-forwarded-"];

fn is_reserved(header: &HeaderName) -> bool {
    let name = header.as_str();
    RESERVED.contains(&name) || RESERVED_STARTS.iter().any(|start| name.starts_with(start))
}

/// Gives every exchange a request ID.
///
/// ```
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_observability::exchange::Facts;
/// use tower_observability::request_id::{Incoming, RequestIdLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = RequestIdLayer::server()
///     .header("x-correlation-id")?
///     .incoming(Incoming::peers(["10.0.0.0/8"])?);
///
/// let service = ServiceBuilder::new().layer(layer).service(service_fn(async |_request| {
///     let facts = Facts::current();
///     let id = facts.as_ref().and_then(|facts| facts.request_id());
///     Ok::<_, std::convert::Infallible>(http::Response::new(format!("{id:?}")))
/// }));
/// let response = service.oneshot(http::Request::new(String::new())).await?;
/// assert_eq!(response.headers()["x-correlation-id"].len(), 36);
/// # Ok(()) }
/// ```
pub type RequestIdLayer = ObserveLayer<RequestIds>;

impl ObserveLayer<RequestIds> {
    /// For a server: takes over or makes an ID, and echoes it.
    pub fn server() -> Self {
        Self::new(Side::Server, RequestIds::default())
    }

    /// For a client: sends the ID of the exchange in scope, or a new one.
    pub fn client() -> Self {
        Self::new(Side::Client, RequestIds::default())
    }

    /// The header that is read first, set on the request and echoed; `x-request-id` by default.
    ///
    /// # Errors
    ///
    /// When `name` is not a header's name (RFC 9110, section 5.6.2), or is one that means something
    /// else to HTTP, gRPC, proxies or tracing, such as `authorization`, `content-length`,
    /// `grpc-status`, `forwarded` and `traceparent`: the ID would overwrite it.
    pub fn header(self, name: impl AsRef<str>) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        let header = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .filter(|header| !is_reserved(header))
            .ok_or_else(|| {
                let allowed = "a header name without another meaning, such as x-request-id";
                ConfigError::new("request_id.header", name, allowed)
            })?;
        Ok(self.configure(|ids| ids.header = header))
    }

    /// Where a server looks for an ID after its own header; [`Source::ALL`] by default. With none,
    /// only its own header is read. A client reads none of them.
    pub fn sources(self, sources: impl IntoIterator<Item = Source>) -> Self {
        let sources = sources.into_iter().collect();
        self.configure(|ids| ids.sources = sources)
    }

    /// Which IDs of requests a server takes over; every valid one by default. A client always sends
    /// the caller's.
    pub fn incoming(self, incoming: Incoming) -> Self {
        self.configure(|ids| ids.incoming = incoming)
    }

    /// How IDs are made; as UUIDs of version 7 by default.
    pub fn generator(self, generator: Generator) -> Self {
        self.configure(|ids| ids.generator = generator)
    }

    /// Also puts the ID into the request's extensions as [`tower_http::request_id::RequestId`], for
    /// code inside that looks for it there; off by default, as it may allocate.
    #[cfg(feature = "tower-http")]
    pub fn tower_http_extension(self) -> Self {
        self.configure(|ids| ids.tower_http_extension = true)
    }
}
