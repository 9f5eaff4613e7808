//! What became of the promises: the tracker of the services is compared with what the script saw, and the
//! same objectives are followed through an outage, on a clock that is set by hand.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::FutureExt;
use http::{Request, StatusCode, Uri};
use tower::ServiceExt;
use tower_observability::slo::{AlertState, ObjectiveReport, SloLayer, SloTracker, Tally};
use tower_observability::testing::ManualClock;

use crate::objectives::objectives;
use crate::seen::Exchange;
use crate::services::BoxError;

/// Answers what disagreed, after it told what it saw.
pub fn check(
    tracker: &SloTracker,
    requests: &[(String, Vec<Exchange>)],
) -> Result<Vec<String>, BoxError> {
    let mut wrong = Vec::new();
    let checkouts = requests.iter().flat_map(|(_, exchanges)| exchanges).filter(|exchange| {
        let [place, _, route, ..] = &exchange.row;
        place == "gateway" && route == "/checkout"
    });
    let took: Vec<_> = checkouts.map(|exchange| exchange.duration).collect();
    let slow = took.iter().filter(|took| **took > Duration::from_millis(300)).count() as u64;
    let all = took.len() as u64;
    println!("\nwhat is promised of /checkout, as this instance saw it\n");
    for report in tracker.reports() {
        println!("{}", line(&report));
        // the one before the script that waits for the services, and the one that is dumped at the end
        let bad = if report.objective.name() == "checkout-latency" { slow } else { 0 };
        let told = report.since_start;
        if told.bad != bad || told.total() < all + 2 {
            wrong.push(format!(
                "{}: expected {bad} bad of {all} and more, got {told:?}",
                report.objective.name()
            ));
        }
    }
    wrong.extend(outage()?);
    Ok(wrong)
}

fn line(report: &ObjectiveReport) -> String {
    let Tally { good, bad } = report.since_start;
    let mut line = format!("  {:<22} {good} good, {bad} bad; ", report.objective.name());
    // writing into a string cannot fail
    let _ = match report.budget.remaining {
        Some(left) => write!(line, "{:.1} % of the budget left", left * 100.0),
        None => write!(line, "too little is known to tell a budget"),
    };
    line
}

/// Three days of traffic, twenty minutes in which every second checkout fails, and what comes of it.
fn outage() -> Result<Vec<String>, BoxError> {
    let clock = ManualClock::new();
    let changes: Arc<Mutex<Vec<(String, AlertState)>>> = Arc::default();
    let told = Arc::clone(&changes);
    let tracker = SloTracker::builder()
        .objectives(objectives()?)
        .clock(clock.clock())
        .on_change(move |change| {
            let what = format!(
                "{} {} {}",
                change.objective.name(),
                change.severity.urgency().as_str(),
                change.severity.window_text(change.objective.window())
            );
            told.lock().unwrap_or_else(PoisonError::into_inner).push((what, change.to));
        })
        .build()?;
    let answers = async |uri: Uri| match uri.query() {
        Some(_) => StatusCode::BAD_GATEWAY,
        None => StatusCode::OK,
    };
    let app = Router::new()
        .route("/checkout", get(answers))
        .layer(SloLayer::server(&tracker).clock(clock.clock()));
    let ask = |target: &'static str| {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static(target);
        drop(app.clone().oneshot(request).now_or_never());
    };
    let minute = |bad: u32| {
        for number in 0..20 {
            ask(if number < bad { "/checkout?fails" } else { "/checkout" });
        }
        clock.advance(Duration::from_secs(60));
        tracker.look();
    };
    println!("\nthe same promises through an outage, on a clock that is set by hand\n");
    let mut wrong = Vec::new();
    let mut hours = |name: &str, minutes: u32, bad: u32, expected: &[(&str, AlertState)]| {
        (0..minutes).for_each(|_| minute(bad));
        let reports = tracker.reports();
        let Some(report) = reports.first() else { return };
        println!("  after {name}: {}", line(report).trim());
        let mut changes = changes.lock().unwrap_or_else(PoisonError::into_inner);
        for (what, state) in changes.iter() {
            println!("    {what}: {}", state.as_str());
        }
        for (what, state) in expected {
            if !changes.iter().any(|(told, to)| told == what && to == state) {
                wrong.push(format!("after {name}: expected {what} to be {}", state.as_str()));
            }
        }
        changes.clear();
    };
    let page = "checkout-availability page 5m/1h";
    hours("three quiet days", 3 * 24 * 60, 0, &[]);
    hours("twenty minutes of errors", 20, 10, &[(page, AlertState::Firing)]);
    hours("another quiet hour", 60, 0, &[(page, AlertState::Inactive)]);
    Ok(wrong)
}
