//! Dumps that are switched and watched.

use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower_service::Service;

use super::rules::minute;
use super::{READER, TOKEN, ask, bearer, logged, request};
use crate::admin::Admin;
use crate::debug_dump::{DumpControl, Live, Rule};
use crate::testing::ManualClock;

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

#[tokio::test]
async fn a_long_rule_is_cut_in_the_audit_and_forgotten_captures_are_counted() {
    let logged = logged("info");
    let control = DumpControl::new();
    let admin = Admin::builder(bearer()).dumps(control.clone()).build();
    let long = minute(json!({"route": "é".repeat(2_048)}));
    let body = long.to_string();
    assert_eq!(ask(&admin, request("POST", "/debug/dump", Some(TOKEN), &body)).await.status, 200);
    let [event] = &logged.events.take()[..] else { panic!("one event") };
    let (_, new) = event.split_once("new=").unwrap();
    let new: String = serde_json::from_str(new.split(" time_to_live").next().unwrap()).unwrap();
    assert!(new.ends_with("é…") && (4_090..=4_099).contains(&new.len()), "{}", new.len());

    control.arm(Rule::new(Duration::from_secs(60)).unwrap());
    let layer = crate::debug_dump::DebugDumpLayer::server(&control);
    let mut service =
        tower_layer::Layer::layer(&layer, crate::testing::Script::status(StatusCode::OK));
    for _ in 0..2 {
        drop(service.call(http::Request::new(())).await.unwrap());
    }
    let told = ask(&admin, request("DELETE", "/debug/dump/captures", Some(TOKEN), "")).await;
    assert_eq!(told.json()["captures"], json!([]));
    let expected = [
        r#"tower_observability::audit what="debug_dump_captures" old="2" new="0" principal="token" outcome="applied""#,
    ];
    assert_eq!(logged.events.take(), expected);
}
