//! OpenTelemetry's log data model and semantic conventions.

use super::severity;
use crate::access_log::hex::Hex;
use crate::access_log::json::{Object, key};
use crate::access_log::line::{Ended, Line};
use crate::message::headers::{REQUEST_HEADER, RESPONSE_HEADER};
use crate::message::method::OTHER;

pub(super) fn write(line: &Line<'_>, object: &mut Object<'_>) {
    object.timestamp(key!("timestamp"), line.at);
    let [started, ended] = severity(line.level).otel;
    object.members(if line.ended.is_some() { ended } else { started });
    if let Some(trace) = line.trace() {
        object.plain(key!("trace_id"), Hex::trace_id(trace.trace_id()));
        object.plain(key!("span_id"), Hex::span_id(trace.span_id()));
    }
    if !line.log.fields.is_empty() {
        object.nested(key!("resource"), |object| object.attributes(&line.log.fields, |_| true));
    }
    object.nested(key!("attributes"), |object| {
        request(line, object);
        if let Some(ended) = &line.ended {
            response(ended, object);
        }
        line.write_headers(object);
        line.with_attributes(|all| object.attributes(all, is_free));
    });
}

fn request(line: &Line<'_>, object: &mut Object<'_>) {
    object.plain(key!("side"), line.side());
    if let Some(id) = line.request_id() {
        object.plain(key!("request_id"), id.as_bytes());
    }
    let known = line.known_method();
    object.plain(key!("http.request.method"), known.unwrap_or(OTHER));
    if known.is_none() {
        object.text(key!("http.request.method_original"), &line.method());
    }
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
        object.address(key!("client.address"), address);
    }
    line.write_server(object, key!("server.address"), key!("server.port"));
    if let Some(agent) = line.user_agent() {
        object.quoted(key!("user_agent.original"), |out| line.log.shown.write_agent(agent, out));
    }
    if let Some(version) = line.version() {
        object.plain(key!("network.protocol.version"), version);
    }
}

fn response(ended: &Ended<'_>, object: &mut Object<'_>) {
    object.plain(key!("outcome"), ended.end.outcome.as_str());
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
        object.text(key!("code.file.path"), place.file);
        if let Some(line) = place.line {
            object.number(key!("code.line.number"), line);
        }
    }
    if let Some(bytes) = ended.end.request_bytes {
        object.number(key!("http.request.body.size"), bytes);
    }
    if let Some(bytes) = ended.response_bytes() {
        object.number(key!("http.response.body.size"), bytes);
    }
    object.seconds(key!("duration"), ended.duration());
    if let Some(time) = ended.end.time_to_headers {
        object.seconds(key!("time_to_headers"), time);
    }
    object.flag(key!("slow"), ended.slow);
    object.flag(key!("upgraded"), ended.end.upgraded);
    object.flag(key!("unread"), ended.end.unread);
    if let Some(rate) = ended.kept.rate {
        object.number(key!("sampling.rate"), rate);
    }
    if let Some(dropped) = ended.dropped() {
        object.number(key!("sampling.dropped"), dropped);
    }
}

/// The keys that are written above.
const TAKEN: [&str; 30] = [
    "side",
    "request_id",
    "http.request.method",
    "http.request.method_original",
    "url.scheme",
    "url.path",
    "url.query",
    "http.route",
    "rpc.method",
    "client.address",
    "server.address",
    "server.port",
    "user_agent.original",
    "network.protocol.version",
    "outcome",
    "http.response.status_code",
    "rpc.response.status_code",
    "error.type",
    "error.message",
    "code.file.path",
    "code.line.number",
    "http.request.body.size",
    "http.response.body.size",
    "duration",
    "time_to_headers",
    "slow",
    "upgraded",
    "unread",
    "sampling.rate",
    "sampling.dropped",
];

fn is_free(key: &str) -> bool {
    !TAKEN.contains(&key) && !key.starts_with(REQUEST_HEADER) && !key.starts_with(RESPONSE_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_written_is_taken() {
        let source = include_str!("otel.rs");
        let (code, _) = source.split_once("const TAKEN").unwrap();
        let (_, code) = code.split_once("fn request(").unwrap();
        let keys: Vec<_> = code
            .split("key!(\"")
            .skip(1)
            .filter_map(|rest| rest.split_once('"').map(|(key, _)| key))
            .collect();
        assert_eq!(keys, TAKEN);
        assert!(is_free("user.id"));
        assert!(!is_free("http.request.header.x"));
        assert!(!is_free("http.response.header.x"));
    }
}
