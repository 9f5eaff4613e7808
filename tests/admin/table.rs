//! Every endpoint x whoever asks x every method, and every endpoint that takes a body x what is wrong with it.

use http::Method;
use serde_json::{Map, Value, json};

use crate::bench::{Bench, PLACES, READER, TOKEN};

const CALLERS: [(&str, Option<&str>); 4] = [
    ("nobody", None),
    ("a stranger", Some("a-wrong-token-of-some-length")),
    ("a reader", Some(READER)),
    ("an operator", Some(TOKEN)),
];
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

struct Row {
    /// As the index tells it.
    path: &'static str,
    /// Where it is asked.
    at: &'static str,
    methods: &'static [(&'static str, &'static str)],
    /// A body that is taken, and one with a member that is not, and its name.
    bodies: Option<[&'static str; 3]>,
    /// What those get who may ask.
    allowed: u16,
}

const READ: &[(&str, &str)] = &[("GET", "read")];
const PROBE: &[(&str, &str)] = &[("GET", "probe")];
const ALL: &[(&str, &str)] = &[("GET", "read"), ("POST", "change"), ("DELETE", "change")];

const fn row(path: &'static str, methods: &'static [(&'static str, &'static str)]) -> Row {
    Row { path, at: path, methods, bodies: None, allowed: 200 }
}

const TABLE: &[Row] = &[
    row("/", READ),
    row("/debug", READ),
    Row { at: "/debug/families/4", ..row("/debug/families/{id}", READ) },
    row("/metrics", &[("GET", "scrape")]),
    Row {
        bodies: Some([
            r#"{"filter":"debug","time_to_live_seconds":60}"#,
            r#"{"filter":"debug","time_to_live_seconds":0}"#,
            "time_to_live_seconds",
        ]),
        ..row("/debug/log", ALL)
    },
    Row {
        bodies: Some([
            r#"{"time_to_live_seconds":60,"match":{"method":"GET"}}"#,
            r#"{"time_to_live_seconds":60,"match":{"all":[{},{"status":{"from":1}}]}}"#,
            "match.all[1].status.from",
        ]),
        ..row("/debug/dump", ALL)
    },
    // before the captures are forgotten
    Row { at: "/debug/dump/captures/1", ..row("/debug/dump/captures/{id}", READ) },
    row("/debug/dump/captures", &[("GET", "read"), ("DELETE", "change")]),
    row("/debug/dump/stream", READ),
    row("/slo", READ),
    row("/livez", PROBE),
    row("/readyz", PROBE),
    row("/startupz", PROBE),
    row("/health", PROBE),
    // refused before anything is sampled, but not before whoever asks
    Row { at: "/debug/pprof/profile?seconds=0", allowed: 400, ..row("/debug/pprof/profile", READ) },
    // there is none without jemalloc
    Row { allowed: 501, ..row("/debug/pprof/heap", READ) },
];

impl Row {
    fn expected(&self, method: &Method, caller: usize) -> u16 {
        let as_get = if *method == Method::HEAD { &Method::GET } else { method };
        let access = self.methods.iter().find(|(known, _)| *known == as_get.as_str());
        let by_caller = match access {
            None => return 405,
            Some((_, "scrape" | "probe")) => [self.allowed; 4],
            Some((_, "read")) => [401, 401, self.allowed, self.allowed],
            Some(_) => [401, 401, 403, self.allowed],
        };
        by_caller[caller]
    }
}

#[tokio::test]
async fn every_endpoint_by_caller_and_method() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        bench.arm();
        bench.call("one".to_owned()).await;
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for row in TABLE {
            for method in METHODS {
                for (number, (caller, token)) in CALLERS.into_iter().enumerate() {
                    let context = format!("{method} {} by {caller}", row.at);
                    let body = row.bodies.filter(|_| method == Method::POST).map(|[good, ..]| good);
                    let response = bench.send(&method, row.at, token, body).await;
                    let headers = response.headers();
                    let kind = headers.get("content-type").map(|it| it.to_str().unwrap());
                    let is_problem = kind == Some("application/problem+json");
                    let status = response.status().as_u16();
                    let allow = headers.get("allow").map(|it| it.to_str().unwrap().to_owned());
                    assert_eq!(is_problem, status >= 400, "{context}");
                    assert_eq!(headers["cache-control"], "no-store", "{context}");
                    assert_eq!(
                        headers.contains_key("www-authenticate"),
                        status == 401,
                        "{context}"
                    );
                    found.push((context.clone(), status, allow));

                    let status = row.expected(&method, number);
                    let mut allow = Vec::new();
                    for (known, _) in row.methods {
                        allow.push(*known);
                        allow.extend((*known == "GET").then_some("HEAD"));
                    }
                    expected.push((context, status, (status == 405).then(|| allow.join(", "))));
                }
            }
        }
        assert_eq!(found, expected, "{place:?}");
        while bench.control.watchers() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn every_endpoint_has_a_row() {
    for place in PLACES {
        let mut listed = Map::new();
        for endpoint in Bench::new(place).await.json("/").await["endpoints"].as_array().unwrap() {
            let path = endpoint["path"].as_str().unwrap().to_owned();
            assert_eq!(listed.insert(path, endpoint["methods"].clone()), None);
        }
        let rows = TABLE.iter().map(|row| {
            let methods =
                row.methods.iter().map(|(method, access)| ((*method).to_owned(), json!(access)));
            (row.path.to_owned(), Value::Object(methods.collect()))
        });
        assert_eq!(listed, rows.collect(), "{place:?}");
        // nor is there one that takes a body and has no bad one
        for row in TABLE {
            assert_eq!(
                row.bodies.is_some(),
                row.methods.iter().any(|(it, _)| *it == "POST"),
                "{}",
                row.path
            );
        }
    }
}

#[tokio::test]
async fn every_bad_body_by_caller() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        let before = (bench.control.status(), bench.log.status());
        for row in TABLE {
            let Some([_, bad, field]) = row.bodies else { continue };
            let long = format!("{bad}{}", " ".repeat(64 * 1024));
            for (body, status, field) in [
                (bad, 400, json!(field)),
                (
                    "{}",
                    400,
                    json!(if row.path == "/debug/log" { "filter" } else { "time_to_live_seconds" }),
                ),
                (r#"{"a":1,"a":2}"#, 400, json!("a")),
                ("{", 400, Value::Null),
                ("", 400, Value::Null),
                ("[]", 400, Value::Null),
                (&long, 413, Value::Null),
            ] {
                for ((caller, token), status) in CALLERS.into_iter().zip([401, 401, 403, status]) {
                    let response = bench.send(&Method::POST, row.at, token, Some(body)).await;
                    let told: Value = response.json().await.unwrap();
                    let field = if status == 400 { &field } else { &Value::Null };
                    let shown = &body[..body.len().min(80)];
                    let context = format!("{shown} to {} by {caller}", row.path);
                    assert_eq!(
                        (&told["status"], &told["field"]),
                        (&json!(status), field),
                        "{context}"
                    );
                }
            }
            // not said to be JSON
            let response = bench.send(&Method::POST, row.at, Some(TOKEN), None).await;
            assert_eq!(response.status(), 415, "{}", row.path);
        }
        assert_eq!((bench.control.status(), bench.log.status()), before);
    }
}
