//! Google Cloud Logging's structured format.

use super::severity;
use crate::access_log::hex::Hex;
use crate::access_log::json::{Object, key};
use crate::access_log::line::{Ended, Line};
use crate::access_log::value::{push_number, push_seconds};
use crate::classify::Side;
use crate::escape::json_fragment;

pub(super) fn write(line: &Line<'_>, project: Option<&str>, object: &mut Object<'_>) {
    object.timestamp(key!("time"), line.at);
    object.plain(key!("severity"), severity(line.level).gcp);
    object.plain(key!("message"), line.message());
    if let Some(trace) = line.trace() {
        object.quoted(key!("logging.googleapis.com/trace"), |out| {
            if let Some(project) = project {
                out.extend_from_slice(b"projects/");
                json_fragment(out, project);
                out.extend_from_slice(b"/traces/");
            }
            out.extend_from_slice(Hex::trace_id(trace.trace_id()).as_ref());
        });
        object.plain(key!("logging.googleapis.com/spanId"), Hex::span_id(trace.span_id()));
        object.bool(key!("logging.googleapis.com/trace_sampled"), trace.sampled());
    }
    if !line.log.fields.is_empty() {
        object.nested(key!("logging.googleapis.com/labels"), |object| {
            object.attribute_texts(&line.log.fields);
        });
    }
    object.nested(key!("httpRequest"), |object| http_request(line, object));
    object.plain(key!("side"), line.side());
    if let Some(id) = line.request_id() {
        object.plain(key!("request_id"), id.as_bytes());
    }
    // a client's stand in requestUrl
    if line.facts.side() == Side::Server {
        if let Some(scheme) = line.scheme() {
            object.text(key!("url_scheme"), scheme);
        }
        line.write_server(object, key!("server_address"), key!("server_port"));
    }
    if let Some(route) = line.route() {
        object.text(key!("route"), route.as_str());
    }
    if let Some(method) = line.rpc_method() {
        object.text(key!("rpc_method"), &method);
    }
    if let Some(ended) = &line.ended {
        end(ended, object);
    }
    let (sent, answered) = (&line.begun.request_headers, &line.begun.response_headers);
    if !sent.is_empty() {
        object.nested(key!("request_headers"), |object| {
            object.headers("", sent, line.log.shown.redaction())
        });
    }
    if !answered.is_empty() {
        object.nested(key!("response_headers"), |object| {
            object.headers("", answered, line.log.shown.redaction())
        });
    }
    line.with_attributes(|all| {
        object.nested(key!("attributes"), |object| object.attributes(all, |_| true));
    });
}

/// [`HttpRequest`](https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest):
/// 64-bit numbers and durations are text.
fn http_request(line: &Line<'_>, object: &mut Object<'_>) {
    object.text(key!("requestMethod"), &line.method());
    let (origin, path) = (line.origin(), line.path());
    if origin.is_some() || path.is_some() {
        object.quoted(key!("requestUrl"), |out| {
            json_fragment(out, &origin.unwrap_or_default());
            if let Some(path) = path {
                line.log.shown.write_path_json(path, out);
            }
            if let Some(query) = line.query() {
                out.push(b'?');
                line.log.shown.write_query_json(query, out);
            }
        });
    }
    if let Some(agent) = line.user_agent() {
        object.quoted(key!("userAgent"), |out| line.log.shown.write_agent(agent, out));
    }
    if let Some(address) = line.client_address() {
        object.address(key!("remoteIp"), address);
    }
    if let Some(version) = line.version() {
        object.quoted(key!("protocol"), |out| {
            out.extend_from_slice(b"HTTP/");
            out.extend_from_slice(version.as_bytes());
        });
    }
    let Some(ended) = &line.ended else { return };
    if let Some(status) = ended.status {
        object.status(key!("status"), status);
    }
    if let Some(bytes) = ended.end.request_bytes {
        object.quoted(key!("requestSize"), |out| push_number(out, bytes));
    }
    if let Some(bytes) = ended.response_bytes() {
        object.quoted(key!("responseSize"), |out| push_number(out, bytes));
    }
    object.quoted(key!("latency"), |out| {
        push_seconds(out, ended.duration());
        out.push(b's');
    });
}

fn end(ended: &Ended<'_>, object: &mut Object<'_>) {
    object.plain(key!("outcome"), ended.end.outcome.as_str());
    if let Some(status) = ended.rpc_status() {
        object.plain(key!("rpc_status_code"), status);
    }
    if let Some(error) = ended.error_type() {
        object.text(key!("error_type"), error);
    }
    if let Some(text) = &ended.error_text {
        object.text(key!("error_message"), text);
    }
    if let Some(place) = ended.place() {
        object.text(key!("code_file_path"), place.file);
        if let Some(line) = place.line {
            object.number(key!("code_line_number"), line);
        }
    }
    if let Some(time) = ended.end.time_to_headers {
        object.quoted(key!("time_to_headers"), |out| {
            push_seconds(out, time);
            out.push(b's');
        });
    }
    object.flag(key!("slow"), ended.slow);
    object.flag(key!("upgraded"), ended.end.upgraded);
    object.flag(key!("unread"), ended.end.unread);
    if let Some(rate) = ended.kept.rate {
        object.number(key!("sampling_rate"), rate);
    }
    if let Some(dropped) = ended.dropped() {
        object.number(key!("sampling_dropped"), dropped);
    }
}
