//! Each column of "Whose doing", and the places where it can be changed.

use http::StatusCode;

use super::{Caller, MS, Scenario};
use crate::classify::Side::{Client, Server};
use crate::classify::{Blame, Classify, ErrorType, Goodness, Outcome};
use crate::testing::{Record, Script, ScriptBody, ScriptError};

#[test]
fn below_500_nobody_is_to_blame_on_a_server() {
    for status in [200, 299, 301, 399, 400, 404, 429, 499] {
        let status = StatusCode::from_u16(status).unwrap();
        Scenario::new(Server, Script::status(status)).records(Record::completed(Server, status));
    }
}

#[test]
fn from_500_on_a_server_is_to_blame() {
    for status in [500, 503, 599] {
        let status = StatusCode::from_u16(status).unwrap();
        Scenario::new(Server, Script::status(status)).records(Record {
            blame: Blame::Ours,
            error_type: Some(ErrorType::Status(status)),
            is_error: true,
            goodness: Goodness::Bad,
            ..Record::completed(Server, status)
        });
    }
}

#[test]
fn from_400_on_a_client_call_is_an_error() {
    for status in [200, 399] {
        let status = StatusCode::from_u16(status).unwrap();
        Scenario::new(Client, Script::status(status)).records(Record::completed(Client, status));
    }
    for status in [400, 404, 499, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        Scenario::new(Client, Script::status(status)).records(Record {
            blame: Blame::Ours,
            error_type: Some(ErrorType::Status(status)),
            is_error: true,
            goodness: Goodness::Bad,
            ..Record::completed(Client, status)
        });
    }
}

#[test]
fn error_types_are_written_as_the_table_says() {
    assert_eq!(ErrorType::Status(StatusCode::SERVICE_UNAVAILABLE).as_str(), "503");
    assert_eq!(ErrorType::Grpc(crate::grpc::Code::Unavailable).as_str(), "UNAVAILABLE");
    assert_eq!(ErrorType::CONTENT_LENGTH_MISMATCH.to_string(), "content_length_mismatch");
    let names = [
        Outcome::Completed,
        Outcome::Aborted,
        Outcome::Cancelled,
        Outcome::DeadlineExceeded,
        Outcome::Failed,
        Outcome::Panicked,
    ]
    .map(|outcome| outcome.to_string());
    assert_eq!(
        names,
        ["completed", "aborted", "cancelled", "deadline_exceeded", "failed", "panicked"]
    );
}

#[test]
fn peer_ends_can_be_marked_as_errors() {
    let mut scenario = Scenario::new(Server, Script::pends()).caller(Caller::GivesUpAfter(MS));
    scenario.classify = Classify::new().peer_ends_are_errors();
    scenario.records(Record {
        outcome: Outcome::Cancelled,
        status: None,
        time_to_headers: None,
        duration: MS,
        blame: Blame::Peer,
        error_type: Some(ErrorType::Named("cancelled")),
        is_error: true,
        goodness: Goodness::LeftOut,
        ..Record::completed(Server, StatusCode::OK)
    });
    let mut scenario = Scenario::new(Server, Script::status(StatusCode::OK));
    scenario.classify = Classify::new().peer_ends_are_errors();
    scenario.records(Record::completed(Server, StatusCode::OK));
}

#[test]
fn the_blame_can_be_changed() {
    let not_found_is_ours = Classify::new().blame(|ending, blame| match ending.status {
        Some(StatusCode::NOT_FOUND) => Blame::Ours,
        Some(StatusCode::SERVICE_UNAVAILABLE) => Blame::Nobody,
        _ => blame,
    });
    let mut scenario = Scenario::new(Server, Script::status(StatusCode::NOT_FOUND));
    scenario.classify = not_found_is_ours.clone();
    scenario.records(Record {
        blame: Blame::Ours,
        error_type: Some(ErrorType::Status(StatusCode::NOT_FOUND)),
        is_error: true,
        goodness: Goodness::Bad,
        ..Record::completed(Server, StatusCode::NOT_FOUND)
    });
    let mut scenario = Scenario::new(Server, Script::status(StatusCode::SERVICE_UNAVAILABLE));
    scenario.classify = not_found_is_ours.clone();
    scenario.records(Record::completed(Server, StatusCode::SERVICE_UNAVAILABLE));
    let mut scenario = Scenario::new(Server, Script::status(StatusCode::BAD_GATEWAY));
    scenario.classify = not_found_is_ours;
    scenario.records(Record {
        blame: Blame::Ours,
        error_type: Some(ErrorType::Status(StatusCode::BAD_GATEWAY)),
        is_error: true,
        goodness: Goodness::Bad,
        ..Record::completed(Server, StatusCode::BAD_GATEWAY)
    });
}

#[test]
fn errors_can_be_named() {
    let named = |message: &'static str, name: &'static str| {
        let body = ScriptBody::new().error(message);
        let mut scenario = Scenario::new(Server, Script::body(body)).not_buffered();
        scenario.classify = Classify::new().error_name(|error| {
            let error = error.downcast_ref::<ScriptError>()?;
            (error.0 == "disk").then_some("disk_full")
        });
        scenario.records(Record {
            outcome: Outcome::Failed,
            blame: Blame::Ours,
            error_type: Some(ErrorType::Named(name)),
            is_error: true,
            goodness: Goodness::Bad,
            error: Some(message.into()),
            ..Record::completed(Server, StatusCode::OK)
        });
    };
    named("disk", "disk_full");
    named("net", "failed");
}
