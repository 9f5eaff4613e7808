//! A capture, to read and to keep.
//!
//! [`text`] is for people, [`json`] is one line of NDJSON. Both escape whatever a caller sent: no
//! header and no body adds a line or drives a terminal. The keys of the JSON object are:
//!
//! | key | what it holds |
//! |---|---|
//! | `id` | the number of the capture |
//! | `side` | `server` or `client` |
//! | `started_at` | RFC 3339, in UTC |
//! | `duration_seconds`, `time_to_headers_seconds` | numbers; the second may be `null` |
//! | `outcome`, `protocol` | as in every signal; `http` or `grpc` |
//! | `route`, `request_id`, `trace_id`, `grpc_status`, `error_type` | text, or `null` |
//! | `request` | `method`, `uri`, `version`, `headers`, `body`, `trailers` |
//! | `response` | `status` (a number), `version`, `headers`, `body`, `trailers`; `null` where nothing was answered |
//! | `headers` | a list of `{"name", "value"}`, in the order they have in the map |
//! | `trailers` | the same; left out where none passed |
//! | `body` | `total_bytes` (as they passed), `kept_bytes`, `fate` (`whole`, `aborted`, `unread`, `unknown`), `withheld` (`truncated`, `unreadable`, `authentication` or `null`), and at most one of: |
//! | `body.json` | the body, where it is JSON, says so and is whole |
//! | `body.text` | where it is text |
//! | `body.grpc` | a list of `{"length", "compressed", "is_cut"}` with `text` or `hex`, for gRPC; where the messages are known, of `{"json"}` with the message, or with `text` where it was cut |
//! | `body.hex` | where it is something else |

mod body;
pub(super) mod object;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use http::HeaderMap;

use super::{BodyFate, Capture, CapturedBody, Withheld};
use crate::classify::Protocol;
use crate::escape;
use crate::message::timestamp;

use self::{body::Shown, object::Object};

/// The capture as text with a line for each fact and header, and the bodies indented by two spaces.
/// It ends in a line feed. Of a body it says how many bytes passed, and how many are kept of what is shown:
/// after its secrets were hidden, and gRPC was decoded.
#[must_use]
pub fn text(capture: &Capture) -> String {
    let mut out = String::new();
    let seconds = capture.duration.as_secs_f64();
    // writing into a string cannot fail
    let _ = writeln!(
        out,
        "capture {} ({}): {}, {} in {seconds:?} s",
        capture.id.number(),
        capture.side.as_str(),
        timestamp::short(capture.started_at),
        capture.outcome,
    );
    let facts = [
        ("route", capture.route.as_deref()),
        ("request ID", capture.request_id.as_deref()),
        ("trace ID", capture.trace_id.as_deref()),
        ("gRPC status", capture.grpc_status.map(|code| code.as_str())),
        ("error type", capture.error_type.as_deref()),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            let _ = write!(out, "{name}: ");
            line(&mut out, value);
        }
    }
    let request = &capture.request;
    let _ = write!(out, "\n{} ", request.method);
    escape::text(&mut out, &request.uri.to_string());
    let _ = writeln!(out, " {:?}", request.version);
    head_and_body(&mut out, &request.headers, &request.body, request.trailers.as_ref());
    match &capture.response {
        Some(response) => {
            let _ = writeln!(out, "\n{:?} {}", response.version, response.status);
            let trailers = response.trailers.as_ref();
            head_and_body(&mut out, &response.headers, &response.body, trailers);
        }
        None => out.push_str("\nno response\n"),
    }
    out
}

fn head_and_body(
    out: &mut String,
    headers: &HeaderMap,
    body: &CapturedBody,
    trailers: Option<&HeaderMap>,
) {
    fields(out, headers);
    let withheld = body.withheld.map_or("", |why| match why {
        Withheld::Truncated => ", truncated",
        Withheld::Unreadable => ", unreadable",
        Withheld::Authentication => ", left out as the answer to credentials",
    });
    let _ = writeln!(
        out,
        "body: {} bytes, {} kept, {}{withheld}",
        body.total,
        body.kept.len(),
        fate(body.fate),
    );
    Shown::of(headers, body).text(out);
    if let Some(trailers) = trailers {
        out.push_str("trailers:\n");
        fields(out, trailers);
    }
}

fn fields(out: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let _ = write!(out, "{name}: ");
        line(out, &String::from_utf8_lossy(value.as_bytes()));
    }
}

/// A line, in which quotes stay as they are: they end nothing here.
fn line(out: &mut String, text: &str) {
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            out.push('"');
        }
        escape::text(out, part);
    }
    out.push('\n');
}

/// The capture as one JSON object on one line, without a line feed at its end; its keys are those
/// of the [module](self).
#[must_use]
pub fn json(capture: &Capture) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::new(&mut out);
    object.number("id", capture.id.number());
    object.string("side", capture.side.as_str());
    object.string("started_at", &timestamp::short(capture.started_at));
    object.seconds("duration_seconds", Some(capture.duration));
    object.seconds("time_to_headers_seconds", capture.time_to_headers);
    object.string("outcome", capture.outcome.as_str());
    object.string(
        "protocol",
        match capture.protocol {
            Protocol::Http => "http",
            Protocol::Grpc => "grpc",
        },
    );
    object.optional("route", capture.route.as_deref());
    object.optional("request_id", capture.request_id.as_deref());
    object.optional("trace_id", capture.trace_id.as_deref());
    object.optional("grpc_status", capture.grpc_status.map(|code| code.as_str()));
    object.optional("error_type", capture.error_type.as_deref());
    let request = &capture.request;
    let mut inner = Object::new(object.key("request"));
    inner.string("method", request.method.as_str());
    inner.string("uri", &request.uri.to_string());
    inner.string("version", &format!("{:?}", request.version));
    json_parts(&mut inner, &request.headers, &request.body, request.trailers.as_ref());
    inner.end();
    match &capture.response {
        Some(response) => {
            let mut inner = Object::new(object.key("response"));
            inner.number("status", response.status.as_u16());
            inner.string("version", &format!("{:?}", response.version));
            let trailers = response.trailers.as_ref();
            json_parts(&mut inner, &response.headers, &response.body, trailers);
            inner.end();
        }
        None => object.null("response"),
    }
    object.end();
    out
}

fn json_parts(
    object: &mut Object<'_>,
    headers: &HeaderMap,
    body: &CapturedBody,
    trailers: Option<&HeaderMap>,
) {
    json_fields(object.key("headers"), headers);
    let mut inner = Object::new(object.key("body"));
    inner.number("total_bytes", body.total);
    inner.number("kept_bytes", body.kept.len());
    inner.string("fate", fate(body.fate));
    inner.optional("withheld", body.withheld.map(withheld));
    Shown::of(headers, body).json(&mut inner);
    inner.end();
    if let Some(trailers) = trailers {
        json_fields(object.key("trailers"), trailers);
    }
}

/// Headers or trailers as a list of names and values.
pub(super) fn headers_json(headers: &HeaderMap) -> Vec<u8> {
    let mut out = Vec::new();
    json_fields(&mut out, headers);
    out
}

fn json_fields(out: &mut Vec<u8>, headers: &HeaderMap) {
    out.push(b'[');
    for (at, (name, value)) in headers.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let mut header = Object::new(out);
        header.string("name", name.as_str());
        escape::json_bytes(header.key("value"), value.as_bytes());
        header.end();
    }
    out.push(b']');
}

pub(super) fn fate(fate: BodyFate) -> &'static str {
    match fate {
        BodyFate::Whole => "whole",
        BodyFate::Aborted => "aborted",
        BodyFate::Unread => "unread",
        BodyFate::Unknown => "unknown",
    }
}

pub(super) fn withheld(why: Withheld) -> &'static str {
    match why {
        Withheld::Truncated => "truncated",
        Withheld::Unreadable => "unreadable",
        Withheld::Authentication => "authentication",
    }
}
