//! `/debug/dump` and what is below it.

pub(super) mod read;
mod stream;
pub(super) mod tell;

use std::future::ready;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::Value;

use super::access::Access;
use super::answer::{self, AdminBody, Refusal};
use super::audit::{Change, Outcome};
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::debug_dump::{CaptureId, DumpControl, curl, har, render};

/// What the members of a rule are called.
mod names {
    pub(super) const MATCH: &str = "match";
    pub(super) const TIME_TO_LIVE: &str = "time_to_live_seconds";
    pub(super) const CAPTURES: &str = "captures";
    pub(super) const BYTES: &str = "bytes";
    pub(super) const BODY_CAP: &str = "body_cap";
}

/// Which member is what a rule itself calls otherwise.
const NAMES: [(&str, &str); 2] =
    [("time_to_live", names::TIME_TO_LIVE), ("matching", names::MATCH)];

const DUMP: &str = "/debug/dump";
const CAPTURES: &str = "/debug/dump/captures";
const CAPTURE: &str = "/debug/dump/captures/{id}";
const STREAM: &str = "/debug/dump/stream";

const READ: Operation = Operation::new(Method::GET, Access::Read);
const DELETE: Operation = Operation::new(Method::DELETE, Access::Change);
const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: DUMP,
        operations: &[READ, Operation::with_json(Method::POST, Access::Change), DELETE],
    },
    Endpoint { path: CAPTURES, operations: &[READ, DELETE] },
    Endpoint { path: CAPTURE, operations: &[READ] },
    Endpoint { path: STREAM, operations: &[READ] },
];

/// The most bytes of a rule that the audit tells.
const MOST_TOLD: usize = 4096;
const DISARMED: &str = "disarmed";

impl Section for DumpControl {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn handle(&self, asked: Asked) -> Answering {
        let answered = match (asked.path, asked.head.method.as_str()) {
            (DUMP, "POST") => arm(self, &asked),
            (DUMP, "DELETE") => Ok(disarm(self, &asked)),
            (CAPTURES, "DELETE") => Ok(clear(self, &asked)),
            (CAPTURES, _) => captures(self, &asked),
            (CAPTURE, _) => capture(self, &asked),
            (STREAM, _) => stream(self),
            _ => Ok(status(self)),
        };
        Box::pin(ready(answered.unwrap_or_else(|refusal| refusal.answer())))
    }
}

fn status(control: &DumpControl) -> Response<AdminBody> {
    answer::document(&tell::status(control))
}

fn arm(control: &DumpControl, asked: &Asked) -> Result<Response<AdminBody>, Refusal> {
    let rule = read::rule(&asked.body)?;
    let (new, time_to_live) = (told(&tell::rule(&rule)), rule.time_to_live);
    let old = control.replace(Some(rule));
    let old = old.map_or_else(|| DISARMED.to_owned(), |old| told(&tell::rule(&old)));
    audit(asked, "debug_dump", &old, &new, Some(time_to_live.as_secs()));
    Ok(status(control))
}

fn disarm(control: &DumpControl, asked: &Asked) -> Response<AdminBody> {
    if let Some(old) = control.replace(None) {
        audit(asked, "debug_dump", &told(&tell::rule(&old)), DISARMED, None);
    }
    status(control)
}

fn clear(control: &DumpControl, asked: &Asked) -> Response<AdminBody> {
    let captures = control.clear();
    if captures > 0 {
        audit(asked, "debug_dump_captures", &captures.to_string(), "0", None);
    }
    status(control)
}

fn audit(asked: &Asked, what: &str, old: &str, new: &str, time_to_live_seconds: Option<u64>) {
    Change {
        what,
        old: Some(old),
        new: Some(new),
        time_to_live_seconds,
        principal: asked.principal.as_deref(),
        outcome: Outcome::Applied,
    }
    .tell();
}

/// A rule as the audit tells it.
fn told(rule: &Value) -> String {
    let mut text = String::from_utf8(answer::safe(rule)).unwrap_or_default();
    if text.len() > MOST_TOLD {
        text.truncate(text.floor_char_boundary(MOST_TOLD));
        text.push('…');
    }
    text
}

/// All captures, as one archive or a list.
fn captures(control: &DumpControl, asked: &Asked) -> Result<Response<AdminBody>, Refusal> {
    let captures = control.captures();
    Ok(match format(asked, "json or har", &[("json", Format::Json), ("har", Format::Har)])? {
        Format::Har => answer::document(&har::log(&captures)),
        _ => {
            let mut json = br#"{"captures":["#.to_vec();
            for (at, capture) in captures.iter().rev().enumerate() {
                if at > 0 {
                    json.push(b',');
                }
                json.extend_from_slice(&render::json(capture));
            }
            json.extend_from_slice(b"]}");
            answer::json(json)
        }
    })
}

fn capture(control: &DumpControl, asked: &Asked) -> Result<Response<AdminBody>, Refusal> {
    let formats = [
        ("json", Format::Json),
        ("har", Format::Har),
        ("curl", Format::Curl),
        ("text", Format::Text),
    ];
    let format = format(asked, "json, har, curl or text", &formats)?;
    let id = asked.parameter("id").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
    let id = id.and_then(|id| id.parse().ok()).map(CaptureId::new);
    let capture = id.and_then(|id| control.capture(id));
    let capture = capture.ok_or_else(|| {
        let detail = "there is no capture of this id, or it is kept no more";
        Refusal::new(StatusCode::NOT_FOUND, detail)
    })?;
    Ok(match format {
        Format::Json => answer::json(render::json(&capture)),
        Format::Har => answer::document(&har::log(std::slice::from_ref(&capture))),
        Format::Text => answer::plain(render::text(&capture)),
        Format::Curl => {
            let command = curl::command(&capture).ok_or_else(|| {
                let detail = "no command sends this request again: its body or its trailers are not known as they were sent";
                Refusal::new(StatusCode::CONFLICT, detail)
            })?;
            answer::plain(command + "\n")
        }
    })
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Har,
    Curl,
    Text,
}

/// What `?format=` asks for, of these; JSON where it does not.
fn format(asked: &Asked, allowed: &str, known: &[(&str, Format)]) -> Result<Format, Refusal> {
    Ok(asked.format(allowed, known)?.unwrap_or(Format::Json))
}

fn stream(control: &DumpControl) -> Result<Response<AdminBody>, Refusal> {
    let live = control.live();
    let live =
        live.map_err(|full| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, full.to_string()))?;
    let mut response = Response::new(AdminBody::stream(stream::Lines(live)));
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}
