//! What a part of the admin service brings: a new one is a file, and a line in the builder.

use std::pin::Pin;

use bytes::Bytes;
use http::{Method, Response};

use super::access::Access;
use super::answer::AdminBody;

/// A part: endpoints that belong together.
pub(super) trait Section: Send + Sync {
    fn endpoints(&self) -> &'static [Endpoint];

    /// Answers a request to one of the endpoints, which was authorised. `HEAD` comes as it is and may
    /// be answered as `GET`: its body is cut off.
    fn handle(&self, asked: Asked) -> Answering;
}

pub(super) type Answering = Pin<Box<dyn Future<Output = Response<AdminBody>> + Send>>;

/// A path, compared whole, and what can be done there.
pub(super) struct Endpoint {
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

/// A request that was authorised, and read.
pub(super) struct Asked {
    pub(super) head: http::request::Parts,
    /// Empty where the operation takes none.
    pub(super) body: Bytes,
    pub(super) principal: Option<String>,
}
