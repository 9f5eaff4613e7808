use bytes::Bytes;
use serde_json::{Value, json};

use super::log;
use crate::debug_dump::samples::{capture, headers, whole};
use crate::debug_dump::{Capture, CapturedBody, Withheld};

/// The specification's tables of fields, as a JSON schema.
const SCHEMA: &str = include_str!("har-1.2.schema.json");

fn faults(log: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator =
        jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    validator.iter_errors(log).map(|fault| fault.to_string()).collect()
}

fn captures() -> Vec<Capture> {
    let mut unanswered = capture();
    unanswered.response = None;
    unanswered.request.headers.clear();
    unanswered.request.body.withheld = Some(Withheld::Unreadable);
    let mut binary = capture();
    binary.time_to_headers = None;
    binary.request.body = whole(Bytes::from_static(b"\xff\0"));
    let response = binary.response.as_mut().unwrap();
    response.headers = headers(&[("location", b"/next")]);
    response.body = CapturedBody { total: u64::MAX, ..whole(Bytes::from_static(b"\xfe")) };
    vec![capture(), unanswered, binary]
}

#[test]
fn every_log_is_of_the_schema() {
    assert_eq!(faults(&log(&captures())), Vec::<String>::new());
    assert_eq!(faults(&log::<Capture>(&[])), Vec::<String>::new());
}

#[test]
fn the_schema_sees_faults() {
    for (place, wrong) in [
        ("/log/version", json!(1.2)),
        ("/log/entries/0/startedDateTime", json!("yesterday")),
        ("/log/entries/0/time", json!(-1)),
        ("/log/entries/0/request/url", json!("/users")),
        ("/log/entries/0/request/headers/0", json!({ "name": "x" })),
        ("/log/entries/0/response/content", json!({ "size": 1 })),
        ("/log/entries/0/timings/wait", Value::Null),
    ] {
        let mut log = log(&captures());
        *log.pointer_mut(place).unwrap() = wrong;
        assert_eq!(faults(&log).len(), 1, "{place}");
    }
}

#[test]
fn an_entry_tells_the_exchange() {
    assert_eq!(
        log(&[capture()])["log"]["entries"],
        json!([{
            "startedDateTime": "2023-11-14T22:13:20.25Z",
            "time": 1500.0,
            "request": {
                "method": "POST",
                "url": "http://example.com/users/1?page=2&token=REDACTED",
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": [
                    { "name": "host", "value": "example.com" },
                    { "name": "content-type", "value": "application/json" },
                    { "name": "x-odd", "value": "a\u{fffd}b" },
                ],
                "queryString": [
                    { "name": "page", "value": "2" },
                    { "name": "token", "value": "REDACTED" },
                ],
                "postData": { "mimeType": "application/json", "text": "{\"a\":\n1,\"b\":\"\u{202e}\"}" },
                "headersSize": -1,
                "bodySize": 18,
                "_bodyFate": "whole",
                "_bodyWithheld": null,
            },
            "response": {
                "status": 200,
                "statusText": "OK",
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": [{ "name": "content-type", "value": "text/plain" }],
                "content": { "size": 13, "mimeType": "text/plain", "text": "one\r\ntwo\u{1b}[31m" },
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": 13,
                "_bodyFate": "whole",
                "_bodyWithheld": null,
            },
            "cache": {},
            "timings": { "send": 0, "wait": 500.0, "receive": 1000.0 },
            "_id": 7,
            "_side": "server",
            "_outcome": "completed",
            "_route": "/users/{id}",
            "_requestId": "r-1",
            "_traceId": null,
            "_grpcStatus": null,
            "_errorType": null,
        }])
    );
}

#[test]
fn binary_is_in_base64() {
    let log = log(&captures());
    let entry = &log["log"]["entries"][2];
    assert_eq!(
        entry["request"]["postData"],
        json!({ "mimeType": "application/json", "text": "/wA=", "_encoding": "base64" })
    );
    assert_eq!(
        entry["response"]["content"],
        json!({ "size": i64::MAX, "mimeType": "x-unknown", "text": "/g==", "encoding": "base64" })
    );
}
