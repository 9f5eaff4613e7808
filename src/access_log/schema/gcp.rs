//! Google Cloud Logging's structured format.

use super::severity;
use crate::access_log::json::{Hex, Object, push_number, push_seconds};
use crate::access_log::line::{Ended, Line};
use crate::escape::json_fragment;

pub(super) fn write(line: &Line<'_>, project: Option<&str>, object: &mut Object<'_>) {
    object.timestamp("time", line.at);
    object.plain("severity", severity(line.level).gcp);
    object.plain("message", line.message());
    if let Some(trace) = line.trace() {
        object.quoted("logging.googleapis.com/trace", |out| {
            if let Some(project) = project {
                out.extend_from_slice(b"projects/");
                json_fragment(out, project);
                out.extend_from_slice(b"/traces/");
            }
            out.extend_from_slice(Hex::trace_id(trace.trace_id).as_bytes());
        });
        object.plain("logging.googleapis.com/spanId", Hex::span_id(trace.span_id).as_str());
        object.bool("logging.googleapis.com/trace_sampled", trace.sampled);
    }
    object.nested("httpRequest", |object| http_request(line, object));
    object.plain("side", line.side());
    if let Some(id) = line.request_id() {
        object.plain("request_id", id.as_str());
    }
    if let Some(route) = line.route() {
        object.text("route", route.as_str());
    }
    if let Some(method) = line.rpc_method() {
        object.text("rpc_method", method.as_str());
    }
    if let Some(ended) = &line.ended {
        end(ended, object);
    }
    let (sent, answered) = (&line.begun.request_headers, &line.begun.response_headers);
    if !sent.is_empty() {
        object.nested("request_headers", |object| sent.write(object, "", line.redaction));
    }
    if !answered.is_empty() {
        object.nested("response_headers", |object| answered.write(object, "", line.redaction));
    }
    line.with_attributes(|all| {
        object.nested("attributes", |object| object.attributes(all, |_| true));
    });
}

/// [`HttpRequest`](https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest):
/// 64-bit numbers and durations are text.
fn http_request(line: &Line<'_>, object: &mut Object<'_>) {
    object.text("requestMethod", line.facts.method().as_str());
    let (origin, path) = (line.origin(), line.path());
    if origin.is_some() || path.is_some() {
        object.quoted("requestUrl", |out| {
            json_fragment(out, &origin.unwrap_or_default());
            if let Some(path) = path {
                line.write_path(path, &mut |piece| json_fragment(out, piece));
            }
            if let Some(query) = line.query() {
                out.push(b'?');
                line.redaction.write_query(query, &mut |piece| json_fragment(out, piece));
            }
        });
    }
    if let Some(agent) = line.user_agent() {
        object.text("userAgent", &agent);
    }
    if let Some(address) = line.client_address() {
        object.address("remoteIp", address);
    }
    if let Some(version) = line.version() {
        object.quoted("protocol", |out| {
            out.extend_from_slice(b"HTTP/");
            out.extend_from_slice(version.as_bytes());
        });
    }
    let Some(ended) = &line.ended else { return };
    if let Some(status) = ended.status {
        object.number("status", status);
    }
    if let Some(bytes) = ended.end.request_bytes {
        object.quoted("requestSize", |out| push_number(out, bytes));
    }
    if let Some(bytes) = ended.response_bytes() {
        object.quoted("responseSize", |out| push_number(out, bytes));
    }
    object.quoted("latency", |out| {
        push_seconds(out, ended.duration());
        out.push(b's');
    });
}

fn end(ended: &Ended<'_>, object: &mut Object<'_>) {
    object.plain("outcome", ended.end.outcome.as_str());
    if let Some(status) = ended.rpc_status() {
        object.plain("rpc_status_code", status);
    }
    if let Some(error) = ended.error_type() {
        object.text("error_type", error);
    }
    if let Some(time) = ended.end.time_to_headers {
        object.quoted("time_to_headers", |out| {
            push_seconds(out, time);
            out.push(b's');
        });
    }
    object.flag("slow", ended.slow);
    object.flag("upgraded", ended.end.upgraded);
    object.flag("unread", ended.end.unread);
    if let Some(rate) = ended.kept.rate {
        object.number("sampling_rate", rate);
    }
    if let Some(dropped) = ended.dropped() {
        object.number("sampling_dropped", dropped);
    }
}
