//! What those who run the services ask, on a listener that customers cannot reach.

use std::env;

use axum::Router;
use prometheus::Registry;
use tower_observability::admin::{Admin, AdminBuilder, BearerToken, Closed, LivePage, LogControl};
use tower_observability::config::ConfigError;
use tower_observability::health::Health;
use tower_observability::metrics::MetricsService;
use tower_observability::pprof::PprofService;
use tower_observability::telemetry::Telemetry;

use crate::layers::Places;
use crate::services::BoxError;

/// Who may do more than scrape the metrics: whoever has this token, or nobody.
#[derive(Clone)]
pub struct Operators(Option<BearerToken>);

impl Operators {
    /// Those of `ADMIN_TOKEN`, if that is set.
    pub fn from_env() -> Result<Self, ConfigError> {
        let token = env::var("ADMIN_TOKEN").ok().filter(|token| !token.is_empty());
        Ok(Self(token.map(|token| BearerToken::new(&token)).transpose()?))
    }

    /// Those who have this token.
    pub fn with(token: &str) -> Result<Self, ConfigError> {
        Ok(Self(Some(BearerToken::new(token)?)))
    }

    fn builder(self) -> AdminBuilder {
        match self.0 {
            Some(token) => Admin::builder(token),
            None => Admin::builder(Closed),
        }
    }
}

pub fn app(
    operators: Operators,
    registry: &Registry,
    places: &Places,
    telemetry: &Telemetry,
    health: &Health,
) -> Result<Router, BoxError> {
    let live = LivePage::new(places.live.clone()).service("checkout", env!("CARGO_PKG_VERSION"));
    let admin = operators
        .builder()
        .metrics(MetricsService::new(registry))
        .health(health)
        .live(live)
        .objectives(places.objectives.clone())
        .dumps(places.dumps.clone())
        .log(LogControl::telemetry(telemetry.log_filter())?)
        .profiles(PprofService::new())
        .build();
    Ok(Router::new().fallback_service(admin))
}
