//! Every endpoint, whoever asks, with every method, and every kind of body.

use serde_json::json;

use super::{READER, TOKEN, Told, ask, bearer, logged, request};
use crate::admin::{Admin, Closed};

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
const GOOD: &str = r#"{"filter":"debug","time_to_live_seconds":60}"#;
const CALLERS: [Option<&str>; 4] =
    [None, Some("a-wrong-token-of-some-length"), Some(READER), Some(TOKEN)];

/// What an endpoint answers, by caller, where nothing is wrong but who asks.
type Row = (&'static str, &'static [(&'static str, [u16; 4])]);

const LOOK: [u16; 4] = [401, 401, 200, 200];
const CHANGE: [u16; 4] = [401, 401, 403, 200];
const TABLE: &[Row] = &[
    ("/", &[("GET", LOOK), ("HEAD", LOOK)]),
    ("/debug", &[("GET", LOOK), ("HEAD", LOOK)]),
    #[cfg(feature = "metrics")]
    ("/metrics", &[("GET", [200; 4]), ("HEAD", [200; 4])]),
    #[cfg(feature = "slo")]
    ("/slo", &[("GET", LOOK), ("HEAD", LOOK)]),
    ("/debug/log", &[("GET", LOOK), ("HEAD", LOOK), ("POST", CHANGE), ("DELETE", CHANGE)]),
    ("/debug/log/", &[]),
    ("/Debug", &[]),
    ("//", &[]),
    ("/debug/%6Cog", &[]),
    ("/unknown", &[]),
];

fn admin(control: &crate::admin::LogControl) -> Admin {
    let admin = Admin::builder(bearer()).log(control.clone());
    #[cfg(feature = "metrics")]
    let admin = admin.metrics(crate::metrics::MetricsService::new(&prometheus::Registry::new()));
    #[cfg(feature = "slo")]
    let admin = admin.objectives(crate::slo::SloTracker::builder().build().unwrap());
    admin.build()
}

/// What holds for every answer, and for what is refused.
fn check(told: &Told, context: &str, is_head: bool) {
    assert_eq!(told.header("cache-control"), Some("no-store"), "{context}");
    assert_eq!(told.header("x-content-type-options"), Some("nosniff"), "{context}");
    let status = told.status.as_u16();
    assert_eq!(told.header("www-authenticate").is_some(), status == 401, "{context}");
    assert_eq!(told.header("allow").is_some(), status == 405, "{context}");
    if is_head {
        assert!(told.body.is_empty(), "{context}");
    } else if status >= 400 {
        assert_eq!(told.header("content-type"), Some("application/problem+json"), "{context}");
        let problem = told.json();
        assert_eq!(problem["type"], "about:blank", "{context}");
        assert_eq!(problem["status"], status, "{context}");
        assert_eq!(problem["title"], told.status.canonical_reason().unwrap(), "{context}");
        assert!(problem["detail"].is_string(), "{context}");
    }
}

#[tokio::test]
async fn every_endpoint_by_caller_and_method() {
    let logged = logged("info");
    let admin = admin(&logged.control);
    for (path, methods) in TABLE {
        for method in METHODS {
            for (number, caller) in CALLERS.into_iter().enumerate() {
                let context = format!("{method} {path} by {caller:?}");
                let body = if method == "POST" { GOOD } else { "" };
                let told = ask(&admin, request(method, path, caller, body)).await;
                let row = methods.iter().find(|(known, _)| *known == method);
                let expected = match row {
                    _ if methods.is_empty() => 404,
                    None => 405,
                    Some((_, by_caller)) => by_caller[number],
                };
                assert_eq!(told.status.as_u16(), expected, "{context}");
                check(&told, &context, method == "HEAD");
                if expected == 405 {
                    let known: Vec<_> = methods.iter().map(|(known, _)| *known).collect();
                    assert_eq!(told.header("allow"), Some(&*known.join(", ")), "{context}");
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_but_who_may_changes_anything() {
    let logged = logged("info");
    let admin = admin(&logged.control);
    let before = logged.control.status();
    for caller in &CALLERS[..3] {
        ask(&admin, request("POST", "/debug/log", *caller, GOOD)).await;
        assert_eq!(logged.control.status(), before, "{caller:?}");
        assert_eq!(logged.events.take().len(), 1, "{caller:?}");
    }
    ask(&admin, request("POST", "/debug/log", Some(TOKEN), GOOD)).await;
    for caller in &CALLERS[..3] {
        ask(&admin, request("DELETE", "/debug/log", *caller, "")).await;
        assert_eq!(logged.control.status().filter, "debug", "{caller:?}");
    }
    logged.control.fall_back().unwrap();
}

#[tokio::test]
async fn bad_bodies_are_refused_by_field_whoever_is_right() {
    let logged = logged("info");
    let admin = admin(&logged.control);
    let before = logged.control.status();
    let long = format!(r#"{{"filter":"{}","time_to_live_seconds":1}}"#, "a".repeat(4097));
    let table: &[(&str, Option<&str>)] = &[
        ("{", None),
        ("null", None),
        ("[]", None),
        ("\"filter\"", None),
        (r#"{"filter":"info","time_to_live_seconds":60}{}"#, None),
        ("{}", Some("filter")),
        (r#"{"time_to_live_seconds":60}"#, Some("filter")),
        (r#"{"filter":"info"}"#, Some("time_to_live_seconds")),
        (r#"{"filter":1,"time_to_live_seconds":60}"#, Some("filter")),
        (r#"{"filter":null,"time_to_live_seconds":60}"#, Some("filter")),
        (r#"{"filter":"","time_to_live_seconds":60}"#, Some("filter")),
        (r#"{"filter":" , ","time_to_live_seconds":60}"#, Some("filter")),
        (r#"{"filter":"hyper=loud","time_to_live_seconds":60}"#, Some("filter")),
        (r#"{"filter":"info\n","time_to_live_seconds":60}"#, Some("filter")),
        (r#"{"filter":"a[{b=c}]=info","time_to_live_seconds":60}"#, Some("filter")),
        (&long, Some("filter")),
        (r#"{"filter":"info","time_to_live_seconds":0}"#, Some("time_to_live_seconds")),
        (r#"{"filter":"info","time_to_live_seconds":86401}"#, Some("time_to_live_seconds")),
        (r#"{"filter":"info","time_to_live_seconds":-1}"#, Some("time_to_live_seconds")),
        (r#"{"filter":"info","time_to_live_seconds":1.5}"#, Some("time_to_live_seconds")),
        (r#"{"filter":"info","time_to_live_seconds":"60"}"#, Some("time_to_live_seconds")),
        (r#"{"filter":"info","time_to_live_seconds":60,"ttl":1}"#, Some("ttl")),
        (r#"{"filter":"info","filter":"off","time_to_live_seconds":60}"#, Some("filter")),
    ];
    for (body, field) in table {
        // who may not is told so, and nothing of the body
        for (caller, status) in CALLERS.into_iter().zip([401, 401, 403, 400]) {
            let told = ask(&admin, request("POST", "/debug/log", caller, body)).await;
            let context = format!("{body} by {caller:?}");
            assert_eq!(told.status, status, "{context}");
            check(&told, &context, false);
            let expected =
                field.filter(|_| status == 400).map_or(json!(null), |field| json!(field));
            assert_eq!(told.json()["field"], expected, "{context}");
        }
    }
    assert_eq!(logged.control.status(), before);
}

#[tokio::test]
async fn the_index_lists_what_is_there() {
    let logged = logged("info");
    let expected = json!({"endpoints": [
        {"path": "/", "methods": {"GET": "read"}},
        {"path": "/debug", "methods": {"GET": "read"}},
        {"path": "/debug/log", "methods": {"GET": "read", "POST": "change", "DELETE": "change"}},
    ]});
    let admin = Admin::builder(bearer()).log(logged.control.clone()).build();
    for path in ["/", "/debug"] {
        assert_eq!(ask(&admin, request("GET", path, Some(TOKEN), "")).await.json(), expected);
    }
    let empty = Admin::builder(Closed).build();
    assert_eq!(ask(&empty, request("GET", "/", None, "")).await.status, 403);
    assert_eq!(ask(&empty, request("GET", "/debug/log", None, "")).await.status, 404);
}

#[tokio::test]
async fn head_tells_the_length_of_get() {
    let logged = logged("info");
    let admin = admin(&logged.control);
    for path in ["/", "/debug/log"] {
        let get = ask(&admin, request("GET", path, Some(TOKEN), "")).await;
        let head = ask(&admin, request("HEAD", path, Some(TOKEN), "")).await;
        assert_eq!(head, Told { body: Default::default(), ..get.clone() });
        assert_eq!(get.header("content-length"), Some(&*get.body.len().to_string()));
    }
}
