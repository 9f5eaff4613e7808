use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::{NdJson, event};
use crate::debug_dump::samples::{Output, capture, headers, whole};
use crate::debug_dump::{Capture, render};

fn line(capture: &Capture) -> String {
    String::from_utf8(render::json(capture)).unwrap()
}

/// What the events say that are told meanwhile.
fn told(run: impl FnOnce()) -> String {
    let output = Output::default();
    let writer = output.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .json()
        .flatten_event(true)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    output.text()
}

#[test]
fn each_capture_is_a_line() {
    let output = Output::default();
    let lines = NdJson::new(output.clone());
    let sink = lines.sink();
    sink(&capture());
    sink.clone()(&capture());
    assert_eq!(output.text(), format!("{0}\n{0}\n", line(&capture())));
    assert_eq!(lines.lost(), 0);
}

#[test]
fn what_cannot_be_written_is_counted_and_told_once() {
    let output = Output::default();
    let lines = NdJson::new(output.clone());
    let told = told(|| {
        output.set(|state| state.room = Some(5));
        lines.write(&capture());
        lines.write(&capture());
        output.set(|state| (state.room, state.panics) = (None, true));
        lines.write(&capture());
        output.set(|state| state.panics = false);
        lines.write(&capture());
        lines.write(&capture());
    });
    assert_eq!(lines.lost(), 3);
    let (torn, whole) = (&line(&capture())[..5], line(&capture()));
    assert_eq!(output.text(), format!("{torn}\n{whole}\n{whole}\n"));
    let told: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        told,
        [serde_json::json!({
            "level": "ERROR",
            "target": "tower_observability::debug_dump",
            "message": "captures are lost: they cannot be written",
            "error": r"full\n",
        })]
    );
}

#[test]
fn a_capture_of_what_the_writer_does_is_lost() {
    struct Calls(Arc<Mutex<Option<NdJson>>>);

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let lines = self.0.lock().unwrap().clone();
            lines.unwrap().write(&capture());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let slot = Arc::new(Mutex::new(None));
    let lines = NdJson::new(Calls(Arc::clone(&slot)));
    *slot.lock().unwrap() = Some(lines.clone());
    lines.write(&capture());
    assert_eq!(lines.lost(), 1);
    *slot.lock().unwrap() = None;
}

#[test]
fn an_event_tells_what_is_known() {
    let mut capture = capture();
    capture.request.trailers = Some(headers(&[("x-sum", b"7")]));
    let events = told(|| event()(&capture));
    assert_eq!(events.lines().count(), 1, "{events}");
    let event: serde_json::Value = serde_json::from_str(&events).unwrap();
    assert_eq!(
        event,
        serde_json::json!({
            "level": "INFO",
            "target": "tower_observability::debug_dump",
            "message": "exchange captured",
            "capture.id": 7,
            "side": "server",
            "outcome": "completed",
            "request_id": "r-1",
            "http.request.method": "POST",
            "url.full": "/users/1?page=2&token=REDACTED",
            "http.route": "/users/{id}",
            "http.response.status_code": 200,
            "duration": 1.5,
            "http.request.body.size": 18,
            "http.response.body.size": 13,
            "http.request.headers": concat!(
                r#"[{"name":"host","value":"example.com"},"#,
                r#"{"name":"content-type","value":"application/json"},"#,
                "{\"name\":\"x-odd\",\"value\":\"a\u{fffd}b\"}]",
            ),
            "http.response.headers":
                r#"[{"name":"content-type","value":"text/plain"}]"#,
            "http.request.trailers": r#"[{"name":"x-sum","value":"7"}]"#,
            "http.request.body": r#"{\"a\":\n1,\"b\":\"\u{202e}\"}"#,
            "http.response.body": r"one\r\ntwo\u{1b}[31m",
            "http.request.body.fate": "whole",
            "http.response.body.fate": "whole",
        })
    );
}

#[test]
fn a_body_of_an_event_is_bounded() {
    let mut capture = capture();
    capture.request.body = whole("\n".repeat(9_999));
    let events = told(|| event()(&capture));
    let event: serde_json::Value = serde_json::from_str(&events).unwrap();
    let body = event["http.request.body"].as_str().unwrap();
    assert_eq!(body, format!("{}…", r"\n".repeat(super::MAX_BODY_CHARS / 2 - 1)));
}
