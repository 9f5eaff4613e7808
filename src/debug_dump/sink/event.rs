//! A capture as an event.

use http::HeaderMap;
use tracing::Level;

use super::TARGET;
use crate::debug_dump::{Capture, CapturedBody, render};
use crate::escape;

/// The most characters that an event has of one body, or of its headers.
pub const MAX_BODY_CHARS: usize = 4096;

/// Tells each capture as one event of the `tracing` crate: target [`TARGET`](super::TARGET), level INFO,
/// message `exchange captured`. Nothing is formatted where nobody listens.
///
/// | field | what it holds |
/// |---|---|
/// | `capture.id` | the number of the capture |
/// | `side`, `outcome`, `request_id`, `trace_id`, `error.type` | as in every signal |
/// | `http.request.method`, `url.full`, `http.route`, `http.response.status_code` | OpenTelemetry's; the URL is as it was sent |
/// | `rpc.response.status_code` | of gRPC |
/// | `duration` | seconds |
/// | `http.request.body.size`, `http.response.body.size` | the bytes that passed |
/// | `http.request.headers`, `http.response.headers`, `http.request.trailers`, `http.response.trailers` | a list of `{"name", "value"}`, as text of JSON |
/// | `http.request.body`, `http.response.body` | what was kept, as text; what is not UTF-8 becomes U+FFFD |
/// | `http.request.body.fate`, `http.response.body.fate`, `http.request.body.withheld`, `http.response.body.withheld` | as in the [JSON](crate::debug_dump::render) of a capture |
///
/// What is not known has no field. No value has a control character, whatever a caller sent: they are
/// escaped as by [`escape::text`], and those of headers as in JSON. Headers, trailers and bodies are cut to [`MAX_BODY_CHARS`], and end in
/// `…` then.
pub fn event() -> impl Fn(&Capture) + Clone + Send + Sync + 'static {
    tell
}

fn tell(capture: &Capture) {
    if !tracing::enabled!(target: TARGET, Level::INFO) {
        return;
    }
    let (request, response) = (&capture.request, capture.response.as_ref());
    let answer = response.map(|response| &response.body);
    tracing::event!(target: TARGET, Level::INFO, {
        "message" = "exchange captured",
        "capture.id" = capture.id.number(),
        "side" = capture.side.as_str(),
        "outcome" = capture.outcome.as_str(),
        "request_id" = visible(&capture.request_id),
        "trace_id" = capture.trace_id.as_deref(),
        "error.type" = visible(&capture.error_type),
        "http.request.method" = request.method.as_str(),
        "url.full" = bounded(request.uri.to_string().as_bytes()),
        "http.route" = visible(&capture.route),
        "http.response.status_code" = response.map(|response| response.status.as_u16()),
        "rpc.response.status_code" = capture.grpc_status.map(|code| code.as_str()),
        "duration" = capture.duration.as_secs_f64(),
        "http.request.body.size" = request.body.total,
        "http.response.body.size" = answer.map(|body| body.total),
        "http.request.headers" = fields(&request.headers),
        "http.response.headers" = response.map(|it| fields(&it.headers)),
        "http.request.trailers" =
            request.trailers.as_ref().map(fields),
        "http.response.trailers" = response
            .and_then(|response| response.trailers.as_ref())
            .map(fields),
        "http.request.body" = text(&request.body),
        "http.response.body" = answer.and_then(text),
        "http.request.body.fate" = render::fate(request.body.fate),
        "http.response.body.fate" = answer.map(|body| render::fate(body.fate)),
        "http.request.body.withheld" = request.body.withheld.map(render::withheld),
        "http.response.body.withheld" =
            answer.and_then(|body| body.withheld).map(render::withheld)
    });
}

fn visible(text: &Option<String>) -> Option<String> {
    text.as_ref().map(|text| bounded(text.as_bytes()))
}

fn text(body: &CapturedBody) -> Option<String> {
    (!body.kept.is_empty()).then(|| bounded(&body.kept))
}

/// Headers as a list. What JSON has no need to escape is escaped in it already.
fn fields(headers: &HeaderMap) -> String {
    let mut text = String::from_utf8(render::headers_json(headers)).unwrap_or_default();
    if text.chars().nth(MAX_BODY_CHARS).is_some()
        && let Some((at, _)) = text.char_indices().nth(MAX_BODY_CHARS - 1)
    {
        text.truncate(at);
        text.push('…');
    }
    text
}

fn bounded(bytes: &[u8]) -> String {
    escape::bounded(bytes, MAX_BODY_CHARS)
}
