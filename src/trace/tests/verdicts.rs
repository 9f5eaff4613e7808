//! Whose doing an end was, and what is said of it: the status of a span, its description, and the
//! text of errors.

use std::any::Any;
use std::io;

use tower::service_fn;
use tower::util::MapRequest;

use super::endings::{BOTH, answers, failed, ok, status, unanswered};
use super::run::{ANSWERS, LEAVES, Run, Wrong};
use super::*;
use crate::classify::Side::{Client, Server};
use crate::classify::{Blame, Classify};
use crate::exchange::{CaughtPanic, Facts};
use crate::testing::ScriptError;

#[test]
fn statuses_that_are_errors_explain_themselves() {
    for (code, text, server, client) in [
        (StatusCode::FOUND, "302", false, false),
        (StatusCode::NOT_FOUND, "404", false, true),
        (StatusCode::SERVICE_UNAVAILABLE, "503", true, true),
    ] {
        for (side, is_error) in [(Server, server), (Client, client)] {
            let span = Run::new(side).of(|time| Script::status(code).after(time, ANSWERS));
            let answered = status(ok(side), code);
            // no event and no description: nothing but the code is known
            assert_eq!(span, if is_error { answered.error(text) } else { answered });
        }
    }
}

#[test]
fn ends_of_the_peer_are_errors_where_the_classifier_says_so() {
    let run = |side| Run::new(side).classify(Classify::new().peer_ends_are_errors());
    for side in BOTH {
        let span = run(side).of(|_| Script::pends());
        let expected = unanswered(side).error("cancelled");
        assert_eq!(span, SpanRecord { duration: LEAVES, ..expected });
    }
    let open = answers(|_| ScriptBody::new().data("he").pending());
    let span = run(Server).leaves_after(1).of(open);
    let expected = ok(Server).error("aborted");
    assert_eq!(span, SpanRecord { duration: ANSWERS + LEAVES, ..expected });
}

#[test]
fn the_classifiers_name_of_an_error_is_told() {
    let name = |error: &(dyn Any + 'static)| error.is::<ScriptError>().then_some("disk_full");
    for side in BOTH {
        let run = Run::new(side).classify(Classify::new().error_name(name));
        let span = run.of(|time| Script::fails("disk").after(time, ANSWERS));
        let expected = unanswered(side).error("disk_full");
        assert_eq!(span, expected.exception(&[("exception.type", "disk_full")]));
    }
}

#[test]
fn the_classifiers_blame_is_told() {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let answer = |time: &ManualClock| Script::status(unavailable).after(time, ANSWERS);
    let missing = |time: &ManualClock| Script::status(StatusCode::NOT_FOUND).after(time, ANSWERS);
    for side in BOTH {
        let nobody = Classify::new().blame(|_, _| Blame::Nobody);
        let span = Run::new(side).classify(nobody).of(answer);
        assert_eq!(span, status(ok(side), unavailable));
        let ours = Classify::new().blame(|_, _| Blame::Ours);
        let span = Run::new(side).classify(ours).of(missing);
        assert_eq!(span, status(ok(side), StatusCode::NOT_FOUND).error("404"));
    }
}

/// Answers an error with a secret and a source.
fn leaks(time: &ManualClock) -> impl Service<Request<()>, Response = Response<ScriptBody>> + use<> {
    let time = time.clone();
    service_fn(move |_: Request<()>| {
        time.advance(ANSWERS);
        let error = Leak(io::Error::other("for ada"));
        async { Err::<Response<ScriptBody>, tower::BoxError>(error.into()) }
    })
}

#[derive(Debug)]
struct Leak(io::Error);

impl std::fmt::Display for Leak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no login at /?token=hunter2&db=7")
    }
}

impl std::error::Error for Leak {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_text_of_an_error_is_told_on_demand_only() {
    for side in BOTH {
        let span = Run::new(side).of(leaks);
        assert_eq!(span, failed(unanswered(side)));
        let span = Run::new(side).configure(|layer| layer.error_text()).of(leaks);
        let text = "no login at /?token=REDACTED&db=7: for ada";
        let told = unanswered(side).error("failed");
        let told = SpanRecord { status: Status::error(text), ..told };
        let event = [("exception.type", "failed"), ("exception.message", text)];
        assert_eq!(span, told.exception(&event));
    }
}

#[test]
fn a_code_needs_no_text_even_on_demand() {
    let run = Run::new(Server).configure(|layer| layer.error_text());
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let span = run.of(|time| Script::status(unavailable).after(time, ANSWERS));
    assert_eq!(span, status(ok(Server), unavailable).error("503"));
}

type Telling = MapRequest<Script, Box<dyn FnMut(Request<()>) -> Request<()>>>;

/// Answers 500 after a panic that it caught, which said this.
fn catches(said: &'static str) -> impl Fn(&ManualClock) -> Telling {
    catches_at(said, "src/cart.rs:7:3")
}

fn catches_at(said: &'static str, place: &'static str) -> impl Fn(&ManualClock) -> Telling {
    move |time| {
        let answer = Script::status(StatusCode::INTERNAL_SERVER_ERROR).after(time, ANSWERS);
        let tell = move |request: Request<()>| {
            let mut panic = CaughtPanic::new();
            panic.message = Some(said.into());
            panic.location = Some(place.into());
            assert!(Facts::current().unwrap().set_caught_panic(panic));
            request
        };
        MapRequest::new(answer, Box::new(tell) as _)
    }
}

#[test]
fn a_panic_that_was_caught_keeps_the_status_that_was_sent() {
    let caught = || status(ok(Server), StatusCode::INTERNAL_SERVER_ERROR).error("panic");
    let file = |name: &'static str| ("code.file.path", Value::from(name));
    let (line, column) = (("code.line.number", 7.into()), ("code.column.number", 3.into()));
    let kind = || ("exception.type", Value::from("panic"));
    let said = "no cart of token=hunter2";
    let at = || [file("src/cart.rs"), line.clone(), column.clone()];
    let event = [&[kind()][..], &at()].concat();
    assert_eq!(Run::new(Server).of(catches(said)), caught().exception(&event));
    let unplaced = caught().exception(&[kind()]);
    assert_eq!(Run::new(Server).of(catches_at(said, "")), unplaced);
    for odd in ["src/cart.rs", "7:3", "src/cart.rs:x:3", "src/cart.rs:7:"] {
        let span = Run::new(Server).of(catches_at(said, odd));
        assert_eq!(span, caught().exception(&[kind(), file(odd)]));
    }
    let run = Run::new(Server).configure(|layer| layer.error_text());
    let text = "no cart of token=REDACTED";
    let told = SpanRecord { status: Status::error(text), ..caught() };
    let event = [&[kind(), ("exception.message", text.into())][..], &at()].concat();
    assert_eq!(run.of(catches(said)), told.exception(&event));
}

#[test]
fn an_empty_text_is_none() {
    let run = Run::new(Server).configure(|layer| layer.error_text());
    let told = status(ok(Server), StatusCode::INTERNAL_SERVER_ERROR).error("panic");
    assert_eq!(run.of(catches_at("", "")), told.exception(&[("exception.type", "panic")]));
}

#[test]
fn the_text_of_a_panic_is_cut_as_that_of_an_error() {
    let said: &'static str = "x".repeat(10_000).leak();
    let run = Run::new(Server).configure(|layer| layer.error_text());
    let text = "x".repeat(511) + "…";
    assert_eq!(run.of(catches(said)).status, Status::error(text));
}
