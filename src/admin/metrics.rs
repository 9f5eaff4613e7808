//! `GET /metrics`.

use http::{Method, Request};
use tower_service::Service;

use super::access::Access;
use super::answer::AdminBody;
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::metrics::MetricsService;

const ENDPOINTS: &[Endpoint] =
    &[Endpoint { path: "/metrics", operations: &[Operation::new(Method::GET, Access::Scrape)] }];

impl Section for MetricsService {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn handle(&self, asked: Asked) -> Answering {
        let mut service = self.clone();
        Box::pin(async move {
            match service.call(Request::from_parts(asked.head, ())).await {
                Ok(response) => response.map(AdminBody::stream),
                Err(never) => match never {},
            }
        })
    }
}
