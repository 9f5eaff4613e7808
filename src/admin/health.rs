//! `/livez`, `/readyz`, `/startupz` and `/health`.

use std::future::ready;

use http::Method;

use super::access::Access;
use super::answer;
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::health::{Details, HealthService};

const PROBE: &[Operation] = &[Operation::new(Method::GET, Access::Probe)];
const ENDPOINTS: &[Endpoint] = &[
    Endpoint { path: "/livez", operations: PROBE },
    Endpoint { path: "/readyz", operations: PROBE },
    Endpoint { path: "/startupz", operations: PROBE },
    Endpoint { path: "/health", operations: PROBE },
];

impl Section for HealthService {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    /// Details are for those who may read, whoever may probe.
    fn handle(&self, asked: Asked) -> Answering {
        let details = if asked.may_read { Details::Told } else { Details::Withheld };
        Box::pin(ready(answer::whole(HealthService::answer(self, &asked.head, details))))
    }
}
