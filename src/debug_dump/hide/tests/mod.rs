mod bodies;
mod encoded;
#[cfg(feature = "debug-dump-grpc")]
mod grpc;
mod json;
mod secrets;

use http::HeaderMap;

use super::{Hidden, Hide, Opaque};
use crate::debug_dump::Withheld;
use crate::debug_dump::samples::headers;
use crate::redact::Redaction;

const JSON: &str = "application/json";

fn of(kind: &str) -> HeaderMap {
    headers(&[("content-type", kind.as_bytes())])
}

fn hide(body: &[u8], is_whole: bool, headers: &HeaderMap, cap: usize) -> Hidden {
    let redaction = Redaction::default();
    Hide { redaction: &redaction, opaque: Opaque::Withheld, cap }.body(body, is_whole, headers)
}

fn whole(kind: &str, body: &str) -> (String, Option<Withheld>) {
    shown(hide(body.as_bytes(), true, &of(kind), usize::MAX))
}

fn cut(kind: &str, body: &str) -> (String, Option<Withheld>) {
    shown(hide(body.as_bytes(), false, &of(kind), usize::MAX))
}

fn shown(hidden: Hidden) -> (String, Option<Withheld>) {
    (String::from_utf8(hidden.kept.to_vec()).unwrap(), hidden.withheld)
}

fn nothing(why: Withheld) -> Hidden {
    Hidden::nothing(Some(why))
}
