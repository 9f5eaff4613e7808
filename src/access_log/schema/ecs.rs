//! The Elastic Common Schema.

use super::severity;
use crate::access_log::hex::Hex;
use crate::access_log::json::{Object, key};
use crate::access_log::line::{Ended, Line};
use crate::classify::{Blame, Outcome, Side};

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
            object.headers("", sent, line.log.shown.redaction())
        });
    }
    if !answered.is_empty() {
        object.nested(key!("http.response.headers"), |object| {
            object.headers("", answered, line.log.shown.redaction())
        });
    }
    line.with_attributes(|all| {
        object.nested(key!("labels"), |object| object.labels(all));
    });
    object.attributes(&line.log.fields, is_free);
}

fn request(line: &Line<'_>, object: &mut Object<'_>) {
    object.plain(key!("exchange.side"), line.side());
    if let Some(id) = line.request_id() {
        object.plain(key!("http.request.id"), id.as_bytes());
    }
    object.text(key!("http.request.method"), &line.method());
    if let Some(scheme) = line.scheme() {
        object.text(key!("url.scheme"), scheme);
    }
    if let Some(path) = line.path() {
        object.quoted(key!("url.path"), |out| line.log.shown.write_path_json(path, out));
    }
    if let Some(query) = line.query() {
        object.quoted(key!("url.query"), |out| line.log.shown.write_query_json(query, out));
    }
    if let Some(route) = line.route() {
        object.text(key!("http.route"), route.as_str());
    }
    if let Some(method) = line.rpc_method() {
        object.text(key!("rpc.method"), &method);
    }
    if let Some(address) = line.client_address() {
        object.address(key!("client.ip"), address);
    }
    let (address, port) = match line.facts.side() {
        Side::Server => (key!("url.domain"), key!("url.port")),
        Side::Client => (key!("server.address"), key!("server.port")),
    };
    line.write_server(object, address, port);
    if let Some(agent) = line.user_agent() {
        object.quoted(key!("user_agent.original"), |out| line.log.shown.write_agent(agent, out));
    }
    if let Some(version) = line.version() {
        object.plain(key!("http.version"), version);
    }
}

fn response(ended: &Ended<'_>, object: &mut Object<'_>) {
    object.plain(key!("event.outcome"), outcome(ended));
    object.plain(key!("exchange.outcome"), ended.end.outcome.as_str());
    if let Some(status) = ended.status {
        object.status(key!("http.response.status_code"), status);
    }
    if let Some(status) = ended.rpc_status() {
        object.plain(key!("rpc.response.status_code"), status);
    }
    if let Some(error) = ended.error_type() {
        object.text(key!("error.type"), error);
    }
    if let Some(text) = &ended.error_text {
        object.text(key!("error.message"), text);
    }
    if let Some(place) = ended.place() {
        object.text(key!("log.origin.file.name"), place.file);
        if let Some(line) = place.line {
            object.number(key!("log.origin.file.line"), line);
        }
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

/// The keys that are written above.
const TAKEN: [&str; 44] = [
    "@timestamp",
    "log.level",
    "message",
    "ecs.version",
    "event.kind",
    "trace.id",
    "span.id",
    "http.request.headers",
    "http.response.headers",
    "labels",
    "exchange.side",
    "http.request.id",
    "http.request.method",
    "url.scheme",
    "url.path",
    "url.query",
    "http.route",
    "rpc.method",
    "client.ip",
    "url.domain",
    "url.port",
    "server.address",
    "server.port",
    "user_agent.original",
    "http.version",
    "event.outcome",
    "exchange.outcome",
    "http.response.status_code",
    "rpc.response.status_code",
    "error.type",
    "error.message",
    "log.origin.file.name",
    "log.origin.file.line",
    "http.request.body.bytes",
    "http.response.body.bytes",
    "event.duration",
    "exchange.time_to_headers",
    "exchange.slow",
    "exchange.upgraded",
    "exchange.unread",
    "exchange.sampling.rate",
    "exchange.sampling.dropped",
    "event.category",
    "event.type",
];

fn is_free(key: &str) -> bool {
    !TAKEN.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_written_is_taken() {
        let source = include_str!("ecs.rs");
        let (code, _) = source.split_once("const TAKEN").unwrap();
        let texts = code.split(r#"texts("", ""#).skip(1);
        let keys = code.split("key!(\"").skip(1).chain(texts);
        let keys: Vec<_> =
            keys.filter_map(|rest| rest.split_once('"').map(|(key, _)| key)).collect();
        assert_eq!(keys, TAKEN);
        assert!(is_free("service.name"));
        assert!(!is_free("message"));
    }
}
