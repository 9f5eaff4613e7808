use bytes::Bytes;

use super::{json, text};
use crate::debug_dump::samples::{capture, headers, whole};
use crate::debug_dump::{BodyFate, Withheld};
use crate::grpc::Code;

#[test]
fn a_capture_is_text_that_obeys_nobody() {
    let mut capture = capture();
    capture.response.as_mut().unwrap().body = whole("one\r\ntwo \u{9b}31m");
    assert_eq!(
        text(&capture),
        "capture 7 (server): 2023-11-14T22:13:20.25Z, completed in 1.5 s\n\
         route: /users/{id}\n\
         request ID: r-1\n\
         \n\
         POST /users/1?page=2&token=REDACTED HTTP/1.1\n\
         host: example.com\n\
         content-type: application/json\n\
         x-odd: a\u{fffd}b\n\
         body: 18 bytes, 18 kept, whole\n\
         \u{20} {\"a\":\n\
         \u{20} 1,\"b\":\"\\u{202e}\"}\n\
         \n\
         HTTP/1.1 200 OK\n\
         content-type: text/plain\n\
         body: 14 bytes, 14 kept, whole\n\
         \u{20} one\n\
         \u{20} two \\u{9b}31m\n"
    );
}

#[test]
fn a_capture_is_one_line_of_json() {
    assert_eq!(
        String::from_utf8(json(&capture())).unwrap(),
        concat!(
            r#"{"id":7,"side":"server","started_at":"2023-11-14T22:13:20.25Z","duration_seconds":1.5,"#,
            r#""time_to_headers_seconds":0.5,"outcome":"completed","protocol":"http","#,
            r#""route":"/users/{id}","request_id":"r-1","trace_id":null,"grpc_status":null,"#,
            r#""error_type":null,"request":{"method":"POST","#,
            r#""uri":"/users/1?page=2&token=REDACTED","version":"HTTP/1.1","headers":["#,
            r#"{"name":"host","value":"example.com"},"#,
            r#"{"name":"content-type","value":"application/json"},"#,
            "{\"name\":\"x-odd\",\"value\":\"a\u{fffd}b\"}],",
            r#""body":{"total_bytes":18,"kept_bytes":18,"fate":"whole","withheld":null,"#,
            r#""json":{"a": 1,"b":"\u202e"}}},"response":{"status":200,"version":"HTTP/1.1","#,
            r#""headers":[{"name":"content-type","value":"text/plain"}],"body":{"total_bytes":13,"#,
            r#""kept_bytes":13,"fate":"whole","withheld":null,"hex":"6f6e650d0a74776f1b5b33316d"}}}"#,
        )
    );
}

#[test]
fn grpc_shows_its_messages() {
    let mut capture = capture();
    capture.grpc_status = Some(Code::NotFound);
    let response = capture.response.as_mut().unwrap();
    response.headers = headers(&[("content-type", b"application/grpc+proto")]);
    response.body = whole(Bytes::from_static(b"\0\0\0\0\x02hi\x01\0\0\0\x03\xff\0"));
    response.body.withheld = Some(Withheld::Truncated);
    response.body.fate = BodyFate::Aborted;

    let shown: serde_json::Value = serde_json::from_slice(&json(&capture)).unwrap();
    assert_eq!(shown["grpc_status"], "NOT_FOUND");
    assert_eq!(
        shown["response"]["body"],
        serde_json::json!({
            "total_bytes": 14, "kept_bytes": 14, "fate": "aborted", "withheld": "truncated",
            "grpc": [
                { "length": 2, "compressed": false, "is_cut": false, "text": "hi" },
                { "length": 3, "compressed": true, "is_cut": true, "hex": "ff00" },
            ],
        })
    );
    let body = concat!(
        "body: 14 bytes, 14 kept, aborted, truncated\n",
        "  message: 2 bytes\n",
        "    00000000  68 69                                            hi\n",
        "  message: 3 bytes, compressed, cut\n",
        "    00000000  ff 00                                            ..\n",
    );
    assert!(text(&capture).ends_with(body), "{}", text(&capture));
}

#[test]
fn what_is_not_there_is_said() {
    let mut capture = capture();
    capture.response = None;
    capture.request.body = whole("");
    let shown: serde_json::Value = serde_json::from_slice(&json(&capture)).unwrap();
    assert_eq!(shown["response"], serde_json::Value::Null);
    assert_eq!(
        shown["request"]["body"],
        serde_json::json!({ "total_bytes": 0, "kept_bytes": 0, "fate": "whole", "withheld": null })
    );
    assert!(text(&capture).ends_with("body: 0 bytes, 0 kept, whole\n\nno response\n"));
}
