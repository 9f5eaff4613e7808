//! Each row of "How an exchange ends", over plain HTTP.

use std::time::Duration;

use http::{Method, Request, StatusCode};

use super::{Caller, MS, Scenario};
use crate::classify::Side::{Client, Server};
use crate::classify::{Blame, ErrorType, Outcome, Side};
use crate::testing::{ManualClock, Record, Script, ScriptBody};

const OK: StatusCode = StatusCode::OK;

fn ok(side: Side, bytes: u64) -> Record {
    Record { response_bytes: bytes, ..Record::completed(side, OK) }
}

/// What becomes of a record when this side is at fault.
fn ours(outcome: Outcome, name: &'static str, record: Record) -> Record {
    record.ended(outcome).blaming(Blame::Ours, ErrorType::Named(name))
}

/// What becomes of a record when the peer went away.
fn peers(outcome: Outcome, name: &'static str, record: Record) -> Record {
    record.ended(outcome).blaming(Blame::Peer, ErrorType::Named(name))
}

fn unanswered(side: Side) -> Record {
    ok(side, 0).unanswered()
}

#[test]
fn body_yielded_its_end() {
    for side in [Server, Client] {
        let clock = ManualClock::new();
        let body = ScriptBody::new().data("he").pass(&clock, MS).data("llo").pass(&clock, MS);
        let mut scenario = Scenario::new(side, Script::body(body).after(&clock, MS));
        scenario.clock = clock;
        scenario.records(Record { duration: 3 * MS, time_to_headers: Some(MS), ..ok(side, 5) });
    }
}

#[test]
fn body_said_it_had_ended_with_its_last_data() {
    let body = ScriptBody::new().data("hello").claims_end();
    Scenario::new(Server, Script::body(body)).records(ok(Server, 5));
}

#[test]
fn body_said_it_had_ended_and_was_dropped_then() {
    let body = ScriptBody::new().data("hello").claims_end();
    Scenario::new(Server, Script::body(body))
        .caller(Caller::DropsBodyAfter(1, MS))
        .records(ok(Server, 5));
}

#[test]
fn body_yielded_trailers() {
    let body = ScriptBody::new().data("hello").trailers(&[("x-checksum", "1")]).pending();
    Scenario::new(Server, Script::body(body)).records(ok(Server, 5));
}

#[test]
fn ended_at_the_headers_for_head() {
    let script = Script::body(ScriptBody::new().pending()).with_header("content-length", "5");
    let head = || Request::builder().method("HEAD").body(()).unwrap();
    let expected = Record { method: Method::HEAD, ..ok(Server, 0) };
    Scenario::new(Server, script)
        .request(head)
        .caller(Caller::DropsBodyAfter(0, MS))
        .records(expected);
}

#[test]
fn ended_at_the_headers_for_204_and_304() {
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
        let script = Script::body(ScriptBody::new().pending()).with_status(status);
        Scenario::new(Server, script.with_header("content-length", "5"))
            .caller(Caller::DropsBodyAfter(0, MS))
            .records(Record::completed(Server, status));
    }
}

#[test]
fn ended_at_the_headers_for_a_body_that_is_over_when_wrapped() {
    Scenario::new(Server, Script::status(OK))
        .caller(Caller::DropsBodyAfter(0, MS))
        .records(ok(Server, 0));
}

#[test]
fn upgraded_by_101_and_connect() {
    let script = Script::body(ScriptBody::new().pending());
    Scenario::new(Server, script.clone().with_status(StatusCode::SWITCHING_PROTOCOLS))
        .caller(Caller::DropsBodyAfter(0, MS))
        .records(Record {
            upgraded: true,
            ..Record::completed(Server, StatusCode::SWITCHING_PROTOCOLS)
        });
    let connect = || Request::builder().method("CONNECT").uri("a:1").body(()).unwrap();
    Scenario::new(Server, script)
        .request(connect)
        .caller(Caller::DropsBodyAfter(0, MS))
        .records(Record { upgraded: true, method: Method::CONNECT, ..ok(Server, 0) });
}

#[test]
fn connect_that_is_refused_is_not_upgraded() {
    let connect = || Request::builder().method("CONNECT").uri("a:1").body(()).unwrap();
    Scenario::new(Server, Script::status(StatusCode::FORBIDDEN)).request(connect).records(Record {
        method: Method::CONNECT,
        ..Record::completed(Server, StatusCode::FORBIDDEN)
    });
}

#[test]
fn dropped_after_all_of_its_content_length() {
    for side in [Server, Client] {
        let script = Script::body(ScriptBody::new().data("hello").pending());
        Scenario::new(side, script.with_header("content-length", "5"))
            .caller(Caller::DropsBodyAfter(1, Duration::ZERO))
            .records(ok(side, 5));
    }
}

#[test]
fn dropped_after_all_of_an_exact_size_hint() {
    let script = Script::body(ScriptBody::new().exact(5).data("hello").pending());
    Scenario::new(Server, script)
        .caller(Caller::DropsBodyAfter(1, Duration::ZERO))
        .records(ok(Server, 5));
}

#[test]
fn ended_short_of_its_content_length() {
    let bodies = [(ScriptBody::new().data("hell"), 4), (ScriptBody::new().claims_end(), 0)];
    for (body, bytes) in bodies {
        let script = Script::body(body).with_header("content-length", "5");
        let expected = ours(Outcome::Failed, "content_length_mismatch", ok(Server, bytes));
        Scenario::new(Server, script).records(expected);
    }
}

#[test]
fn ran_past_its_content_length() {
    let script = Script::body(ScriptBody::new().data("hello").data("!").pending())
        .with_header("content-length", "5");
    let expected = ours(Outcome::Failed, "content_length_mismatch", ok(Server, 6));
    Scenario::new(Server, script)
        .caller(Caller::DropsBodyAfter(2, Duration::ZERO))
        .records(expected);
}

#[test]
fn a_content_length_that_is_no_number_says_nothing() {
    for odd in ["", "+5", "5, 5", "0x5", "99999999999999999999"] {
        let script = Script::body(ScriptBody::new().data("hi")).with_header("content-length", odd);
        Scenario::new(Server, script).records(ok(Server, 2));
    }
}

#[test]
fn a_content_length_said_twice_counts_if_it_is_the_same() {
    let script = Script::body(ScriptBody::new().data("hi")).with_header("content-length", "5");
    Scenario::new(Server, script.clone().with_header("content-length", "6")).records(ok(Server, 2));
    let expected = ours(Outcome::Failed, "content_length_mismatch", ok(Server, 2));
    Scenario::new(Server, script.with_header("content-length", "5")).records(expected);
}

#[test]
fn the_request_size_is_its_content_length() {
    let request = || Request::builder().header("content-length", "12").body(()).unwrap();
    Scenario::new(Server, Script::status(OK))
        .request(request)
        .records(Record { request_bytes: Some(12), ..ok(Server, 0) });
}

#[test]
fn server_body_dropped_before_its_end_is_aborted() {
    let script = Script::body(ScriptBody::new().data("he").data("llo"));
    let expected = Record { duration: MS, ..peers(Outcome::Aborted, "aborted", ok(Server, 2)) };
    Scenario::new(Server, script).caller(Caller::DropsBodyAfter(1, MS)).records(expected);
}

#[test]
fn client_body_dropped_before_its_end_is_completed_and_unread() {
    let script = Script::body(ScriptBody::new().data("he").data("llo"));
    Scenario::new(Client, script).caller(Caller::DropsBodyAfter(1, MS)).records(Record {
        unread: true,
        duration: MS,
        ..ok(Client, 2)
    });
}

#[test]
fn future_dropped_before_the_headers_is_cancelled() {
    for side in [Server, Client] {
        let expected =
            Record { duration: MS, ..peers(Outcome::Cancelled, "cancelled", unanswered(side)) };
        Scenario::new(side, Script::pends()).caller(Caller::GivesUpAfter(MS)).records(expected);
    }
}

#[test]
fn dropped_when_a_time_out_it_was_told_had_run_out() {
    let late = "deadline_exceeded";
    for side in [Server, Client] {
        let expected = ours(Outcome::DeadlineExceeded, late, unanswered(side));
        Scenario::new(side, Script::pends())
            .deadline(2 * MS)
            .caller(Caller::GivesUpAfter(2 * MS))
            .records(Record { duration: 2 * MS, ..expected });
        let expected = ours(Outcome::DeadlineExceeded, late, ok(side, 2));
        Scenario::new(side, Script::body(ScriptBody::new().data("he").pending()))
            .deadline(2 * MS)
            .caller(Caller::DropsBodyAfter(1, 2 * MS))
            .records(Record { duration: 2 * MS, ..expected });
    }
}

#[test]
fn dropped_just_before_the_time_out_is_a_cancel() {
    let expected = peers(Outcome::Cancelled, "cancelled", unanswered(Server));
    Scenario::new(Server, Script::pends())
        .deadline(2 * MS)
        .caller(Caller::GivesUpAfter(MS))
        .records(Record { duration: MS, ..expected });
}

#[test]
fn an_error_after_the_time_out_is_late_on_a_client_and_failed_on_a_server() {
    for (side, outcome, name) in [
        (Client, Outcome::DeadlineExceeded, "deadline_exceeded"),
        (Server, Outcome::Failed, "failed"),
    ] {
        let clock = ManualClock::new();
        let mut scenario =
            Scenario::new(side, Script::fails("late").after(&clock, 2 * MS)).deadline(2 * MS);
        scenario.clock = clock;
        let expected = ours(outcome, name, unanswered(side));
        let error = Some("late".into());
        scenario.records(Record { error, duration: 2 * MS, ..expected });
    }
}

#[test]
fn completed_after_the_time_out_is_completed() {
    let clock = ManualClock::new();
    let script = Script::status(OK).after(&clock, 3 * MS);
    let mut scenario = Scenario::new(Server, script).deadline(2 * MS);
    scenario.clock = clock;
    scenario.records(Record { duration: 3 * MS, time_to_headers: Some(3 * MS), ..ok(Server, 0) });
}

#[test]
fn the_service_answered_an_error() {
    for side in [Server, Client] {
        let expected = ours(Outcome::Failed, "failed", unanswered(side));
        Scenario::new(side, Script::fails("no route to host"))
            .records(Record { error: Some("no route to host".into()), ..expected });
    }
}

#[test]
fn the_body_yielded_an_error() {
    for side in [Server, Client] {
        let expected = ours(Outcome::Failed, "failed", ok(side, 2));
        Scenario::new(side, Script::body(ScriptBody::new().data("he").error("disk")))
            .records(Record { error: Some("disk".into()), ..expected });
    }
}

#[test]
fn a_final_response_with_an_informational_status_has_failed() {
    for status in [StatusCode::CONTINUE, StatusCode::PROCESSING, StatusCode::EARLY_HINTS] {
        let expected = ours(Outcome::Failed, "failed", Record::completed(Server, status));
        Scenario::new(Server, Script::status(status)).records(expected);
    }
}

#[test]
fn a_panic_in_call() {
    Scenario::new(Server, Script::panics_in_call("boom")).not_buffered().records(ours(
        Outcome::Panicked,
        "panic",
        unanswered(Server),
    ));
}

#[test]
fn a_panic_in_a_poll() {
    Scenario::new(Server, Script::panics("boom")).records(ours(
        Outcome::Panicked,
        "panic",
        unanswered(Server),
    ));
}

#[test]
fn a_panic_in_the_body() {
    Scenario::new(Server, Script::body(ScriptBody::new().data("he").panic("boom"))).records(ours(
        Outcome::Panicked,
        "panic",
        ok(Server, 2),
    ));
}

#[test]
fn a_panic_in_the_drop_of_the_body() {
    let body = ScriptBody::new().data("he").pending().panics_on_drop("boom");
    Scenario::new(Server, Script::body(body))
        .caller(Caller::DropsBodyAfter(1, MS))
        .records(Record { duration: MS, ..ours(Outcome::Panicked, "panic", ok(Server, 2)) });
}

#[test]
fn the_body_is_dropped_in_scope_before_the_end() {
    let body = ScriptBody::new().data("he").pending().annotates_on_drop("dropped");
    let mut expected = peers(Outcome::Aborted, "aborted", ok(Server, 2));
    expected.attributes.set("dropped", true);
    Scenario::new(Server, Script::body(body))
        .caller(Caller::DropsBodyAfter(1, Duration::ZERO))
        .records(expected);
    let body = ScriptBody::new().data("he").annotates_on_drop("dropped");
    let mut expected = ok(Server, 2);
    expected.attributes.set("dropped", true);
    Scenario::new(Server, Script::body(body)).records(expected);
}
