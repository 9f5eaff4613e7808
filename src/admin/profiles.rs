//! `/debug/pprof/profile` and `/debug/pprof/heap`.

use http::Method;
use http::header::CONTENT_LENGTH;

use super::access::Access;
use super::answer;
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::pprof::PprofService;

const READ: &[Operation] = &[Operation::new(Method::GET, Access::Read)];
const ENDPOINTS: &[Endpoint] = &[
    Endpoint { path: "/debug/pprof/profile", operations: READ },
    Endpoint { path: "/debug/pprof/heap", operations: READ },
];

impl Section for PprofService {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn handle(&self, asked: Asked) -> Answering {
        let is_head = asked.head.method == Method::HEAD;
        let answered = self.answer(&asked.head);
        Box::pin(async move {
            let mut response = answer::whole(answered.await);
            if is_head && response.status().is_success() {
                // no two profiles are of one length
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            response
        })
    }
}
