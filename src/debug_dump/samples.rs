//! Captures for the tests of what shows them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};

use super::{Capture, CaptureId, CapturedBody, CapturedRequest, CapturedResponse};
use crate::classify::{Outcome, Protocol, Side};

pub(super) fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
    let pair = |(name, value): &(&str, &[u8])| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

pub(super) fn whole(body: impl Into<Bytes>) -> CapturedBody {
    let kept = body.into();
    CapturedBody { total: kept.len() as u64, kept, ..CapturedBody::default() }
}

/// A `POST` of JSON that was answered with text.
pub(super) fn capture() -> Capture {
    Capture {
        id: CaptureId::new(7),
        side: Side::Server,
        started_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
        duration: Duration::from_millis(1500),
        time_to_headers: Some(Duration::from_millis(500)),
        outcome: Outcome::Completed,
        protocol: Protocol::Http,
        route: Some("/users/{id}".to_owned()),
        request_id: Some("r-1".to_owned()),
        trace_id: None,
        grpc_status: None,
        error_type: None,
        request: CapturedRequest {
            method: Method::POST,
            uri: Uri::from_static("/users/1?page=2&token=REDACTED"),
            version: Version::HTTP_11,
            headers: headers(&[
                ("host", b"example.com"),
                ("content-type", b"application/json"),
                ("x-odd", b"a\xffb"),
            ]),
            body: whole("{\"a\":\n1,\"b\":\"\u{202e}\"}"),
        },
        response: Some(CapturedResponse {
            status: StatusCode::OK,
            version: Version::HTTP_11,
            headers: headers(&[("content-type", b"text/plain")]),
            body: whole("one\r\ntwo\x1b[31m"),
        }),
    }
}
