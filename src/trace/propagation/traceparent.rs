//! The `traceparent` header.

use http::HeaderValue;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The length of version `00`, and of what is read of later ones.
const LENGTH: usize = 55;

/// Set when the trace's ID was made at random (level 2).
pub(crate) const RANDOM: TraceFlags = TraceFlags::new(0b10);

/// The flags that are known; others are not passed on.
const KNOWN: TraceFlags = TraceFlags::new(0b11);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Traceparent {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    flags: TraceFlags,
}

impl Traceparent {
    /// What is sent for a span, with the trace's flag put back.
    pub(super) fn of(span: &SpanContext, random: bool) -> Option<Self> {
        let kept = if random { RANDOM } else { TraceFlags::default() };
        span.is_valid().then(|| Self {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            flags: (span.trace_flags() | kept) & KNOWN,
        })
    }

    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let start = value.iter().position(|byte| !is_space(byte))?;
        let end = value.iter().rposition(|byte| !is_space(byte))?;
        let (value, rest) = value.get(start..=end)?.split_first_chunk::<LENGTH>()?;
        let [version] = hex(&value[..2])?;
        // a later version may go on with further fields
        let ends = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with(b"-") && rest.iter().all(is_visible),
        };
        let dashes = [value[2], value[35], value[52]] == [b'-'; 3];
        let [flags] = hex(&value[53..])?;
        let read = Self {
            trace_id: TraceId::from_bytes(hex(&value[3..35])?),
            span_id: SpanId::from_bytes(hex(&value[36..52])?),
            flags: TraceFlags::new(flags) & KNOWN,
        };
        let valid = read.trace_id != TraceId::INVALID && read.span_id != SpanId::INVALID;
        (ends && dashes && valid).then_some(read)
    }

    pub(super) fn random(self) -> bool {
        self.flags & RANDOM == RANDOM
    }

    pub(super) fn span_context(self, state: TraceState) -> SpanContext {
        SpanContext::new(self.trace_id, self.span_id, self.flags, true, state)
    }

    pub(super) fn header(self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.bytes()).ok()
    }

    pub(super) fn text(self) -> String {
        self.bytes().map(char::from).iter().collect()
    }

    fn bytes(self) -> [u8; LENGTH] {
        let mut out = [b'-'; LENGTH];
        let mut write = |at: usize, bytes: &[u8]| {
            let (pairs, _) = out[at..].as_chunks_mut();
            for (pair, byte) in pairs.iter_mut().zip(bytes) {
                *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            }
        };
        write(0, &[0]);
        write(3, &self.trace_id.to_bytes());
        write(36, &self.span_id.to_bytes());
        write(53, &[self.flags.to_u8()]);
        out
    }
}

/// Bytes from lower-case digits, two for each.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut seen = 0;
    let (pairs, _) = digits.as_chunks();
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (VALUES[usize::from(high)], VALUES[usize::from(low)]);
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen <= 15).then_some(bytes)
}

/// What each lower-case digit stands for; more than 15 for what is none.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What a header's value may consist of and still be text.
fn is_visible(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}
