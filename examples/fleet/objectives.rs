//! What the service promises, and what is generated from that.

use std::time::Duration;

use axum::http::StatusCode;
use tower::BoxError;
use tower_observability::classify::Goodness;
use tower_observability::config::ConfigError;
use tower_observability::slo::{Artefacts, Objective, Severity, Target, Urgency, Window};

/// The service, and the job by which Prometheus scrapes it.
pub const SERVICE: &str = "fleet";
/// Where the runbooks would be published.
pub const RUNBOOKS: &str = "https://runbooks.example/fleet";

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Of `/checkout`, over a day: 99.9 % do not fail, and of those 99.5 % end within 500 ms.
///
/// A day is scaled from 30: a page looks at 10 s and 2 minutes, a ticket at 1 and 12 minutes, so that
/// whoever tries it out need not wait for hours.
pub fn objectives() -> Result<[Objective; 2], ConfigError> {
    let day = Window::scaled(Duration::from_secs(24 * HOUR))?;
    let severity = |urgency, per_mille, short, long| {
        Severity::new(urgency, per_mille, Duration::from_secs(short), Duration::from_secs(long))
    };
    let severities = [
        severity(Urgency::Page, 20, 5 * MINUTE, HOUR)?,
        severity(Urgency::Ticket, 100, 30 * MINUTE, 6 * HOUR)?,
    ];
    let available = Objective::availability("fleet-availability", Target::percent("99.9")?)
        .route("/checkout")
        .window(day)
        .severities(severities)
        .build()?;
    let fast = Duration::from_millis(500);
    let fast = Objective::latency("fleet-latency", Target::percent("99.5")?, fast)
        .route("/checkout")
        .window(day)
        .severities(severities)
        // how soon it fails is nobody's concern
        .status_is(StatusCode::SERVICE_UNAVAILABLE, Goodness::LeftOut)
        .build()?;
    Ok([available, fast])
}

pub fn artefacts() -> Result<Artefacts, BoxError> {
    let artefacts =
        Artefacts::builder(SERVICE).objectives(objectives()?).runbooks_url(RUNBOOKS).build()?;
    Ok(artefacts)
}
