//! Each row of "How an exchange ends", over plain HTTP: one more in one series of each kind.

use std::pin::Pin;
use std::task;

use http::StatusCode;
use tower::util::MapRequest;
use tower::{Layer, service_fn};

use super::run::{ANSWERS, Expected, LEAVES, Run};
use super::*;
use crate::testing::{Script, ScriptBody, ScriptError};

fn ok(side: Side) -> Expected {
    Expected::ok(side)
}

/// Answers with this body, which may let time pass.
fn answers(body: impl Fn(&ManualClock) -> ScriptBody) -> impl Fn(&ManualClock) -> Script {
    move |time| Script::body(body(time)).after(time, ANSWERS)
}

/// Answers "he" and "llo", each after a millisecond, and needs another one to end.
fn hello(time: &ManualClock) -> ScriptBody {
    ScriptBody::new().pass(time, MS).data("he").pass(time, MS).data("llo").pass(time, MS)
}

#[test]
fn the_body_yielded_its_end_or_its_trailers() {
    for side in BOTH {
        let expected = ok(side).lasting(ANSWERS + 3 * MS).sent(5);
        Run::new(side).tells(answers(hello), expected.clone());
        let trailers = |time: &ManualClock| hello(time).trailers(&[("x-sum", "1")]).pending();
        Run::new(side).tells(answers(trailers), expected);
    }
}

#[test]
fn one_size_is_recorded_of_each_body_however_many_pieces_it_has() {
    let upload = || {
        let request = Request::post("http://shop.example/").header("content-length", "65");
        request.body(()).unwrap()
    };
    for side in BOTH {
        let pieces =
            |_: &ManualClock| (0..100).fold(ScriptBody::new(), |body, _| body.data("a").data(""));
        let expected = ok(side).and("http_request_method", "POST").received(65).sent(100);
        Run::new(side).request("POST", upload).tells(answers(pieces), expected);
    }
}

#[test]
fn a_request_whose_content_length_is_none_has_no_size() {
    for length in ["", "-1", "1, 2", "18446744073709551616", "0x10"] {
        let bench = Bench::new();
        let service = bench.register(builder(Server)).layer(Script::status(StatusCode::OK));
        ask(service, Request::get("/").header("content-length", length).body(()).unwrap());
        let gathered = bench.gathered();
        assert_eq!(total(&gathered, "http_server_request_duration_seconds"), 1, "{length:?}");
        assert_eq!(total(&gathered, "http_server_request_body_size_bytes"), 0, "{length:?}");
    }
}

#[test]
fn answers_that_end_at_the_headers() {
    let head = || Request::head("http://shop.example/").body(()).unwrap();
    let never = |status: StatusCode| {
        move |time: &ManualClock| {
            let script = Script::body(ScriptBody::new().pending()).with_status(status);
            script.with_header("content-length", "5").after(time, ANSWERS)
        }
    };
    for side in BOTH {
        let expected = ok(side).and("http_request_method", "HEAD");
        Run::new(side).request("HEAD", head).leaves_after(0).tells(never(StatusCode::OK), expected);
        for (status, code) in [(StatusCode::NO_CONTENT, "204"), (StatusCode::NOT_MODIFIED, "304")] {
            Run::new(side).leaves_after(0).tells(never(status), ok(side).status(code));
        }
        let empty = answers(|_| ScriptBody::new().claims_end());
        Run::new(side).leaves_after(0).tells(empty, ok(side));
    }
}

#[test]
fn connections_that_are_handed_over() {
    let connect = || Request::connect("shop.example:80").body(()).unwrap();
    for side in BOTH {
        let script = |status| answers_with(status, ScriptBody::new().pending());
        let switched = script(StatusCode::SWITCHING_PROTOCOLS);
        Run::new(side).leaves_after(0).tells(switched, ok(side).status("101"));
        let expected = ok(side).and("http_request_method", "CONNECT");
        let run = Run::new(side).request("CONNECT", connect).leaves_after(0);
        run.tells(script(StatusCode::OK), expected);
    }
}

fn answers_with(status: StatusCode, body: ScriptBody) -> impl Fn(&ManualClock) -> Script {
    move |time| Script::body(body.clone()).with_status(status).after(time, ANSWERS)
}

#[test]
fn a_body_that_is_dropped_after_all_of_its_length() {
    for side in BOTH {
        let expected = ok(side).lasting(ANSWERS + LEAVES).sent(5);
        let told = |time: &ManualClock| {
            answers(|_| ScriptBody::new().data("hello").pending())(time)
                .with_header("content-length", "5")
        };
        Run::new(side).leaves_after(1).tells(told, expected.clone());
        let exact = answers(|_| ScriptBody::new().exact(5).data("hello").pending());
        Run::new(side).leaves_after(1).tells(exact, expected);
    }
}

#[test]
fn a_body_that_differs_from_its_content_length() {
    for side in BOTH {
        for (body, bytes) in [
            (ScriptBody::new().data("hell"), 4),
            (ScriptBody::new().claims_end(), 0),
            (ScriptBody::new().data("hello").data("!").pending(), 6),
        ] {
            let script = answers(move |_| body.clone());
            let script = |time: &ManualClock| script(time).with_header("content-length", "5");
            Run::new(side).tells(script, ok(side).error("content_length_mismatch").sent(bytes));
        }
    }
}

#[test]
fn a_body_that_is_dropped_before_its_end() {
    let open = || answers(|_| ScriptBody::new().data("he").data("llo"));
    let lasting = |side| ok(side).lasting(ANSWERS + LEAVES).sent(2);
    Run::new(Server).leaves_after(1).tells(open(), lasting(Server).error("aborted"));
    // the caller had enough
    Run::new(Client).leaves_after(1).tells(open(), lasting(Client));
}

#[test]
fn a_future_that_is_dropped_before_the_headers() {
    for side in BOTH {
        let expected = ok(side).unanswered().lasting(LEAVES).error("cancelled");
        Run::new(side).tells(|_| Script::pends(), expected);
    }
}

#[test]
fn a_drop_after_the_time_out() {
    for side in BOTH {
        let late = |expected: Expected| expected.error("deadline_exceeded");
        let expected = late(ok(side).unanswered().lasting(LEAVES));
        Run::new(side).deadline(LEAVES).tells(|_| Script::pends(), expected);
        let open = answers(|_| ScriptBody::new().data("he").pending());
        let expected = late(ok(side).lasting(ANSWERS + LEAVES).sent(2));
        Run::new(side).deadline(LEAVES).leaves_after(1).tells(open, expected);
        let expected = ok(side).unanswered().lasting(LEAVES).error("cancelled");
        Run::new(side).deadline(LEAVES + MS).tells(|_| Script::pends(), expected);
    }
}

#[test]
fn an_error_before_the_headers() {
    let fails = |time: &ManualClock| Script::fails("disk").after(time, ANSWERS);
    for side in BOTH {
        Run::new(side).tells(fails, ok(side).unanswered().error("failed"));
    }
    let late = ok(Client).unanswered().error("deadline_exceeded");
    Run::new(Client).deadline(ANSWERS).tells(fails, late);
}

#[test]
fn an_error_of_the_body_and_an_impossible_answer() {
    for side in BOTH {
        let expected = ok(side).lasting(ANSWERS + 3 * MS).sent(5).error("failed");
        Run::new(side).tells(answers(|time| hello(time).error("disk")), expected);
        let hints = answers_with(StatusCode::EARLY_HINTS, ScriptBody::new().claims_end());
        Run::new(side).tells(hints, ok(side).status("103").error("failed"));
    }
}

#[test]
fn a_panic_before_the_headers() {
    for side in BOTH {
        let expected = ok(side).unanswered().error("panic");
        let in_call = |time: &ManualClock| {
            let time = time.clone();
            MapRequest::new(Script::panics_in_call("boom"), move |request: Request<()>| {
                time.advance(ANSWERS);
                request
            })
        };
        Run::new(side).tells(in_call, expected.clone());
        Run::new(side).tells(|time| Script::panics("boom").after(time, ANSWERS), expected);
    }
}

/// Never answers, and panics when it is dropped.
struct Trap;

impl Future for Trap {
    type Output = Result<Response<ScriptBody>, ScriptError>;

    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> task::Poll<Self::Output> {
        task::Poll::Pending
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        panic!("boom");
    }
}

#[test]
fn a_panic_of_the_body_or_in_a_drop() {
    for side in BOTH {
        let expected = ok(side).lasting(ANSWERS + 3 * MS).sent(5).error("panic");
        Run::new(side).tells(answers(|time| hello(time).panic("boom")), expected);
        let in_drop = answers(|_| ScriptBody::new().data("he").pending().panics_on_drop("boom"));
        let expected = ok(side).lasting(ANSWERS + LEAVES).sent(2).error("panic");
        Run::new(side).leaves_after(1).tells(in_drop, expected);
        let expected = ok(side).unanswered().lasting(LEAVES).error("panic");
        Run::new(side).tells(|_| service_fn(|_: Request<()>| Trap), expected);
    }
}

#[test]
fn what_is_an_error_on_each_side() {
    for (code, server, client) in
        [("302", false, false), ("404", false, true), ("503", true, true), ("599", true, true)]
    {
        for (side, is_error) in [(Server, server), (Client, client)] {
            let status = StatusCode::from_bytes(code.as_bytes()).unwrap();
            let script = answers_with(status, ScriptBody::new().claims_end());
            let expected = ok(side).status(code);
            Run::new(side).tells(script, if is_error { expected.error(code) } else { expected });
        }
    }
}
