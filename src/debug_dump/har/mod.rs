//! Captures as an [HTTP archive 1.2](http://www.softwareishard.com/blog/har-12-spec/).
//!
//! What the format has no field for stands in its own fields, whose names begin with `_` as the
//! format asks: `_id`, `_side`, `_outcome`, `_route`, `_requestId`, `_traceId`, `_grpcStatus`,
//! `_errorType`, and of a request and a response `_bodyFate`, `_bodyWithheld`, `_trailers` (where there are
//! any: a list as `headers` is) and `_bodyForm` (where it is not as it was sent: `grpc_as_json`).

use std::borrow::Borrow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use super::{BodyForm, Capture, CapturedBody, CapturedResponse, render};
use crate::message::{timestamp, url};

#[cfg(test)]
mod tests;

/// The archive of these captures, in their order.
///
/// The format asks for URLs by RFC 3986: what a caller sent in one that may not be there is percent-encoded.
/// Cookies are in the headers alone, where they are hidden. A request that names no host has
/// `http://unknown.invalid`, and one without an answer the status 0, as browsers write it. Bodies
/// that are not UTF-8 are in base64; that of a request then has its encoding in `_encoding`.
#[must_use]
pub fn log<C: Borrow<Capture>>(captures: &[C]) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
            },
            "entries": captures.iter().map(|it| entry(it.borrow())).collect::<Vec<_>>(),
        }
    })
}

fn entry(capture: &Capture) -> Value {
    let total = capture.duration.as_secs_f64() * 1000.0;
    let wait = capture.time_to_headers.unwrap_or(capture.duration).as_secs_f64() * 1000.0;
    let wait = wait.min(total);
    json!({
        "startedDateTime": timestamp::short(capture.started_at),
        // the timings have to add up to it
        "time": wait + (total - wait),
        "request": request(capture),
        "response": response(capture.response.as_ref()),
        "cache": {},
        "timings": { "send": 0, "wait": wait, "receive": total - wait },
        "_id": capture.id.number(),
        "_side": capture.side.as_str(),
        "_outcome": capture.outcome.as_str(),
        "_route": capture.route,
        "_requestId": capture.request_id,
        "_traceId": capture.trace_id,
        "_grpcStatus": capture.grpc_status.map(|code| code.as_str()),
        "_errorType": capture.error_type,
    })
}

fn request(capture: &Capture) -> Value {
    let request = &capture.request;
    let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = url::absolute(&request.uri, &request.headers)
        .unwrap_or_else(|| format!("http://unknown.invalid{path}"));
    let url = url::strict(&url);
    let pairs = request.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        json!({ "name": name, "value": value })
    });
    let mut out = json!({
        "method": request.method.as_str(),
        "url": url,
        "httpVersion": format!("{:?}", request.version),
        "cookies": [],
        "headers": headers(&request.headers),
        "queryString": query.collect::<Vec<_>>(),
        "headersSize": -1,
        "bodySize": size(&request.body),
    });
    if let Value::Object(out) = &mut out {
        marks(out, &request.body, request.trailers.as_ref());
        if !request.body.kept.is_empty() {
            let mut data = json!({ "mimeType": mime(&request.headers) });
            if let Value::Object(data) = &mut data {
                content(data, &request.body.kept, "_encoding");
            }
            out.insert("postData".to_owned(), data);
        }
    }
    out
}

fn response(response: Option<&CapturedResponse>) -> Value {
    let Some(response) = response else {
        return json!({
            "status": 0,
            "statusText": "",
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "content": { "size": 0, "mimeType": "x-unknown" },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        });
    };
    let mut inner = json!({ "size": size(&response.body), "mimeType": mime(&response.headers) });
    if let Value::Object(inner) = &mut inner
        && !response.body.kept.is_empty()
    {
        content(inner, &response.body.kept, "encoding");
    }
    let mut out = json!({
        "status": response.status.as_u16(),
        "statusText": response.status.canonical_reason().unwrap_or_default(),
        "httpVersion": format!("{:?}", response.version),
        "cookies": [],
        "headers": headers(&response.headers),
        "content": inner,
        "redirectURL": response.headers.get(LOCATION).map(text).unwrap_or_default(),
        "headersSize": -1,
        "bodySize": size(&response.body),
    });
    if let Value::Object(out) = &mut out {
        marks(out, &response.body, response.trailers.as_ref());
    }
    out
}

fn marks(out: &mut Map<String, Value>, body: &CapturedBody, trailers: Option<&HeaderMap>) {
    out.insert("_bodyFate".to_owned(), json!(render::fate(body.fate)));
    out.insert("_bodyWithheld".to_owned(), json!(body.withheld.map(render::withheld)));
    if body.form == BodyForm::GrpcAsJson {
        out.insert("_bodyForm".to_owned(), json!("grpc_as_json"));
    }
    if let Some(trailers) = trailers {
        out.insert("_trailers".to_owned(), json!(headers(trailers)));
    }
}

fn content(out: &mut Map<String, Value>, kept: &[u8], encoding: &str) {
    match str::from_utf8(kept) {
        Ok(text) => {
            out.insert("text".to_owned(), json!(text));
        }
        Err(_) => {
            out.insert("text".to_owned(), json!(STANDARD.encode(kept)));
            out.insert(encoding.to_owned(), json!("base64"));
        }
    }
}

fn headers(headers: &HeaderMap) -> Vec<Value> {
    let header = |(name, value): (&http::HeaderName, &HeaderValue)| json!({ "name": name.as_str(), "value": text(value) });
    headers.iter().map(header).collect()
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn mime(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).map_or_else(|| "x-unknown".to_owned(), text)
}

/// The bytes that passed by.
fn size(body: &CapturedBody) -> i64 {
    i64::try_from(body.total).unwrap_or(i64::MAX)
}
