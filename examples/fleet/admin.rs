//! What those who run the service ask.

use std::env;

use prometheus::Registry;
use tower::BoxError;
use tower_observability::admin::{Admin, BearerToken, Closed, LogControl};
use tower_observability::debug_dump::DumpControl;
use tower_observability::metrics::MetricsService;
use tower_observability::slo::SloTracker;
use tower_observability::telemetry::Telemetry;

pub fn app(
    telemetry: &Telemetry,
    registry: &Registry,
    dumps: DumpControl,
    tracker: SloTracker,
) -> Result<Admin, BoxError> {
    let token = env::var("ADMIN_TOKEN").ok().filter(|token| !token.is_empty());
    let builder = match token {
        Some(token) => Admin::builder(BearerToken::new(&token)?),
        None => Admin::builder(Closed),
    };
    Ok(builder
        .metrics(MetricsService::new(registry))
        .dumps(dumps)
        .objectives(tracker)
        .log(LogControl::telemetry(telemetry.log_filter())?)
        .build())
}
