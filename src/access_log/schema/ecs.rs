//! The Elastic Common Schema.

use super::severity;
use crate::access_log::json::{Hex, Object};
use crate::access_log::line::{Ended, Line};
use crate::classify::{Blame, Outcome};
use crate::escape::json_fragment;

pub(super) fn write(line: &Line<'_>, object: &mut Object<'_>) {
    object.timestamp("@timestamp", line.at);
    object.plain("log.level", severity(line.level).ecs);
    object.plain("message", line.message());
    object.plain("ecs.version", "8.11.0");
    object.plain("event.kind", "event");
    object.texts("", "event.category", ["web".into()].into_iter());
    let kind = if line.ended.is_some() { "access" } else { "start" };
    object.texts("", "event.type", [kind.into()].into_iter());
    if let Some(trace) = line.trace() {
        object.plain("trace.id", Hex::trace_id(trace.trace_id).as_str());
        object.plain("span.id", Hex::span_id(trace.span_id).as_str());
    }
    request(line, object);
    if let Some(ended) = &line.ended {
        response(ended, object);
    }
    let (sent, answered) = (&line.begun.request_headers, &line.begun.response_headers);
    if !sent.is_empty() {
        object.nested("http.request.headers", |object| sent.write(object, "", line.redaction));
    }
    if !answered.is_empty() {
        object.nested("http.response.headers", |object| answered.write(object, "", line.redaction));
    }
    line.with_attributes(|all| {
        object.nested("labels", |object| object.attributes(all, |_| true));
    });
}

fn request(line: &Line<'_>, object: &mut Object<'_>) {
    object.plain("exchange.side", line.side());
    if let Some(id) = line.request_id() {
        object.plain("http.request.id", id.as_str());
    }
    object.text("http.request.method", line.facts.method().as_str());
    if let Some(path) = line.path() {
        object.quoted("url.path", |out| {
            line.write_path(path, &mut |piece| json_fragment(out, piece));
        });
    }
    if let Some(query) = line.query() {
        object.quoted("url.query", |out| {
            line.redaction.write_query(query, &mut |piece| json_fragment(out, piece));
        });
    }
    if let Some(route) = line.route() {
        object.text("http.route", route.as_str());
    }
    if let Some(method) = line.rpc_method() {
        object.text("rpc.method", method.as_str());
    }
    if let Some(address) = line.client_address() {
        object.address("client.ip", address);
    }
    if let Some(host) = line.server_address() {
        object.text("server.address", host);
    }
    if let Some(port) = line.server_port() {
        object.number("server.port", port);
    }
    if let Some(agent) = line.user_agent() {
        object.text("user_agent.original", &agent);
    }
    if let Some(version) = line.version() {
        object.plain("http.version", version);
    }
}

fn response(ended: &Ended<'_>, object: &mut Object<'_>) {
    object.plain("event.outcome", outcome(ended));
    object.plain("exchange.outcome", ended.end.outcome.as_str());
    if let Some(status) = ended.status {
        object.number("http.response.status_code", status);
    }
    if let Some(status) = ended.rpc_status() {
        object.plain("rpc.response.status_code", status);
    }
    if let Some(error) = ended.error_type() {
        object.text("error.type", error);
    }
    if let Some(bytes) = ended.end.request_bytes {
        object.number("http.request.body.bytes", bytes);
    }
    if let Some(bytes) = ended.response_bytes() {
        object.number("http.response.body.bytes", bytes);
    }
    object.nanoseconds("event.duration", ended.duration());
    if let Some(time) = ended.end.time_to_headers {
        object.nanoseconds("exchange.time_to_headers", time);
    }
    object.flag("exchange.slow", ended.slow);
    object.flag("exchange.upgraded", ended.end.upgraded);
    object.flag("exchange.unread", ended.end.unread);
    if let Some(rate) = ended.kept.rate {
        object.number("exchange.sampling.rate", rate);
    }
    if let Some(dropped) = ended.dropped() {
        object.number("exchange.sampling.dropped", dropped);
    }
}

/// A peer that went away leaves it open whether the exchange would have succeeded.
fn outcome(ended: &Ended<'_>) -> &'static str {
    match (ended.end.blame, ended.end.outcome) {
        (Blame::Ours, _) => "failure",
        (Blame::Nobody, Outcome::Completed) => "success",
        (Blame::Peer | Blame::Nobody, _) => "unknown",
    }
}
