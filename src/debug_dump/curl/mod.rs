//! A capture as a command that sends its request again.

mod shell;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use http::header::{
    ACCEPT, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, Method, Version};

use super::{BodyFate, BodyForm, Capture, CapturedRequest};
use crate::message::url;

use self::shell::{argument, format};

/// What speaks of a connection (RFC 9110, section 7.6.1), or what curl writes itself. A body was
/// decompressed.
const LEFT_OUT: [HeaderName; 11] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
    CONTENT_LENGTH,
    CONTENT_ENCODING,
];

/// One command line for a POSIX `sh` that is safe to paste, whatever the caller sent: it has
/// printable ASCII alone, on one line, and runs nothing but `printf` and `curl`.
///
/// Arguments stand in single quotes; one that has other bytes than printable ASCII, and every such
/// body, comes from `printf` with octal escapes. curl is kept from reading `@file`, from ranges in
/// brackets, from rewriting the path and from adding headers of its own. It reads its `~/.curlrc` as
/// ever.
///
/// Secrets read `REDACTED`, so what needs them is to be filled in. A compressed body is sent
/// decompressed, without its `content-encoding`. The URL of a request that names no scheme is
/// `http`.
///
/// `None` where the request is not known or curl cannot send it: its body was cut, withheld, decoded or
/// not read to its end, it has trailers, no host is known, its scheme is neither
/// `http` nor `https`, it is a `CONNECT`, or a `HEAD` with a body.
#[must_use]
pub fn command(capture: &Capture) -> Option<String> {
    let request = &capture.request;
    let headers = &request.headers;
    let body = &request.body.kept;
    let is_head = request.method == Method::HEAD;
    if !is_known(request) || request.method == Method::CONNECT || (is_head && !body.is_empty()) {
        return None;
    }
    let url = url::absolute(&request.uri, headers)?;
    // of any other scheme curl would read a file, or speak to something else
    let scheme = request.uri.scheme_str().unwrap_or_default();
    if !["", "http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }

    let is_printable =
        body.len() <= shell::LONGEST && body.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let mut out = String::new();
    if !is_printable {
        // writing into a string cannot fail
        let _ = write!(out, "printf {} | ", format(body));
    }
    out.push_str("curl --globoff --path-as-is");
    out.push_str(version(request.version, url.starts_with("https:")));
    if is_head {
        out.push_str(" --head");
    } else {
        option(&mut out, "--request", request.method.as_str().as_bytes());
    }
    option(&mut out, "--url", url.as_bytes());
    if request.uri.path() == "*" {
        option(&mut out, "--request-target", b"*");
    }
    let authority = url.split('/').nth(2).unwrap_or_default();
    for (name, value) in headers {
        let is_hosts = *name == HOST && value.as_bytes() == authority.as_bytes();
        if is_hosts || is_left_out(name, headers) {
            continue;
        }
        let mut line = name.as_str().as_bytes().to_vec();
        if value.is_empty() {
            // what curl takes for a header without a value; a colon would remove it
            line.push(b';');
        } else {
            line.extend_from_slice(b": ");
            line.extend_from_slice(value.as_bytes());
        }
        option(&mut out, "--header", &line);
    }
    let has_body = !body.is_empty() || headers.contains_key(CONTENT_LENGTH) && !is_head;
    for (name, is_added) in
        [(ACCEPT, true), (USER_AGENT, true), (CONTENT_TYPE, has_body), (EXPECT, has_body)]
    {
        if is_added && (name == EXPECT || !headers.contains_key(&name)) {
            option(&mut out, "--header", format!("{name}:").as_bytes());
        }
    }
    if !is_printable {
        out.push_str(" --data-binary @-");
    } else if has_body {
        option(&mut out, "--data-raw", body);
    }
    Some(out)
}

fn option(out: &mut String, name: &str, value: &[u8]) {
    let _ = write!(out, " {name} {}", argument(value));
}

fn version(version: Version, is_https: bool) -> &'static str {
    match version {
        Version::HTTP_09 => " --http0.9",
        Version::HTTP_10 => " --http1.0",
        Version::HTTP_2 if is_https => " --http2",
        Version::HTTP_2 => " --http2-prior-knowledge",
        Version::HTTP_3 => " --http3",
        _ => " --http1.1",
    }
}

/// Whether the whole body is known.
fn is_known(request: &CapturedRequest) -> bool {
    let (headers, body) = (&request.headers, &request.body);
    let length = headers.get(CONTENT_LENGTH).map(|value| value.as_bytes());
    let says_none = body.total == 0
        && length.is_none_or(|length| length == b"0")
        && !headers.contains_key(TRANSFER_ENCODING)
        && (length.is_some() || request.version <= Version::HTTP_11);
    // what was decoded is not what was sent, and curl sends no trailers
    body.withheld.is_none()
        && body.form == BodyForm::AsSent
        && request.trailers.is_none()
        && (body.fate == BodyFate::Whole || says_none)
}

/// Whether a header is left out, by its name or because `Connection` names it.
fn is_left_out(name: &HeaderName, headers: &HeaderMap) -> bool {
    LEFT_OUT.contains(name)
        || headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
            .any(|token| token.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
}
