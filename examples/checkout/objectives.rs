//! What checkout promises, in one place: what counts, and what is generated from it, cannot differ.

use std::time::Duration;

use tower_observability::config::ConfigError;
use tower_observability::slo::{Objective, Target};

/// Of the route `/checkout`: 99.9 % do not fail, and 95 % end within 300 ms, over 30 days.
pub fn objectives() -> Result<[Objective; 2], ConfigError> {
    let available = Objective::availability("checkout-availability", Target::percent("99.9")?)
        .route("/checkout")
        .build()?;
    let fast = Duration::from_millis(300);
    let fast = Objective::latency("checkout-latency", Target::percent("95")?, fast)
        .route("/checkout")
        .build()?;
    Ok([available, fast])
}
