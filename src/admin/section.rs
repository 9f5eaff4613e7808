//! What a part of the admin service brings: a new one is a file, and a line in the builder.

use std::pin::Pin;

use bytes::Bytes;
use http::{Method, Response};

use super::access::Access;
use super::answer::AdminBody;
#[cfg(any(feature = "debug-dump", feature = "slo"))]
use super::answer::Refusal;

/// A part: endpoints that belong together.
pub(super) trait Section: Send + Sync {
    fn endpoints(&self) -> &'static [Endpoint];

    /// Answers a request to one of the endpoints, which was authorised. `HEAD` comes as it is and may
    /// be answered as `GET`: its body is cut off.
    fn handle(&self, asked: Asked) -> Answering;
}

pub(super) type Answering = Pin<Box<dyn Future<Output = Response<AdminBody>> + Send>>;

/// A path, and what can be done there.
pub(super) struct Endpoint {
    /// Compared whole, byte by byte and segment by segment; one in braces, such as `{id}`, stands for any
    /// that is not empty.
    pub(super) path: &'static str,
    pub(super) operations: &'static [Operation],
}

pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) access: Access,
    /// Whether it takes a JSON document; the body of others is not read.
    pub(super) takes_json: bool,
}

impl Operation {
    pub(super) const fn new(method: Method, access: Access) -> Self {
        Self { method, access, takes_json: false }
    }

    pub(super) const fn with_json(method: Method, access: Access) -> Self {
        Self { method, access, takes_json: true }
    }
}

impl Endpoint {
    /// Whether a path is one of this endpoint's.
    pub(super) fn is_at(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        let is_at = self.path.split('/').all(|expected| match segments.next() {
            Some(segment) if parameter(expected).is_some() => !segment.is_empty(),
            segment => segment == Some(expected),
        });
        is_at && segments.next().is_none()
    }

    /// What a request of this method does; a `HEAD` does what a `GET` does.
    pub(super) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.operations.iter().find(|operation| operation.method == *method)
    }

    /// The methods that are allowed, as `Allow` has them.
    pub(super) fn allow(&self) -> String {
        let mut methods = Vec::new();
        for operation in self.operations {
            methods.push(operation.method.as_str());
            if operation.method == Method::GET {
                methods.push("HEAD");
            }
        }
        methods.join(", ")
    }
}

/// The name of a parameter, where a segment of an endpoint's path is one.
fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// A request that was authorised, and read.
pub(super) struct Asked {
    pub(super) head: http::request::Parts,
    /// That of the endpoint.
    #[cfg_attr(
        not(any(feature = "debug-dump", feature = "live")),
        allow(dead_code, reason = "only dumps and families have parameters")
    )]
    pub(super) path: &'static str,
    /// Whether whoever probes may read, too; of others it says nothing.
    #[cfg(feature = "health")]
    pub(super) may_read: bool,
    /// Empty where the operation takes none.
    pub(super) body: Bytes,
    pub(super) principal: Option<String>,
}

#[cfg(any(feature = "debug-dump", feature = "slo"))]
impl Asked {
    /// What `?format=` asks for, of these; `None` where it is not there. There is no other parameter.
    pub(super) fn format<F: Copy>(
        &self,
        allowed: &str,
        known: &[(&str, F)],
    ) -> Result<Option<F>, Refusal> {
        let query = self.head.uri.query().unwrap_or_default();
        let mut asked_for = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name != "format" {
                return Err(Refusal::unknown(name));
            }
            if asked_for.replace(value).is_some() {
                return Err(Refusal::field("format", "is there twice"));
            }
        }
        let Some(asked_for) = asked_for else { return Ok(None) };
        let found = known.iter().find(|(name, _)| *name == asked_for);
        let found = found.ok_or_else(|| Refusal::field("format", format!("takes {allowed}")));
        found.map(|(_, format)| Some(*format))
    }
}

#[cfg(any(feature = "debug-dump", feature = "live"))]
impl Asked {
    /// What stands in the path for a parameter, percent-encoded as it was sent.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut segments = self.path.split('/').zip(self.head.uri.path().split('/'));
        segments.find(|(of, _)| parameter(of) == Some(name)).map(|(_, segment)| segment)
    }
}
