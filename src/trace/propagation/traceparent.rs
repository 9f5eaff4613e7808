//! The `traceparent` header.

use http::HeaderValue;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The length of version `00`, and of what is read of later ones.
const LENGTH: usize = 55;

/// Set when the trace's ID was made at random (level 2).
pub(super) const RANDOM: TraceFlags = TraceFlags::new(0b10);

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
        let version = byte([value[0], value[1]])?;
        // a later version may go on with further fields
        let ends = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with(b"-") && rest.iter().all(is_visible),
        };
        let dashes = [value[2], value[35], value[52]] == [b'-'; 3];
        let flags = byte([value[53], value[54]])?;
        let read = Self {
            trace_id: TraceId::from(
                u128::from(long(&value[3..19])?) << 64 | u128::from(long(&value[19..35])?),
            ),
            span_id: SpanId::from(long(&value[36..52])?),
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

/// A number from sixteen lower-case digits.
fn long(digits: &[u8]) -> Option<u64> {
    let (words, _) = digits.as_chunks::<8>();
    let &[high, low] = words.first_chunk()?;
    Some(u64::from(word(high)?) << 32 | u64::from(word(low)?))
}

/// A number from eight lower-case digits, all at once.
fn word(digits: [u8; 8]) -> Option<u32> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let read = u64::from_be_bytes(digits);
    let letters = read >> 6 & EACH;
    let values = (read & (0x0f * EACH)) + 9 * letters;
    let written = values + 0x30 * EACH + 0x27 * letters;
    let from_ten = (values + 6 * EACH) >> 4 & EACH;
    if written != read || from_ten != letters || values & (0x10 * EACH) != 0 {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((fours | fours >> 16) as u32)
}

/// A byte from two lower-case digits.
fn byte(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| VALUES[usize::from(digit)]);
    ((high | low) < 16).then_some(high << 4 | low)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_every_place_is_read_as_by_the_standard_library() {
        let read = |digits: &[u8]| {
            let text = std::str::from_utf8(digits).ok()?;
            let lower = text.bytes().all(|digit| DIGITS.contains(&digit));
            lower.then(|| u32::from_str_radix(text, 16).ok())?
        };
        for place in 0..8 {
            for value in 0..=255 {
                let mut digits = *b"09af1b2e";
                digits[place] = value;
                assert_eq!(word(digits), read(&digits), "{digits:?}");
                let pair = [digits[place], digits[7 - place]];
                assert_eq!(byte(pair).map(u32::from), read(&pair), "{pair:?}");
            }
        }
    }
}
