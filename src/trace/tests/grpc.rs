//! gRPC: the whole span of each end, on both sides.

use http::Version;

use super::run::{ANSWERS, LEAVES, MS, Run, Wrong};
use super::*;
use crate::classify::Side::{self, Client, Server};
use crate::grpc::Code;
use crate::route::Routes;

const BOTH: [Side; 2] = [Server, Client];
const METHOD: &str = "shop.Cart/Add";

fn asked(uri: &str) -> request::Builder {
    Request::post(uri).version(Version::HTTP_2).header("content-type", "application/grpc")
}

/// A call of [`METHOD`].
fn run(side: Side) -> Run {
    Run::new(side).request(|| asked("http://shop.example:50051/shop.Cart/Add").body(()).unwrap())
}

/// The span of a call that ended like this [`ANSWERS`] after it was made; on a server that has not
/// shown to have the method, and shows it by some codes alone.
fn called(side: Side, code: &'static str) -> SpanRecord {
    let (kind, own) = match side {
        Server => {
            (SpanKind::Server, [("url.path", "/shop.Cart/Add"), ("network.protocol.version", "2")])
        }
        // the version is the answer's
        Client => {
            (SpanKind::Client, [("rpc.system.name", "grpc"), ("network.protocol.version", "1.1")])
        }
    };
    let bare = SpanRecord { kind, duration: ANSWERS, attributes: Vec::new(), ..served(&[]) };
    let record = own.into_iter().fold(bare, |record, (key, value)| record.and(key, value));
    let record = record
        .named(METHOD)
        .and("rpc.system.name", "grpc")
        .and("rpc.method", METHOD)
        .and("rpc.response.status_code", code)
        .and("server.address", "shop.example")
        .and("server.port", 50051);
    let proves_nothing = [
        "UNIMPLEMENTED",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "UNAVAILABLE",
        "CANCELLED",
        "DEADLINE_EXCEEDED",
    ];
    if side == Server && proves_nothing.contains(&code) { other(record) } else { record }
}

fn unanswered(side: Side, code: &'static str) -> SpanRecord {
    match side {
        Server => called(side, code),
        Client => called(side, code).without("network.protocol.version"),
    }
}

fn other(record: SpanRecord) -> SpanRecord {
    record.named("grpc").and("rpc.method", "_OTHER")
}

fn answer(time: &ManualClock, body: ScriptBody) -> Script {
    Script::body(body).with_header("content-type", "application/grpc").after(time, ANSWERS)
}

fn with_status(time: &ManualClock, code: &'static str) -> Script {
    answer(time, ScriptBody::new().data("12345").pass(time, MS).trailers(&[("grpc-status", code)]))
}

#[test]
fn the_status_of_the_trailers_and_the_error_set_of_each_side() {
    let at_fault = [2, 4, 12, 13, 14, 15];
    for number in 0..=16_u8 {
        let digits: &'static str = number.to_string().leak();
        let code = Code::from_number(number).as_str();
        for (side, is_error) in [(Server, at_fault.contains(&number)), (Client, number != 0)] {
            let expected = SpanRecord { duration: ANSWERS + MS, ..called(side, code) };
            let expected = if is_error { expected.error(code) } else { expected };
            assert_eq!(run(side).of(|time| with_status(time, digits)), expected);
        }
    }
}

#[test]
fn a_trailers_only_answer() {
    for (number, code, at_fault) in
        [("5", "NOT_FOUND", false), ("14", "UNAVAILABLE", true), ("99", "UNKNOWN", true)]
    {
        for side in BOTH {
            let span = run(side).of(|time| {
                let headers = answer(time, ScriptBody::new().claims_end());
                headers.with_header("grpc-status", number)
            });
            let is_error = at_fault || side == Client;
            let expected = called(side, code);
            assert_eq!(span, if is_error { expected.error(code) } else { expected });
        }
    }
}

#[test]
fn a_missing_status_is_unknown() {
    for side in BOTH {
        let span = run(side).of(|time| answer(time, ScriptBody::new().pass(time, MS)));
        let expected = SpanRecord { duration: ANSWERS + MS, ..called(side, "UNKNOWN") };
        let expected = if side == Server { other(expected) } else { expected };
        assert_eq!(span, expected.error("UNKNOWN"));
    }
}

#[test]
fn the_callers_time_had_run_out() {
    let in_time = || {
        let request = asked("http://shop.example:50051/shop.Cart/Add");
        request.header("grpc-timeout", "5m").body(()).unwrap()
    };
    for side in BOTH {
        let late = |record: SpanRecord| record.error("deadline_exceeded");
        let span = run(side).request(in_time).of(|_| Script::pends());
        let expected = late(unanswered(side, "DEADLINE_EXCEEDED"));
        assert_eq!(span, SpanRecord { duration: LEAVES, ..expected });
        let open = |time: &ManualClock| answer(time, ScriptBody::new().data("12345").pending());
        let span = run(side).request(in_time).leaves_after(1).of(open);
        let expected = late(called(side, "DEADLINE_EXCEEDED"));
        assert_eq!(span, SpanRecord { duration: ANSWERS + LEAVES, ..expected });
    }
}

#[test]
fn cancelled_before_the_headers() {
    for side in BOTH {
        let expected = unanswered(side, "CANCELLED").and("error.type", "cancelled");
        let span = run(side).of(|_| Script::pends());
        assert_eq!(span, SpanRecord { duration: LEAVES, ..expected });
    }
}

#[test]
fn cancelled_in_the_middle_of_the_answer() {
    for side in BOTH {
        let open = |time: &ManualClock| answer(time, ScriptBody::new().data("12345").pending());
        let expected = match side {
            Server => called(side, "CANCELLED").and("error.type", "aborted"),
            // the caller's own doing
            Client => called(side, "CANCELLED"),
        };
        let span = run(side).leaves_after(1).of(open);
        assert_eq!(span, SpanRecord { duration: ANSWERS + LEAVES, ..expected });
    }
}

#[test]
fn errors_and_panics() {
    for (side, code) in [(Server, "INTERNAL"), (Client, "UNAVAILABLE")] {
        let unanswered = |code| match side {
            Server => other(unanswered(Server, code)),
            Client => unanswered(Client, code),
        };
        let span = run(side).of(|time| Script::fails("lost").after(time, ANSWERS));
        let expected = unanswered(code).error("failed");
        assert_eq!(span, expected.exception(&[("exception.type", "failed")]));
        let span = run(side).of(|time| Script::panics("boom").after(time, ANSWERS));
        let expected = unanswered("INTERNAL").error("panic");
        assert_eq!(span, expected.exception(&[("exception.type", "panic")]));
    }
}

#[test]
fn a_claimed_call_that_was_answered_in_plain_http() {
    for (status, code, server) in [
        (StatusCode::OK, "UNKNOWN", None),
        (StatusCode::NOT_FOUND, "UNIMPLEMENTED", None),
        (StatusCode::BAD_GATEWAY, "UNAVAILABLE", Some("502")),
    ] {
        let plain = |time: &ManualClock| Script::status(status).after(time, ANSWERS);
        // the service is not one of gRPC, so the method is a path that its caller chose
        let expected = called(Server, "")
            .without("rpc.method")
            .without("rpc.response.status_code")
            .named("POST")
            .and("http.request.method", "POST")
            .and("http.response.status_code", i64::from(status.as_u16()))
            .and("url.scheme", "http");
        let expected = server.map_or(expected.clone(), |code| expected.error(code));
        assert_eq!(run(Server).of(plain), expected);
        // a client calls what it knows
        assert_eq!(run(Client).of(plain), called(Client, code).error(code));
    }
}

#[test]
fn methods_that_are_not_known_are_not_told() {
    let strange = || asked("http://shop.example:50051/evil.Shop/Haunt").body(()).unwrap();
    let odd = || asked("http://shop.example:50051/cart").body(()).unwrap();
    for (request, path) in [(strange as fn() -> _, "/evil.Shop/Haunt"), (odd, "/cart")] {
        let unimplemented = |time: &ManualClock| {
            answer(time, ScriptBody::new().claims_end()).with_header("grpc-status", "12")
        };
        let expected = other(called(Server, "UNIMPLEMENTED")).and("url.path", path);
        assert_eq!(run(Server).request(request).of(unimplemented), expected.error("UNIMPLEMENTED"));
    }
}

#[test]
fn a_list_of_methods_bounds_them_however_a_call_ends() {
    let strange = || asked("http://shop.example:50051/evil.Shop/Haunt").body(()).unwrap();
    let listed = || run(Server).routes(Routes::new().grpc_methods([METHOD]).unwrap());
    let fine = |time: &ManualClock| with_status(time, "0");
    let lasting = |record| SpanRecord { duration: ANSWERS + MS, ..record };
    assert_eq!(listed().of(fine), lasting(called(Server, "OK")));
    let haunted = |code| other(called(Server, code)).and("url.path", "/evil.Shop/Haunt");
    assert_eq!(listed().request(strange).of(fine), lasting(haunted("OK")));
    let span = listed().request(strange).of(|_| Script::pends());
    let expected = haunted("CANCELLED").and("error.type", "cancelled");
    assert_eq!(span, SpanRecord { duration: LEAVES, ..expected });
    // a known method that answers so is still the one that was called
    let span = listed().of(|time| with_status(time, "12"));
    let known = called(Server, "UNIMPLEMENTED").named(METHOD).and("rpc.method", METHOD);
    assert_eq!(span, lasting(known.error("UNIMPLEMENTED")));
}
