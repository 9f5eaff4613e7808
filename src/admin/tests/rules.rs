//! Rules, as they are sent and told.

use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::admin::dumps::{read, tell};
use crate::classify::{Outcome, Side};
use crate::debug_dump::{Match, Rule};
use crate::grpc::Code;

pub(super) fn minute(condition: Value) -> Value {
    json!({
        "match": condition,
        "time_to_live_seconds": 60,
        "captures": 10,
        "bytes": 1_048_576,
        "body_cap": 1_024,
    })
}

/// The field that is named for a document.
fn refused(document: &Value) -> Option<String> {
    read::rule(document.to_string().as_bytes()).unwrap_err().field
}

#[test]
fn every_condition_is_read_and_told_again() {
    let rule = |matches| Rule::new(Duration::from_secs(60)).unwrap().matching(matches).unwrap();
    let status = |code| StatusCode::from_u16(code).unwrap();
    let header = || "x-a".parse().unwrap();
    let value = || Some(HeaderValue::from_static("1"));
    for (sent, matches) in [
        (json!({}), Match::Any),
        (json!({"method": "POST"}), Match::Method(Method::POST)),
        (json!({"route": "/x/{id}"}), Match::Route("/x/{id}".into())),
        (json!({"path_prefix": "/a"}), Match::PathPrefix("/a".into())),
        (json!({"status": 404}), Match::Status(status(404), status(404))),
        (json!({"status": {"from": 500, "to": 599}}), Match::Status(status(500), status(599))),
        (json!({"request_header": {"name": "x-a"}}), Match::RequestHeader(header(), None)),
        (
            json!({"request_header": {"name": "x-a", "value": "1"}}),
            Match::RequestHeader(header(), value()),
        ),
        (
            json!({"response_header": {"name": "x-a", "value": "1"}}),
            Match::ResponseHeader(header(), value()),
        ),
        (json!({"request_id": "r-1"}), Match::RequestId("r-1".into())),
        (json!({"slower_ms": 500}), Match::Slower(Duration::from_millis(500))),
        (json!({"one_in": 100}), Match::OneIn(NonZeroU32::new(100).unwrap())),
        (json!({"outcome": "deadline_exceeded"}), Match::Outcome(Outcome::DeadlineExceeded)),
        (
            json!({"grpc_status": "FAILED_PRECONDITION"}),
            Match::GrpcStatus(Code::FailedPrecondition),
        ),
        (json!({"error": true}), Match::Error),
        (json!({"side": "client"}), Match::Side(Side::Client)),
        (
            json!({"all": [{"any": [{"method": "GET"}, {}]}, {"not": {"all": []}}]}),
            Match::All(vec![
                Match::AnyOf(vec![Match::Method(Method::GET), Match::Any]),
                Match::Not(Box::new(Match::All(vec![]))),
            ]),
        ),
    ] {
        let document = minute(sent);
        let read = read::rule(document.to_string().as_bytes());
        assert_eq!(read, Ok(rule(matches)), "{document}");
        assert_eq!(tell::rule(&read.unwrap()), document);
    }
    let least = read::rule(br#"{"time_to_live_seconds":60}"#).unwrap();
    assert_eq!(tell::rule(&least), minute(json!({})));
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let from = |from: Value| json!({"all": [{}, {"status": {"from": from, "to": 599}}]});
    let nested = |depth| (0..depth).fold(json!({}), |inner, _| json!({"not": inner}));
    let deepest = format!("match{}", ".not".repeat(Rule::MAX_DEPTH));
    let secret = json!({"request_header": {"name": "authorization", "value": "Bearer s3cret"}});
    for (condition, field) in [
        (json!(null), "match"),
        (json!([]), "match"),
        (json!({"a": 1}), "match.a"),
        (json!({"method": "GET", "route": "/"}), "match.route"),
        (json!({"method": "G T"}), "match.method"),
        (json!({"method": 1}), "match.method"),
        (json!({"all": {}}), "match.all"),
        (json!({"any": [{}, 1]}), "match.any[1]"),
        (json!({"any": []}), "match.any"),
        (json!({"path_prefix": "a"}), "match.path_prefix"),
        (json!({"grpc_status": "BAD"}), "match.grpc_status"),
        (json!({"error": false}), "match.error"),
        (json!({"side": "both"}), "match.side"),
        (json!({"not": [{}]}), "match.not"),
        (from(json!(600)), "match.all[1].status.to"),
        (from(json!(99)), "match.all[1].status.from"),
        (from(json!("500")), "match.all[1].status.from"),
        (json!({"status": 1000}), "match.status"),
        (json!({"status": {"from": 500}}), "match.status.to"),
        (json!({"status": {"from": 500, "to": 599, "by": 1}}), "match.status.by"),
        (json!({"request_header": "x-a"}), "match.request_header"),
        (json!({"request_header": {"value": "1"}}), "match.request_header.name"),
        (json!({"request_header": {"name": "x a"}}), "match.request_header.name"),
        (json!({"response_header": {"name": "x-a", "value": "\n"}}), "match.response_header.value"),
        (secret, "match.request_header.value"),
        (json!({"request_id": null}), "match.request_id"),
        (json!({"path_prefix": "/".repeat(4097)}), "match.path_prefix"),
        (json!({"slower_ms": 0.5}), "match.slower_ms"),
        (json!({"slower_ms": -1}), "match.slower_ms"),
        (json!({"one_in": 0}), "match.one_in"),
        (json!({"one_in": 4_294_967_296_u64}), "match.one_in"),
        (json!({"outcome": "fine"}), "match.outcome"),
        (json!({"any": vec![json!({}); Rule::MAX_CONDITIONS]}), "match"),
        (nested(Rule::MAX_DEPTH), &deepest),
    ] {
        let document = minute(condition);
        assert_eq!(refused(&document).as_deref(), Some(field), "{document}");
    }
    for (name, value, field) in [
        ("time_to_live_seconds", json!(0), "time_to_live_seconds"),
        ("time_to_live_seconds", json!(86_401), "time_to_live_seconds"),
        ("time_to_live_seconds", json!(null), "time_to_live_seconds"),
        ("captures", json!(0), "captures"),
        ("captures", json!(1_001), "captures"),
        ("bytes", json!(1_023), "bytes"),
        ("bytes", json!(67_108_865), "bytes"),
        ("body_cap", json!(1_048_577), "body_cap"),
        ("bodycap", json!(1), "bodycap"),
    ] {
        let mut document = minute(json!({}));
        document[name] = value;
        assert_eq!(refused(&document).as_deref(), Some(field), "{document}");
    }
    assert_eq!(refused(&json!({})).as_deref(), Some("time_to_live_seconds"));
    let twice = br#"{"time_to_live_seconds":60,"match":{"not":{"one_in":1,"one_in":2}}}"#;
    assert_eq!(read::rule(twice).unwrap_err().field.as_deref(), Some("match.not.one_in"));
    // deeper than is read at all
    let deep = format!(r#"{{"time_to_live_seconds":60,"match":{}"#, r#"{"not":"#.repeat(1_000));
    let deep = format!("{deep}1{}", "}".repeat(1_001));
    assert_eq!(read::rule(deep.as_bytes()).unwrap_err().field, Some(deepest));
}

/// Any JSON, in which what a rule has comes up more often than not.
fn document() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        8 => proptest::sample::select(vec![
            "match", "all", "any", "not", "method", "route", "path_prefix", "status", "from", "to",
            "request_header", "response_header", "name", "value", "request_id", "slower_ms",
            "one_in", "outcome", "captures", "bytes", "body_cap",
        ]).prop_map(str::to_owned),
        1 => "(?s).{0,20}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (100_u64..2_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(?s).{0,20}".prop_map(Value::from),
        proptest::sample::select(vec!["GET", "failed", "x-a", "cookie", "/a"])
            .prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(5, 30, 4, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => proptest::collection::btree_map(name.clone(), inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (value.clone(), value, any::<bool>()).prop_map(|(value, matches, has_rest)| {
        if has_rest { json!({"time_to_live_seconds": 60, "match": matches}) } else { value }
    })
}

/// What is told of any rule that can be sent.
fn condition() -> impl Strategy<Value = Value> {
    let text = "(?s).{0,20}";
    let header = (text, "[a-z-]{1,8}").prop_map(|(value, name)| {
        let value: String = value.chars().filter(|it| !it.is_control()).collect();
        json!({"name": format!("x-{name}z"), "value": value})
    });
    let leaf = prop_oneof![
        Just(json!({})),
        "[A-Z]{1,8}".prop_map(|it| json!({"method": it})),
        text.prop_map(|it| json!({"route": it})),
        text.prop_map(|it| json!({"path_prefix": format!("/{it}")})),
        text.prop_map(|it| json!({"request_id": it})),
        (100_u16..1_000).prop_map(|it| json!({"status": it})),
        (100_u16..500, 500_u16..1_000)
            .prop_map(|(from, to)| json!({"status": {"from": from, "to": to}})),
        header.clone().prop_map(|it| json!({"request_header": it})),
        header.prop_map(|it| json!({"response_header": it})),
        any::<u64>().prop_map(|it| json!({"slower_ms": it})),
        (1..u32::MAX).prop_map(|it| json!({"one_in": it})),
        Just(json!({"outcome": "aborted"})),
        Just(json!({"grpc_status": "DATA_LOSS"})),
        Just(json!({"error": true})),
        Just(json!({"side": "server"})),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        let some = proptest::collection::vec(inner.clone(), 0..4);
        let one_or_more = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            some.prop_map(|it| json!({"all": it})),
            one_or_more.prop_map(|it| json!({"any": it})),
            inner.prop_map(|it| json!({"not": it})),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_a_rule_or_a_field_is_named(document in document()) {
        match read::rule(document.to_string().as_bytes()) {
            Ok(rule) => {
                let told = tell::rule(&rule);
                prop_assert_eq!(read::rule(told.to_string().as_bytes()), Ok(rule));
            }
            Err(refusal) => {
                prop_assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
                prop_assert_eq!(refusal.field.is_some(), document.is_object());
                let field = refusal.field.unwrap_or_default();
                prop_assert!(!field.chars().any(crate::escape::is_control));
            }
        }
    }

    #[test]
    fn what_is_told_of_a_rule_is_what_was_sent(
        condition in condition(),
        seconds in 1_u64..=86_400,
        captures in 1_u64..=1_000,
        bytes in 1_024_u64..=67_108_864,
        body_cap in 0_u64..=1_048_576,
    ) {
        let sent = json!({
            "match": condition,
            "time_to_live_seconds": seconds,
            "captures": captures,
            "bytes": bytes,
            "body_cap": body_cap,
        });
        match read::rule(sent.to_string().as_bytes()) {
            Ok(rule) => prop_assert_eq!(tell::rule(&rule), sent),
            // too many conditions, or a text that reads like a secret
            Err(refusal) => {
                let field = refusal.field.unwrap();
                prop_assert!(field == "match" || field.ends_with(".value"), "{}", field);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(refusal) = read::rule(&bytes) {
            prop_assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
        }
    }
}

#[test]
fn a_secret_that_the_program_itself_asks_for_is_not_told() {
    let matches = Match::RequestHeader(
        http::header::AUTHORIZATION,
        Some(HeaderValue::from_static("Bearer s3cret")),
    );
    let rule = Rule::new(Duration::from_millis(1_500)).unwrap().matching(matches).unwrap();
    let expected = json!({
        "match": {"request_header": {"name": "authorization", "value": "REDACTED"}},
        "time_to_live_seconds": 2,
        "captures": 10,
        "bytes": 1_048_576,
        "body_cap": 1_024,
    });
    assert_eq!(tell::rule(&rule), expected);
}
