//! The documents.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Live, Now, SCOPE};
use crate::attribute;
use crate::classify::Blame;
use crate::live::{ActiveExchange, FamilyReport, Kept, Red, Sample, Stage, Trend};
use crate::message::timestamp;

pub(super) fn document(live: &Live, now: &Now) -> Value {
    let (board, page) = (live.board(), &live.parts.page);
    let service = page.service.as_ref();
    let errors = now.latest.iter().map(|(id, error)| {
        let family = now.families.iter().find(|family| family.id == *id);
        let mut told = sample(error);
        told["family_id"] = json!(id.number());
        told["family"] = json!(family.map(|family| &family.name));
        told
    });
    let health = now.health.as_ref().map(|lines| {
        let line = |line: &super::HealthLine| {
            json!({"name": line.name, "status": line.status.as_str(), "detail": line.detail})
        };
        lines.iter().map(line).collect::<Vec<_>>()
    });
    json!({
        "scope": "instance",
        "scope_note": SCOPE,
        "service": service.map(|(name, version)| json!({"name": name, "version": version})),
        "at": timestamp::short(board.now()),
        "since": timestamp::short(board.since()),
        "uptime_seconds": seconds(board.uptime()),
        "active": {
            "count": now.active.count(),
            "unlisted": now.active.unlisted,
            "exchanges": now.active.exchanges.iter().map(exchange).collect::<Vec<_>>(),
        },
        "families": now.families.iter().map(|it| report(it, false)).collect::<Vec<_>>(),
        "errors": errors.collect::<Vec<_>>(),
        "objectives": objectives(now),
        "health": health,
        "runtime": super::text::runtime(page)
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)))
            .collect::<Map<_, _>>(),
        "endpoints": live.endpoints.iter().map(|endpoint| {
            let methods = endpoint.operations.iter().map(|operation| {
                (operation.method.as_str().to_owned(), Value::from(operation.access.as_str()))
            });
            json!({"path": endpoint.path, "methods": methods.collect::<Map<_, _>>()})
        }).collect::<Vec<_>>(),
    })
}

#[cfg(feature = "slo")]
fn objectives(now: &Now) -> Value {
    let told = now.objectives.as_ref();
    told.map_or(Value::Null, |it| crate::admin::slo::json::document(it)["objectives"].take())
}

#[cfg(not(feature = "slo"))]
fn objectives(_: &Now) -> Value {
    Value::Null
}

pub(super) fn family(family: &FamilyReport, kept: &Kept) -> Value {
    let all = |samples: &[std::sync::Arc<Sample>]| -> Vec<Value> {
        samples.iter().map(|it| sample(it)).collect()
    };
    let buckets = kept.buckets.iter().map(|it| it.as_deref().map(sample));
    json!({
        "family": report(family, true),
        "samples": {
            "buckets": buckets.collect::<Vec<_>>(),
            "errors": all(&kept.errors),
            "panics": all(&kept.panics),
        },
    })
}

fn exchange(exchange: &ActiveExchange) -> Value {
    let (stage, bytes) = match exchange.stage {
        Stage::Body { bytes } => ("body", Some(bytes)),
        _ => ("handler", None),
    };
    json!({
        "age_seconds": seconds(exchange.age),
        "started_at": timestamp::short(exchange.started_at),
        "waited_seconds": seconds(exchange.waited),
        "stage": stage,
        "response_bytes": bytes,
        "side": exchange.side.as_str(),
        "family": exchange.family,
        "method": exchange.method,
        "path": exchange.path,
        "request_id": exchange.request_id.as_ref().map(|id| id.as_str()),
        "trace_id": exchange.trace.map(|trace| trace.trace_id_hex()),
    })
}

fn report(family: &FamilyReport, with_slots: bool) -> Value {
    let buckets = family
        .buckets
        .iter()
        .map(|bucket| json!({"upper_seconds": bucket.upper.map(seconds), "count": bucket.count}));
    json!({
        "id": family.id.number(),
        "side": family.side.as_str(),
        "name": family.name,
        "since_start": red(&family.since_start),
        "buckets": buckets.collect::<Vec<_>>(),
        "minute": trend(&family.minute, with_slots),
        "hour": trend(&family.hour, with_slots),
        "day": trend(&family.day, with_slots),
    })
}

fn trend(trend: &Trend, with_slots: bool) -> Value {
    let mut told = json!({
        "window_seconds": seconds(trend.window()),
        "slot_seconds": seconds(trend.slot),
        "rate": trend.rate(),
        "whole": red(&trend.whole),
    });
    if with_slots {
        told["slots"] = trend.slots.iter().map(red).collect();
    }
    told
}

fn red(of: &Red) -> Value {
    json!({
        "count": of.tally.count,
        "errors": of.tally.errors,
        "peer_ended": of.tally.peer_ended,
        "duration_seconds": seconds(of.tally.duration),
        "mean_seconds": of.mean().map(seconds),
        "p50_seconds": of.p50.map(seconds),
        "p95_seconds": of.p95.map(seconds),
    })
}

fn sample(sample: &Sample) -> Value {
    let attributes = sample.attributes.iter().map(|(key, value)| {
        let value = match value {
            attribute::Value::Text(text) => Value::from(text.as_ref()),
            attribute::Value::Int(number) => Value::from(*number),
            attribute::Value::Float(number) => Value::from(*number),
            attribute::Value::Bool(truth) => Value::from(*truth),
        };
        (key.clone(), value)
    });
    json!({
        "started_at": timestamp::short(sample.started_at),
        "duration_seconds": seconds(sample.duration),
        "method": sample.method,
        "path": sample.path,
        "outcome": sample.outcome.as_str(),
        "blame": blame(sample.blame),
        "status": sample.status.map(|status| status.as_u16()),
        "grpc_status": sample.grpc_status.map(|code| code.as_str()),
        "error_type": sample.error_type.as_ref().map(|it| it.as_str()),
        "error": sample.error,
        "panic_location": sample.panic.as_ref().map(|place| &place.location),
        "response_bytes": sample.response_bytes,
        "request_id": sample.request_id.as_ref().map(|id| id.as_str()),
        "trace_id": sample.trace.map(|trace| trace.trace_id_hex()),
        "attributes": attributes.collect::<Map<_, _>>(),
        "attributes_left_out": sample.attributes_left_out,
    })
}

/// Whose doing it was.
pub(super) const fn blame(of: Blame) -> &'static str {
    match of {
        Blame::Ours => "ours",
        Blame::Peer => "peer",
        Blame::Nobody => "nobody",
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
