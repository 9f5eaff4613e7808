//! gRPC: where the status comes from, and what each side makes of it.

use http::{Method, StatusCode};

use super::{Caller, MS, Scenario, grpc_request};
use crate::classify::Side::{Client, Server};
use crate::classify::{Blame, ErrorType, Goodness, Outcome, Protocol, Side};
use crate::grpc::Code;
use crate::route::Route;
use crate::testing::{ManualClock, Record, Script, ScriptBody};

fn call(side: Side, code: Code) -> Record {
    Record::called(side, "shop.Cart/Add", code)
}

fn ended(side: Side, outcome: Outcome, code: Code, name: &'static str, blame: Blame) -> Record {
    call(side, code).ended(outcome).blaming(blame, ErrorType::Named(name))
}

fn answer(body: ScriptBody) -> Script {
    Script::body(body).with_header("content-type", "application/grpc")
}

fn with_status(code: &'static str) -> Script {
    answer(ScriptBody::new().data("12345").trailers(&[("grpc-status", code)]))
}

#[test]
fn the_status_of_the_trailers_and_the_error_set_of_each_side() {
    for side in [Server, Client] {
        for number in 0..=16 {
            let text: &'static str = Box::leak(number.to_string().into_boxed_str());
            Scenario::new(side, with_status(text))
                .grpc()
                .records(Record { response_bytes: 5, ..call(side, Code::from_number(number)) });
        }
    }
}

#[test]
fn the_status_of_a_trailers_only_answer() {
    let script = Script::status(StatusCode::OK).with_header("grpc-status", "5");
    Scenario::new(Server, script).grpc().records(call(Server, Code::NotFound));
}

#[test]
fn trailers_go_before_headers() {
    let script = with_status("14").with_header("grpc-status", "0");
    Scenario::new(Server, script)
        .grpc()
        .records(Record { response_bytes: 5, ..call(Server, Code::Unavailable) });
}

#[test]
fn a_missing_status_is_unknown() {
    let bodies = [ScriptBody::new(), ScriptBody::new().trailers(&[("x", "y")])];
    for body in bodies {
        let unknown = Record { route: Some(Route::OTHER), ..call(Server, Code::Unknown) };
        Scenario::new(Server, answer(body)).grpc().records(unknown);
    }
}

#[test]
fn a_plain_http_answer_is_mapped() {
    for (status, code) in [
        (StatusCode::NOT_FOUND, Code::Unimplemented),
        (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        (StatusCode::INTERNAL_SERVER_ERROR, Code::Unknown),
    ] {
        Scenario::new(Client, Script::status(status))
            .grpc()
            .records(Record { status: Some(status), ..call(Client, code) });
    }
}

#[test]
fn a_drop_after_the_content_length_is_no_completion() {
    let script =
        answer(ScriptBody::new().data("12345").pending()).with_header("content-length", "5");
    let expected = ended(Server, Outcome::Aborted, Code::Cancelled, "aborted", Blame::Peer);
    Scenario::new(Server, script).grpc().caller(Caller::DropsBodyAfter(1, MS)).records(Record {
        response_bytes: 5,
        duration: MS,
        ..expected
    });
}

#[test]
fn cancelled_before_the_headers() {
    for side in [Server, Client] {
        let expected = ended(side, Outcome::Cancelled, Code::Cancelled, "cancelled", Blame::Peer);
        Scenario::new(side, Script::pends())
            .grpc()
            .caller(Caller::GivesUpAfter(MS))
            .records(Record { status: None, time_to_headers: None, duration: MS, ..expected });
    }
}

#[test]
fn a_caller_that_stopped_reading_cancels_its_call() {
    let script = Script::body(ScriptBody::new().data("12345").data("6"));
    Scenario::new(Client, script).grpc().caller(Caller::DropsBodyAfter(1, MS)).records(Record {
        unread: true,
        blame: Blame::Peer,
        error_type: None,
        is_error: false,
        goodness: Goodness::LeftOut,
        response_bytes: 5,
        duration: MS,
        ..call(Client, Code::Cancelled)
    });
}

#[test]
fn the_callers_time_had_run_out() {
    let late = |side, code| {
        let expected =
            ended(side, Outcome::DeadlineExceeded, code, "deadline_exceeded", Blame::Ours);
        Record { status: None, time_to_headers: None, duration: 2 * MS, ..expected }
    };
    for side in [Server, Client] {
        Scenario::new(side, Script::pends())
            .request(|| grpc_request(Some("2m")))
            .caller(Caller::GivesUpAfter(2 * MS))
            .records(late(side, Code::DeadlineExceeded));
        // the shorter of the two holds
        Scenario::new(side, Script::pends())
            .request(|| grpc_request(Some("2m")))
            .deadline(5 * MS)
            .caller(Caller::GivesUpAfter(2 * MS))
            .records(late(side, Code::DeadlineExceeded));
    }
    let expected = ended(Server, Outcome::Cancelled, Code::Cancelled, "cancelled", Blame::Peer);
    Scenario::new(Server, Script::pends())
        .request(|| grpc_request(Some("3m")))
        .caller(Caller::GivesUpAfter(2 * MS))
        .records(Record { status: None, time_to_headers: None, duration: 2 * MS, ..expected });
}

#[test]
fn without_the_content_type_or_the_method_of_grpc_it_is_plain_http() {
    let untyped = || {
        let mut request = grpc_request(Some("2m"));
        request.headers_mut().remove("content-type");
        request
    };
    let put = || {
        let mut request = grpc_request(Some("2m"));
        *request.method_mut() = Method::PUT;
        request
    };
    for (request, method) in [(untyped as fn() -> _, Method::POST), (put, Method::PUT)] {
        Scenario::new(Server, Script::pends())
            .request(request)
            .caller(Caller::GivesUpAfter(2 * MS))
            .records(Record {
                protocol: Protocol::Http,
                method,
                route: None,
                grpc_status: None,
                status: None,
                time_to_headers: None,
                duration: 2 * MS,
                ..ended(Server, Outcome::Cancelled, Code::Cancelled, "cancelled", Blame::Peer)
            });
    }
}

#[test]
fn an_error_without_a_status_is_unavailable() {
    let clock = ManualClock::new();
    let mut scenario = Scenario::new(Client, Script::fails("refused").after(&clock, MS)).grpc();
    scenario.clock = clock;
    let expected = ended(Client, Outcome::Failed, Code::Unavailable, "failed", Blame::Ours);
    scenario.records(Record {
        status: None,
        time_to_headers: None,
        duration: MS,
        error: Some("refused".into()),
        ..expected
    });
}

#[test]
fn a_panic_is_internal() {
    let expected = ended(Server, Outcome::Panicked, Code::Internal, "panic", Blame::Ours);
    Scenario::new(Server, Script::panics("boom")).grpc().records(Record {
        status: None,
        time_to_headers: None,
        ..expected
    });
}

#[test]
fn a_body_short_of_its_content_length_keeps_the_status_it_sent() {
    let expected = ended(Server, Outcome::Failed, Code::Ok, "content_length_mismatch", Blame::Ours);
    Scenario::new(Server, with_status("0").with_header("content-length", "6"))
        .grpc()
        .records(Record { response_bytes: 5, ..expected });
    let expected =
        ended(Server, Outcome::Failed, Code::Internal, "content_length_mismatch", Blame::Ours);
    Scenario::new(Server, answer(ScriptBody::new()).with_header("content-length", "6"))
        .grpc()
        .records(Record { route: Some(Route::OTHER), ..expected });
}

#[test]
fn a_strangers_content_type_does_not_make_a_plain_service_one_of_grpc() {
    for status in [StatusCode::OK, StatusCode::NOT_FOUND] {
        let plain = Record { method: Method::POST, ..Record::completed(Server, status) };
        Scenario::new(Server, Script::status(status)).grpc().records(plain.clone());
        let script = Script::body(ScriptBody::new().data("12345").pending()).with_status(status);
        Scenario::new(Server, script.with_header("content-length", "5"))
            .grpc()
            .caller(Caller::DropsBodyAfter(1, MS))
            .records(Record { response_bytes: 5, duration: MS, ..plain });
    }
}

#[test]
fn a_failed_call_whose_body_goes_unread_is_no_cancel() {
    let html = ScriptBody::new().data("<html>").data("</html>");
    let unread = |status, code| Record {
        unread: true,
        status: Some(status),
        response_bytes: 6,
        duration: MS,
        ..call(Client, code)
    };
    Scenario::new(Client, Script::body(html.clone()).with_status(StatusCode::BAD_GATEWAY))
        .grpc()
        .caller(Caller::DropsBodyAfter(1, MS))
        .records(unread(StatusCode::BAD_GATEWAY, Code::Unavailable));
    Scenario::new(Client, answer(html).with_header("grpc-status", "7"))
        .grpc()
        .caller(Caller::DropsBodyAfter(1, MS))
        .records(unread(StatusCode::OK, Code::PermissionDenied));
}

#[test]
fn an_error_without_a_status_is_internal_on_a_server() {
    let expected = ended(Server, Outcome::Failed, Code::Internal, "failed", Blame::Ours);
    Scenario::new(Server, Script::fails("lost"))
        .grpc()
        .records(Record { error: Some("lost".into()), ..expected.unanswered() });
}

#[cfg(feature = "tonic")]
#[tokio::test]
async fn an_errors_own_status_goes_first_on_both_sides() {
    use tower::{Layer, ServiceExt, service_fn};
    for side in [Server, Client] {
        let recorder = crate::testing::Recorder::new();
        let service = recorder.layer(side).layer(service_fn(async |_: http::Request<()>| {
            Err::<http::Response<ScriptBody>, _>(tonic::Status::data_loss("torn"))
        }));
        assert!(service.oneshot(grpc_request(None)).await.is_err());
        assert_eq!(recorder.only().grpc_status, Some(Code::DataLoss));
    }
}
