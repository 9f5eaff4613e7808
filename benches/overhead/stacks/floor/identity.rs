//! Who an exchange is: its request ID, and the trace that the caller began.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use uuid::Builder;

// names that are known need not be parsed each time
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A UUID of version 7, as a header.
pub(super) fn request_id(since_1970: Duration) -> HeaderValue {
    let random = fastrand::u128(..).to_ne_bytes();
    let [few @ .., _, _, _, _, _, _] = random;
    let id = Builder::from_unix_timestamp_millis(since_1970.as_millis() as u64, &few).into_uuid();
    let mut text = vec![0; 36];
    id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("digits and hyphens")
}

/// The caller's span, by W3C Trace Context.
pub(super) fn caller(headers: &HeaderMap) -> Option<SpanContext> {
    let told = headers.get(&TRACEPARENT)?.as_bytes();
    let told: &[u8; 55] = told.try_into().ok()?;
    let hyphens = [told[2], told[35], told[52]] == [b'-'; 3];
    let trace = hex::<16>(&told[3..35])?;
    let span = hex::<8>(&told[36..52])?;
    let [flags] = hex::<1>(&told[53..])?;
    let is_valid = hyphens && told[..2] == *b"00" && trace != [0; 16] && span != [0; 8];
    let state = match headers.get(&TRACESTATE) {
        Some(state) => state.to_str().ok()?.parse().unwrap_or_default(),
        None => TraceState::NONE,
    };
    let (trace, span) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    is_valid.then(|| SpanContext::new(trace, span, flags, true, state))
}

fn hex<const BYTES: usize>(digits: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let mut seen = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
        let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen < 16).then_some(bytes)
}

/// What each digit is worth; 255 for what is none.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    values
};
