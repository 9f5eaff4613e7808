//! gRPC: each end, on both sides, in the family that the exchange proved to belong to.

use http::StatusCode;

use super::run::{ANSWERS, Expected, LEAVES, Run};
use super::*;
use crate::grpc::Code;
use crate::route::Routes;
use crate::testing::{Script, ScriptBody};

const METHOD: &str = "shop.Cart/Add";
const OTHER: &str = "_OTHER";

fn asked(timeout: Option<&str>) -> Request<()> {
    let request = Request::post("http://shop.example:50051/shop.Cart/Add");
    let request = request.header("content-type", "application/grpc");
    let request = match timeout {
        Some(timeout) => request.header("grpc-timeout", timeout),
        None => request,
    };
    request.body(()).unwrap()
}

fn run(side: Side) -> Run {
    Run::new(side).call(|| asked(None))
}

/// A call of a method that the server has not shown to have, by a code that may show it.
fn called(side: Side, code: &'static str) -> Expected {
    let proves_nothing = [
        "UNIMPLEMENTED",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "UNAVAILABLE",
        "CANCELLED",
        "DEADLINE_EXCEEDED",
    ];
    match side {
        Server if proves_nothing.contains(&code) => Expected::called(side, OTHER, code),
        _ => Expected::called(side, METHOD, code),
    }
}

fn answer(time: &ManualClock, body: ScriptBody) -> Script {
    Script::body(body).with_header("content-type", "application/grpc").after(time, ANSWERS)
}

fn with_status(time: &ManualClock, code: &'static str) -> Script {
    answer(time, ScriptBody::new().data("12345").pass(time, MS).trailers(&[("grpc-status", code)]))
}

#[test]
fn the_status_of_the_trailers_and_the_errors_of_each_side() {
    let at_fault = [2, 4, 12, 13, 14, 15];
    for number in 0..=16_u8 {
        let digits: &'static str = number.to_string().leak();
        let code = Code::from_number(number).as_str();
        for (side, is_error) in [(Server, at_fault.contains(&number)), (Client, number != 0)] {
            let expected = called(side, code).lasting(ANSWERS + MS).sent(5);
            let expected = if is_error { expected.error(code) } else { expected };
            run(side).tells(|time| with_status(time, digits), expected);
        }
    }
}

#[test]
fn a_trailers_only_answer() {
    for (number, code, at_fault) in
        [("5", "NOT_FOUND", false), ("14", "UNAVAILABLE", true), ("99", "UNKNOWN", true)]
    {
        for side in BOTH {
            let script = |time: &ManualClock| {
                answer(time, ScriptBody::new().claims_end()).with_header("grpc-status", number)
            };
            let expected = called(side, code);
            let is_error = at_fault || side == Client;
            run(side).tells(script, if is_error { expected.error(code) } else { expected });
        }
    }
}

#[test]
fn missing_trailers_and_trailers_without_a_status_are_unknown() {
    for side in BOTH {
        let method = if side == Server { OTHER } else { METHOD };
        let expected = Expected::called(side, method, "UNKNOWN").error("UNKNOWN").sent(5);
        let data = || ScriptBody::new().data("12345");
        run(side).tells(|time| answer(time, data()), expected.clone());
        run(side).tells(|time| answer(time, data().trailers(&[("x", "y")])), expected);
    }
}

#[test]
fn the_callers_time_had_run_out() {
    for side in BOTH {
        let run = || Run::new(side).call(|| asked(Some("5m")));
        let late = called(side, "DEADLINE_EXCEEDED").error("deadline_exceeded");
        run().tells(|_| Script::pends(), late.clone().unanswered().lasting(LEAVES));
        let open = |time: &ManualClock| answer(time, ScriptBody::new().data("12345").pending());
        run().leaves_after(1).tells(open, late.lasting(ANSWERS + LEAVES).sent(5));
    }
}

#[test]
fn calls_that_are_given_up() {
    for side in BOTH {
        let cancelled = called(side, "CANCELLED");
        let expected = cancelled.clone().unanswered().lasting(LEAVES).error("cancelled");
        run(side).tells(|_| Script::pends(), expected);
        let open = |time: &ManualClock| answer(time, ScriptBody::new().data("12345").pending());
        let expected = cancelled.lasting(ANSWERS + LEAVES).sent(5);
        let expected = match side {
            Server => expected.error("aborted"),
            // the caller's own doing
            Client => expected,
        };
        run(side).leaves_after(1).tells(open, expected);
    }
}

#[test]
fn errors_and_panics() {
    for (side, code) in [(Server, "INTERNAL"), (Client, "UNAVAILABLE")] {
        let method = if side == Server { OTHER } else { METHOD };
        let unanswered = |code| Expected::called(side, method, code).unanswered();
        let fails = |time: &ManualClock| Script::fails("lost").after(time, ANSWERS);
        run(side).tells(fails, unanswered(code).error("failed"));
        let panics = |time: &ManualClock| Script::panics("boom").after(time, ANSWERS);
        run(side).tells(panics, unanswered("INTERNAL").error("panic"));
    }
}

#[test]
fn a_claimed_call_that_was_answered_in_plain_http() {
    for (status, digits, code, at_fault) in [
        (StatusCode::OK, "200", "UNKNOWN", false),
        (StatusCode::NOT_FOUND, "404", "UNIMPLEMENTED", false),
        (StatusCode::BAD_GATEWAY, "502", "UNAVAILABLE", true),
    ] {
        let plain = |time: &ManualClock| Script::status(status).after(time, ANSWERS);
        // it was active as what it claimed to be, and is counted as what it was
        let expected = Expected::ok(Server).and("http_request_method", "POST").status(digits);
        run(Server).tells(plain, if at_fault { expected.error(digits) } else { expected });
        run(Client).tells(plain, called(Client, code).error(code));
    }
}

#[test]
fn methods_that_are_listed_are_told_however_a_call_ends() {
    let routes = || Routes::new().grpc_methods([METHOD]).unwrap();
    let expected = Expected::called(Server, METHOD, "CANCELLED").unanswered();
    let expected = expected.lasting(LEAVES).error("cancelled");
    run(Server).routes(routes()).tells(|_| Script::pends(), expected);
    let strange = || {
        let request = Request::post("/evil.Shop/Haunt").header("content-type", "application/grpc");
        request.body(()).unwrap()
    };
    let expected = Expected::called(Server, OTHER, "OK").lasting(ANSWERS + MS).sent(5);
    let run = Run::new(Server).call(strange).routes(routes());
    run.tells(|time| with_status(time, "0"), expected);
}
