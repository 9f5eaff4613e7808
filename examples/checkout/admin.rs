//! What those who run the services ask, on a listener that customers cannot reach.

use axum::Router;
use prometheus::Registry;
use tower_observability::metrics::MetricsService;

pub fn app(registry: &Registry) -> Router {
    Router::new().route_service("/metrics", MetricsService::new(registry))
}
