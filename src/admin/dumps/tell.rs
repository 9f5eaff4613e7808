//! What is told of dumps: the rule in force, and the captures in short.

use serde_json::{Value, json};

use super::{names, read};
use crate::debug_dump::{Capture, DumpControl, DumpStatus, Match, Rule};
use crate::grpc::Code;
use crate::message::timestamp;

/// What `/debug/dump` tells.
pub(super) fn status(control: &DumpControl) -> Value {
    let armed = match control.status() {
        DumpStatus::Disarmed => Value::Null,
        DumpStatus::Armed { rule: in_force, since, left, captured } => json!({
            "rule": rule(&in_force),
            "since": timestamp::short(since),
            // rounded up, so that 0 is never told while it is in force
            "left_seconds": whole_seconds(left),
            "captured": captured,
        }),
    };
    let captures: Vec<_> = control.captures().iter().rev().map(|it| summary(it)).collect();
    json!({ "armed": armed, "watchers": control.watchers(), "captures": captures })
}

fn summary(capture: &Capture) -> Value {
    let response = capture.response.as_ref();
    json!({
        "id": capture.id.number(),
        "started_at": timestamp::short(capture.started_at),
        "side": capture.side.as_str(),
        "method": capture.request.method.as_str(),
        "uri": capture.request.uri.to_string(),
        "route": capture.route,
        "status": response.map(|response| response.status.as_u16()),
        "outcome": capture.outcome.as_str(),
        "grpc_status": capture.grpc_status.map(Code::as_str),
        "error_type": capture.error_type,
        "duration_seconds": capture.duration.as_secs_f64(),
        "request_id": capture.request_id,
        "trace_id": capture.trace_id,
        "request_bytes": capture.request.body.total,
        "response_bytes": response.map(|response| response.body.total),
    })
}

/// A rule, as it is sent.
pub(in crate::admin) fn rule(rule: &Rule) -> Value {
    json!({
        names::MATCH: condition(&rule.matches),
        names::TIME_TO_LIVE: whole_seconds(rule.time_to_live),
        names::CAPTURES: rule.captures,
        names::BYTES: rule.bytes,
        names::BODY_CAP: rule.body_cap,
    })
}

fn whole_seconds(time: std::time::Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn condition(matches: &Match) -> Value {
    let all = |all: &[Match]| all.iter().map(condition).collect::<Vec<_>>();
    let header = |name: &http::HeaderName, value: &Option<http::HeaderValue>| match value {
        None => json!({ "name": name.as_str() }),
        Some(value) => json!({ "name": name.as_str(), "value": read::shown(name, value) }),
    };
    match matches {
        Match::Any => json!({}),
        Match::Method(method) => json!({ "method": method.as_str() }),
        Match::Route(route) => json!({ "route": route }),
        Match::PathPrefix(prefix) => json!({ "path_prefix": prefix }),
        Match::Status(one, other) if one == other => json!({ "status": one.as_u16() }),
        Match::Status(from, to) => {
            json!({ "status": { "from": from.as_u16(), "to": to.as_u16() } })
        }
        Match::RequestHeader(name, value) => json!({ "request_header": header(name, value) }),
        Match::ResponseHeader(name, value) => json!({ "response_header": header(name, value) }),
        Match::RequestId(id) => json!({ "request_id": id }),
        Match::Slower(time) => {
            let millis = u64::try_from(time.as_nanos().div_ceil(1_000_000));
            json!({ "slower_ms": millis.unwrap_or(u64::MAX) })
        }
        Match::OneIn(many) => json!({ "one_in": many.get() }),
        Match::Outcome(outcome) => json!({ "outcome": outcome.as_str() }),
        Match::GrpcStatus(code) => json!({ "grpc_status": code.as_str() }),
        Match::Error => json!({ "error": true }),
        Match::Side(side) => json!({ "side": side.as_str() }),
        Match::All(inner) => json!({ "all": all(inner) }),
        Match::AnyOf(inner) => json!({ "any": all(inner) }),
        Match::Not(inner) => json!({ "not": condition(inner) }),
    }
}
