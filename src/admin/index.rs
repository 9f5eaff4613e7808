//! `GET /` and `GET /debug`: what is there.

use std::future::ready;

use http::Method;

use super::access::Access;
use super::answer;
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::escape;

/// The list of all endpoints, its own included.
pub(super) struct Index(Vec<u8>);

const READ: &[Operation] = &[Operation::new(Method::GET, Access::Read)];
const ENDPOINTS: &[Endpoint] =
    &[Endpoint { path: "/", operations: READ }, Endpoint { path: "/debug", operations: READ }];

impl Index {
    pub(super) fn of(sections: &[Box<dyn Section>]) -> Self {
        let mut json = br#"{"endpoints":["#.to_vec();
        let endpoints = sections.iter().flat_map(|section| section.endpoints());
        // a page may stand where the list would
        let is_taken = |own: &Endpoint| {
            sections.iter().any(|it| it.endpoints().iter().any(|it| it.path == own.path))
        };
        let own = ENDPOINTS.iter().filter(|own| !is_taken(own));
        for (at, endpoint) in own.chain(endpoints).enumerate() {
            json.extend_from_slice(if at == 0 { br#"{"path":"# } else { br#",{"path":"# });
            escape::json_string(&mut json, endpoint.path);
            json.extend_from_slice(br#","methods":{"#);
            for (at, operation) in endpoint.operations.iter().enumerate() {
                if at > 0 {
                    json.push(b',');
                }
                escape::json_string(&mut json, operation.method.as_str());
                json.push(b':');
                escape::json_string(&mut json, operation.access.as_str());
            }
            json.extend_from_slice(b"}}");
        }
        json.extend_from_slice(b"]}");
        Self(json)
    }
}

impl Section for Index {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn handle(&self, _: Asked) -> Answering {
        Box::pin(ready(answer::json(self.0.clone())))
    }
}
