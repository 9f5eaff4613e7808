//! Rules as they are sent, and what becomes of them.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower_service::Service;

use super::{READER, TOKEN, ask, bearer, logged, request};
use crate::admin::Admin;
use crate::admin::dumps::{read, tell};
use crate::classify::Outcome;
use crate::debug_dump::{DumpControl, Live, Match, Rule};
use crate::testing::ManualClock;

fn minute(condition: Value) -> Value {
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
            json!({"all": [{"any": [{"method": "GET"}, {}]}, {"not": {"any": []}}]}),
            Match::All(vec![
                Match::AnyOf(vec![Match::Method(Method::GET), Match::Any]),
                Match::Not(Box::new(Match::AnyOf(vec![]))),
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
        (json!({"path_prefix": "a".repeat(4097)}), "match.path_prefix"),
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
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (100_u64..2_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
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
    let text = any::<String>();
    let header = (text.clone(), "[a-z-]{1,8}").prop_map(|(value, name)| {
        let value: String = value.chars().filter(|it| !it.is_control()).collect();
        json!({"name": format!("x-{name}z"), "value": value})
    });
    let leaf = prop_oneof![
        Just(json!({})),
        "[A-Z]{1,8}".prop_map(|it| json!({"method": it})),
        text.clone().prop_map(|it| json!({"route": it})),
        text.clone().prop_map(|it| json!({"path_prefix": it})),
        text.prop_map(|it| json!({"request_id": it})),
        (100_u16..1_000).prop_map(|it| json!({"status": it})),
        (100_u16..500, 500_u16..1_000)
            .prop_map(|(from, to)| json!({"status": {"from": from, "to": to}})),
        header.clone().prop_map(|it| json!({"request_header": it})),
        header.prop_map(|it| json!({"response_header": it})),
        any::<u64>().prop_map(|it| json!({"slower_ms": it})),
        (1..u32::MAX).prop_map(|it| json!({"one_in": it})),
        Just(json!({"outcome": "aborted"})),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        let some = proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            some.clone().prop_map(|it| json!({"all": it})),
            some.prop_map(|it| json!({"any": it})),
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

#[tokio::test]
async fn arming_and_disarming_are_told_and_leave_an_audit() {
    let logged = logged("info");
    let clock = ManualClock::new();
    let control = DumpControl::builder().clock(clock.clock()).build();
    let admin = Admin::builder(bearer()).dumps(control.clone()).build();
    let get = async || ask(&admin, request("GET", "/debug/dump", Some(READER), "")).await.json();
    let disarmed = json!({"armed": null, "watchers": 0, "captures": []});
    assert_eq!(get().await, disarmed);

    let sent = minute(json!({"method": "GET"}));
    let armed = |left: u64, rule: &Value| {
        let armed = json!({
            "rule": rule, "since": "2026-01-01T00:00:00Z", "left_seconds": left, "captured": 0,
        });
        json!({"armed": armed, "watchers": 0, "captures": []})
    };
    let post = async |rule: &Value| {
        let body = rule.to_string();
        ask(&admin, request("POST", "/debug/dump", Some(TOKEN), &body)).await.json()
    };
    assert_eq!(post(&sent).await, armed(60, &sent));
    let other = minute(json!({"route": "/\u{202e}"}));
    assert_eq!(post(&other).await, armed(60, &other));
    clock.advance(Duration::from_millis(59_001));
    assert_eq!(get().await, armed(1, &other));
    for _ in 0..2 {
        let told = ask(&admin, request("DELETE", "/debug/dump", Some(TOKEN), "")).await;
        assert_eq!((told.status.as_u16(), told.json()), (200, disarmed.clone()));
        // there are none
        let told = ask(&admin, request("DELETE", "/debug/dump/captures", Some(TOKEN), "")).await;
        assert_eq!((told.status.as_u16(), told.json()), (200, disarmed.clone()));
    }
    let rule = |matches: &str| {
        format!(
            r#"{{"body_cap":1024,"bytes":1048576,"captures":10,"match":{matches},"time_to_live_seconds":60}}"#
        )
    };
    let (one, two) = (rule(r#"{"method":"GET"}"#), rule(r#"{"route":"/\u202e"}"#));
    let event = |old: &str, new: &str, rest: &str| {
        format!(
            "tower_observability::audit what=\"debug_dump\" old={old:?} new={new:?}{rest} principal=\"token\" outcome=\"applied\""
        )
    };
    let expected = [
        event("disarmed", &one, " time_to_live_seconds=60"),
        event(&one, &two, " time_to_live_seconds=60"),
        event(&two, "disarmed", ""),
    ];
    assert_eq!(logged.events.take(), expected);
}

#[tokio::test]
async fn a_rule_whose_time_is_over_is_nobodys_change() {
    let logged = logged("info");
    let clock = ManualClock::new();
    let control = DumpControl::builder().clock(clock.clock()).build();
    let admin = Admin::builder(bearer()).dumps(control.clone()).build();
    control.arm(Rule::new(Duration::from_secs(1)).unwrap());
    clock.advance(Duration::from_secs(1));
    ask(&admin, request("DELETE", "/debug/dump", Some(TOKEN), "")).await;
    assert_eq!(logged.events.take(), Vec::<String>::new());
}

#[tokio::test]
async fn a_stream_is_watched_while_its_body_lives() {
    let control = DumpControl::new();
    let admin = Admin::builder(bearer()).dumps(control.clone()).build();
    let open = async || {
        let request = request("GET", "/debug/dump/stream", Some(READER), "");
        admin.clone().call(request).await.unwrap()
    };
    ask(&admin, request("HEAD", "/debug/dump/stream", Some(READER), "")).await;
    assert_eq!(control.watchers(), 0);
    let mut all = Vec::new();
    for _ in 0..Live::MAX_WATCHERS {
        all.push(open().await);
    }
    assert_eq!((control.watchers(), open().await.status().as_u16()), (Live::MAX_WATCHERS, 503));
    let mut last = all.pop().unwrap();
    assert_eq!(last.headers()["content-type"], "application/x-ndjson");
    assert!(last.body_mut().frame().now_or_never().is_none());
    drop((all, last));
    assert_eq!(control.watchers(), 0);
}
