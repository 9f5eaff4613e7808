//! Which exchanges are reported.

use std::convert::Infallible;
use std::time::Duration;

use http::StatusCode;
use sentry_core::Level;
use tower::service_fn;

use super::*;
use crate::classify::Outcome;

fn unavailable() -> Script {
    Script::status(StatusCode::SERVICE_UNAVAILABLE)
}

#[test]
fn what_is_no_error_is_not_reported() {
    let kept = Kept::default();
    for script in [
        Script::status(StatusCode::OK),
        Script::status(StatusCode::NOT_FOUND),
        Script::body(ScriptBody::new().data("abc").pending()),
        Script::pends(),
    ] {
        kept.ask(&layer(), script, get());
    }
    assert_eq!(kept.events(), []);
}

#[test]
fn a_rule_chooses_but_never_drops_a_panic() {
    let kept = Kept::default();
    let none = layer().report_if(|_| false);
    kept.ask(&none, unavailable(), get());
    assert_eq!(kept.events(), []);
    kept.ask(&none, Script::panics("no"), get());
    assert_eq!(exceptions(&kept.event()), [("panic".into(), Some("no".into()))]);

    let failures = layer().report_if(|end| end.outcome == Outcome::Failed);
    kept.ask(&failures, unavailable(), get());
    assert_eq!(kept.events(), []);
    kept.ask(&failures, Script::fails("no"), get());
    assert_eq!(kept.event().tags["outcome"], "failed");

    let panics = layer().report_if(|_| panic!("in the rule"));
    kept.ask(&panics, unavailable(), get());
    assert_eq!(kept.event().tags["error_type"], "503");
}

#[test]
fn errors_that_are_alike_are_reported_once_in_a_window_and_panics_each_time() {
    let (kept, clock) = (Kept::default(), ManualClock::new());
    let layer = SentryLayer::server().clock(clock.clock()).window(Duration::from_secs(30));
    for _ in 0..3 {
        kept.ask(&layer, unavailable(), get());
    }
    assert_eq!(kept.event().extra.get("withheld"), None);
    kept.ask(&layer, Script::fails("another"), get());
    assert_eq!(kept.event().tags["error_type"], "failed");
    clock.advance(Duration::from_secs(30));
    kept.ask(&layer, unavailable(), get());
    assert_eq!(kept.event().extra["withheld"], 2);
    for _ in 0..3 {
        kept.ask(&layer, Script::panics("no"), get());
    }
    assert_eq!(kept.events().len(), 3);
}

#[test]
fn a_share_is_reported_of_errors_and_all_of_panics() {
    let kept = Kept::default();
    let layer = layer().window(Duration::ZERO).sample_rate(0.5).unwrap();
    for _ in 0..10 {
        kept.ask(&layer, unavailable(), get());
    }
    assert_eq!(kept.events().len(), 5);
    for _ in 0..10 {
        kept.ask(&layer, Script::panics("no"), get());
    }
    assert_eq!(kept.events().len(), 10);
    for bad in [-0.1, 1.1, f64::NAN] {
        let error = SentryLayer::server().sample_rate(bad).unwrap_err();
        assert_eq!((error.field(), error.value()), ("sample_rate", &*bad.to_string()));
    }
}

#[test]
fn an_error_that_was_captured_in_the_handler_is_not_reported_again() {
    let kept = Kept::default();
    let captures = |level| {
        service_fn(move |_: Request<()>| async move {
            sentry_core::capture_message("the handler's own", level);
            Ok::<_, Infallible>(Response::builder().status(500).body(ScriptBody::new()).unwrap())
        })
    };
    kept.ask(&layer(), captures(Level::Error), get());
    assert_eq!(kept.event().message.as_deref(), Some("the handler's own"));
    kept.ask(&layer(), captures(Level::Warning), get());
    assert_eq!(kept.events().len(), 2, "a warning is no report");

    let then_panics = service_fn(async |_: Request<()>| {
        sentry_core::capture_message("the handler's own", Level::Error);
        panic!("no");
        #[allow(unreachable_code)]
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    });
    kept.ask(&layer(), then_panics, get());
    assert_eq!(kept.events().len(), 2, "a panic is another thing");
}
