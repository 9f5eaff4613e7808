//! The filter, over time.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::{READER, TOKEN, ask, bearer, logged, request};
use crate::admin::{Admin, FallBack, LogControl, LogError, LogStatus};
use crate::testing::ManualClock;

const MINUTE: Duration = Duration::from_secs(60);

fn in_force(handle: &reload::Handle<EnvFilter, Registry>) -> String {
    handle.with_current(ToString::to_string).unwrap()
}

fn default() -> LogStatus {
    LogStatus { filter: "info".to_owned(), default: "info".to_owned(), falls_back: None }
}

#[test]
fn it_falls_back_without_anybody_asking() {
    let logged = logged("info");
    let clock = ManualClock::new();
    let control = logged.control.clone().clock(clock.clock());
    control.set("warn,a=trace", MINUTE).unwrap();
    logged.events.take();
    assert_eq!(in_force(&logged.handle), "tower_observability::audit=info,a=trace,warn");

    clock.advance(MINUTE);
    let expected = r#"tower_observability::audit what="log_filter" old="warn,a=trace" new="info" outcome="expired""#;
    assert_eq!(logged.events.wait_for_one(), [expected]);
    assert_eq!(in_force(&logged.handle), "tower_observability::audit=info,info");
    assert_eq!(control.status(), default());
    assert_eq!(logged.events.take(), [""; 0]);
}

#[test]
fn whoever_looks_is_never_told_what_is_over() {
    let logged = logged("info");
    let clock = ManualClock::new();
    let control = logged.control.clone().clock(clock.clock());
    for _ in 0..20 {
        control.set("warn", MINUTE).unwrap();
        clock.advance(MINUTE - Duration::from_millis(1));
        assert_eq!(control.status().filter, "warn");
        clock.advance(Duration::from_millis(1));
        assert_eq!(control.status(), default());
        assert_eq!(in_force(&logged.handle), "tower_observability::audit=info,info");
    }
}

#[test]
fn the_last_that_is_set_holds_for_its_own_time() {
    let logged = logged("info");
    let clock = ManualClock::new();
    let control = logged.control.clone().clock(clock.clock());
    control.set("warn", MINUTE).unwrap();
    control.set("debug", 3 * MINUTE).unwrap();
    clock.advance(2 * MINUTE);
    let at = SystemTime::UNIX_EPOCH + ManualClock::START + 3 * MINUTE;
    let falls_back = Some(FallBack { after: MINUTE, at });
    let expected = LogStatus { filter: "debug".to_owned(), falls_back, ..default() };
    assert_eq!(control.status(), expected);
    control.fall_back().unwrap();
    assert_eq!(control.status(), default());
}

#[test]
fn what_cannot_be_set_changes_nothing() {
    let logged = logged("info");
    let control = &logged.control;
    for time in [
        Duration::ZERO,
        Duration::from_millis(999),
        LogControl::MAX_TIME_TO_LIVE + Duration::from_nanos(1),
    ] {
        assert_eq!(control.set("warn", time), Err(LogError::TimeToLive(time)));
    }
    // what `EnvFilter` alone panics at
    control.set(" é=info , b=debug", MINUTE).unwrap();
    assert_eq!(control.status().filter, "é=info,b=debug");
    control.fall_back().unwrap();
    for filter in ["", "a=b", "[{a=b}]", "\u{9b}", &"a".repeat(4097)] {
        assert!(matches!(control.set(filter, MINUTE), Err(LogError::Filter(_))), "{filter}");
    }
    assert_eq!(control.status(), default());
}

#[test]
fn no_filter_silences_the_audit() {
    let logged = logged("error");
    for filter in ["off", "tower_observability=off", "tower_observability::audit=off"] {
        logged.control.set(filter, MINUTE).unwrap();
        let set = logged.events.take();
        assert_eq!(set.len(), 1, "{filter}");
        logged.control.fall_back().unwrap();
        let back = logged.events.take();
        assert_eq!(back.len(), 1, "{filter}");
    }
    for fields in ["[{what}]=off", "[{what,outcome}]=off", "[span]=off"] {
        let filter = format!("tower_observability::audit{fields},info");
        let refused = logged.control.set(&filter, MINUTE);
        assert!(matches!(refused, Err(LogError::Filter(_))), "{filter}");
    }
    let own = self::logged("tower_observability::audit=off,info");
    own.control.set("warn", MINUTE).unwrap();
    own.control.fall_back().unwrap();
    assert_eq!(in_force(&own.handle), "tower_observability::audit=off,info");
}

#[test]
fn a_subscriber_that_is_gone_is_told_of() {
    let (layer, handle) = reload::Layer::<_, Registry>::new(EnvFilter::new("info"));
    let control = LogControl::reload(handle.clone()).unwrap();
    drop(layer);
    assert!(matches!(control.set("warn", MINUTE), Err(LogError::Failed(_))));
    assert_eq!(control.status(), default());
    let error = LogControl::reload(handle).unwrap_err();
    assert_eq!(error.field(), "handle");
    let error = LogControl::new("", |_| Ok::<_, String>(())).unwrap_err();
    assert_eq!(error.field(), "default");
}

#[tokio::test]
async fn it_is_told_and_set_over_http() {
    let logged = logged("info");
    let clock = ManualClock::new();
    let control = logged.control.clone().clock(clock.clock());
    let admin = Admin::builder(bearer()).log(control).build();
    let get = async || ask(&admin, request("GET", "/debug/log", Some(READER), "")).await.json();
    let at_rest = json!({"filter": "info", "default": "info", "falls_back": null});
    assert_eq!(get().await, at_rest);

    let body = r#"{"time_to_live_seconds":60,"filter":" warn, a=debug "}"#;
    let told = ask(&admin, request("POST", "/debug/log", Some(TOKEN), body)).await;
    let falls_back = |after: u64| json!({"after_seconds": after, "at_unix_seconds": 1_767_225_660});
    let set = |after| json!({"filter": "warn,a=debug", "default": "info", "falls_back": falls_back(after)});
    assert_eq!((told.status.as_u16(), told.json()), (200, set(60)));
    clock.advance(Duration::from_millis(59_001));
    assert_eq!(get().await, set(1));

    for _ in 0..2 {
        let told = ask(&admin, request("DELETE", "/debug/log", Some(TOKEN), "")).await;
        assert_eq!((told.status.as_u16(), told.json()), (200, at_rest.clone()));
    }
    let expected = [
        r#"tower_observability::audit what="log_filter" old="info" new="warn,a=debug" time_to_live_seconds=60 principal="token" outcome="applied""#,
        r#"tower_observability::audit what="log_filter" old="warn,a=debug" new="info" principal="token" outcome="applied""#,
    ];
    assert_eq!(logged.events.take(), expected);
}

#[tokio::test]
async fn attempts_are_told_and_a_failure_is_503() {
    let logged = logged("info");
    let control = LogControl::new("info", |_| Err("gone")).unwrap();
    let admin = Admin::builder(bearer()).log(control).build();
    let body = r#"{"filter":"warn","time_to_live_seconds":60}"#;
    let mut statuses = Vec::new();
    for token in [None, Some(READER), Some(TOKEN)] {
        let told = ask(&admin, request("POST", "/debug/log", token, body)).await;
        statuses.push((told.status.as_u16(), told.json()["field"].clone()));
    }
    assert_eq!(statuses, [(401, Value::Null), (403, Value::Null), (503, Value::Null)]);
    let expected = [
        r#"tower_observability::audit what="POST /debug/log" outcome="unauthorized""#,
        r#"tower_observability::audit what="POST /debug/log" outcome="forbidden""#,
        r#"tower_observability::audit what="log_filter" old="info" new="warn" time_to_live_seconds=60 principal="token" outcome="failed""#,
    ];
    assert_eq!(logged.events.take(), expected);
}

#[cfg(feature = "telemetry")]
#[test]
fn the_filter_of_telemetry_can_be_controlled() {
    use crate::telemetry::{LogFilter, Telemetry};

    let telemetry = Telemetry::builder("test").log_filter("info").build().unwrap();
    let filter = telemetry.log_filter();
    let control = LogControl::telemetry(filter).unwrap();
    control.set("warn", MINUTE).unwrap();
    assert_eq!(filter.current(), "warn,tower_observability::audit=info");
    control.fall_back().unwrap();
    assert_eq!(filter.current(), "info,tower_observability::audit=info");
    filter.set("").unwrap();
    assert_eq!(LogControl::telemetry(filter).unwrap().status().default, LogFilter::DEFAULT);
}
