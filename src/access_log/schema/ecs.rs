//! The Elastic Common Schema.

use super::severity;
use crate::access_log::hex::Hex;
use crate::access_log::json::{Object, key};
use crate::access_log::line::{Ended, Line};
use crate::classify::{Blame, Outcome};
use crate::escape::json_fragment;

pub(super) fn write(line: &Line<'_>, object: &mut Object<'_>) {
    object.timestamp(key!("@timestamp"), line.at);
    object.plain(key!("log.level"), severity(line.level).ecs);
    object.plain(key!("message"), line.message());
    object.plain(key!("ecs.version"), "8.11.0");
    object.plain(key!("event.kind"), "event");
    object.texts("", "event.category", ["web".into()].into_iter());
    let kind = if line.ended.is_some() { "access" } else { "start" };
    object.texts("", "event.type", [kind.into()].into_iter());
    if let Some(trace) = line.trace() {
        object.plain(key!("trace.id"), Hex::trace_id(trace.trace_id()));
        object.plain(key!("span.id"), Hex::span_id(trace.span_id()));
    }
    request(line, object);
    if let Some(ended) = &line.ended {
        response(ended, object);
    }
    let (sent, answered) = (&line.begun.request_headers, &line.begun.response_headers);
    if !sent.is_empty() {
        object.nested(key!("http.request.headers"), |object| {
            sent.write(object, "", line.shown.redaction())
        });
    }
    if !answered.is_empty() {
        object.nested(key!("http.response.headers"), |object| {
            answered.write(object, "", line.shown.redaction())
        });
    }
    line.with_attributes(|all| {
        object.nested(key!("labels"), |object| object.labels(all));
    });
}

fn request(line: &Line<'_>, object: &mut Object<'_>) {
    object.plain(key!("exchange.side"), line.side());
    if let Some(id) = line.request_id() {
        object.plain(key!("http.request.id"), id.as_bytes());
    }
    object.text(key!("http.request.method"), line.facts.method().as_str());
    if let Some(path) = line.path() {
        object.quoted(key!("url.path"), |out| {
            line.shown.write_path(path, &mut |piece| json_fragment(out, piece));
        });
    }
    if let Some(query) = line.query() {
        object.quoted(key!("url.query"), |out| {
            line.shown.redaction().write_query(query, &mut |piece| json_fragment(out, piece));
        });
    }
    if let Some(route) = line.route() {
        object.text(key!("http.route"), route.as_str());
    }
    if let Some(method) = line.rpc_method() {
        object.text(key!("rpc.method"), method.as_str());
    }
    if let Some(address) = line.client_address() {
        object.address(key!("client.ip"), address);
    }
    if let Some(host) = line.server_address() {
        object.text(key!("server.address"), host);
    }
    if let Some(port) = line.server_port() {
        object.number(key!("server.port"), port);
    }
    if let Some(agent) = line.user_agent() {
        object.quoted(key!("user_agent.original"), |out| line.shown.write_agent(agent, out));
    }
    if let Some(version) = line.version() {
        object.plain(key!("http.version"), version);
    }
}

fn response(ended: &Ended<'_>, object: &mut Object<'_>) {
    object.plain(key!("event.outcome"), outcome(ended));
    object.plain(key!("exchange.outcome"), ended.end.outcome.as_str());
    if let Some(status) = ended.status {
        object.number(key!("http.response.status_code"), status);
    }
    if let Some(status) = ended.rpc_status() {
        object.plain(key!("rpc.response.status_code"), status);
    }
    if let Some(error) = ended.error_type() {
        object.text(key!("error.type"), error);
    }
    if let Some(bytes) = ended.end.request_bytes {
        object.number(key!("http.request.body.bytes"), bytes);
    }
    if let Some(bytes) = ended.response_bytes() {
        object.number(key!("http.response.body.bytes"), bytes);
    }
    object.nanoseconds(key!("event.duration"), ended.duration());
    if let Some(time) = ended.end.time_to_headers {
        object.nanoseconds(key!("exchange.time_to_headers"), time);
    }
    object.flag(key!("exchange.slow"), ended.slow);
    object.flag(key!("exchange.upgraded"), ended.end.upgraded);
    object.flag(key!("exchange.unread"), ended.end.unread);
    if let Some(rate) = ended.kept.rate {
        object.number(key!("exchange.sampling.rate"), rate);
    }
    if let Some(dropped) = ended.dropped() {
        object.number(key!("exchange.sampling.dropped"), dropped);
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
