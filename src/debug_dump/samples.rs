//! Captures for the tests of what shows them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
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
            trailers: None,
        },
        response: Some(CapturedResponse {
            status: StatusCode::OK,
            version: Version::HTTP_11,
            headers: headers(&[("content-type", b"text/plain")]),
            body: whole("one\r\ntwo\x1b[31m"),
            trailers: None,
        }),
    }
}

/// What `samples.proto` describes.
#[cfg(feature = "debug-dump-grpc")]
fn descriptor_bytes() -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/debug_dump");
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_imports(true).open_file("samples.proto").unwrap();
    compiler.encode_file_descriptor_set()
}

#[cfg(feature = "debug-dump-grpc")]
pub(super) fn descriptors() -> super::DescriptorSet {
    static SET: std::sync::LazyLock<super::DescriptorSet> =
        std::sync::LazyLock::new(|| super::DescriptorSet::decode(&descriptor_bytes()).unwrap());
    SET.clone()
}

/// A field of Protocol Buffers that has a length.
#[cfg(feature = "debug-dump-grpc")]
pub(super) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut out = vec![number << 3 | 2];
    if number > 15 {
        out = vec![number << 3 | 0x82, number >> 4];
    }
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// A message as gRPC frames it.
#[cfg(feature = "debug-dump-grpc")]
pub(super) fn framed(is_compressed: bool, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[u8::from(is_compressed)][..], &length.to_be_bytes(), message].concat()
}

/// A writer whose bytes can be read, and that does as it is told.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    written: Vec<u8>,
    /// How many bytes it takes before it fails.
    pub(super) room: Option<usize>,
    pub(super) panics: bool,
}

impl Output {
    pub(super) fn set(&self, set: impl FnOnce(&mut State)) {
        set(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.set(|state| text = String::from_utf8(state.written.clone()).unwrap());
        text
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        assert!(!state.panics, "as it should");
        let fits = bytes.len().min(state.room.unwrap_or(usize::MAX));
        if fits == 0 {
            return Err(io::Error::other("full\n"));
        }
        state.room = state.room.map(|room| room - fits);
        state.written.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
