//! What those who run the services ask, on a listener that customers cannot reach.

use std::env;

use axum::Router;
use tower_observability::admin::{AdminBuilder, BearerToken, Closed, LivePage};
use tower_observability::config::ConfigError;
use tower_observability::telemetry::Telemetry;

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

    fn admin(self, telemetry: &Telemetry) -> AdminBuilder {
        match self.0 {
            Some(token) => telemetry.admin(token),
            None => telemetry.admin(Closed),
        }
    }
}

/// All of the gateway's, whose log, registry, live page and dumps are those of the process.
pub fn app(operators: Operators, gateway: &Telemetry) -> Router {
    let page = LivePage::new(gateway.live().clone());
    let admin = operators.admin(gateway).live(page.service("checkout", env!("CARGO_PKG_VERSION")));
    admin.build().into_router()
}
