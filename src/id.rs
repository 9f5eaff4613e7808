//! The identity of an exchange: the request ID and the trace it belongs to.

#[cfg(any(feature = "access-log", feature = "request-id"))]
pub(crate) mod hex;

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

use crate::escape::block;

/// A request ID: 1 to 128 characters of `A-Z a-z 0-9 . _ : / + = -`, held inline.
///
/// IDs are opaque; nothing is read into their form.
///
/// ```
/// use tower_observability::id::RequestId;
///
/// let id: RequestId = "01931f9c-7b1e-7c3a-9f60-2f5e0a6d1b42".parse()?;
/// assert_eq!(id.as_str(), "01931f9c-7b1e-7c3a-9f60-2f5e0a6d1b42");
/// assert!("two words".parse::<RequestId>().is_err());
/// # Ok::<(), tower_observability::id::InvalidRequestId>(())
/// ```
// aligned, as words of text are checked and copied faster
#[derive(Clone, Copy)]
#[repr(align(8))]
pub struct RequestId {
    length: u8,
    text: [u8; Self::MAX],
}

/// Whether each byte may be part of a request ID.
#[inline(never)]
fn are_allowed(bytes: &[u8]) -> bool {
    !block::any(bytes, |byte| {
        !(byte | 0x20).is_ascii_lowercase()
            & !matches!(byte, b'-'..=b':') // digits, and `-` `.` `/` `:` around them
            & (byte != b'_')
            & (byte != b'+')
            & (byte != b'=')
    })
}

impl RequestId {
    /// The most characters an ID may have.
    pub const MAX: usize = 128;

    /// Reads an ID from the bytes of a header.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidRequestId> {
        let length = match u8::try_from(bytes.len()) {
            Ok(length @ 1..=128) => length,
            _ => return Err(InvalidRequestId(())),
        };
        if !are_allowed(bytes) {
            return Err(InvalidRequestId(()));
        }
        let mut text = [0; Self::MAX];
        text[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { length, text })
    }

    /// The ID that a UUID is, in its hyphenated lower-case form (RFC 9562, section 4).
    #[cfg(feature = "request-id")]
    pub(crate) fn from_uuid(uuid: uuid::Uuid) -> Self {
        let digits = hex::digits(uuid.into_bytes());
        let digits = digits.as_flattened();
        let mut text = [0; Self::MAX];
        for (at, part) in [(0, 0..8), (9, 8..12), (14, 12..16), (19, 16..20), (24, 20..32)] {
            text[at..at + part.len()].copy_from_slice(&digits[part]);
        }
        for dash in [8, 13, 18, 23] {
            text[dash] = b'-';
        }
        Self { length: uuid::fmt::Hyphenated::LENGTH as u8, text }
    }

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        // every byte was checked to be ASCII, so the fallback is never taken
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The ID as bytes, all of them ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }
}

impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes())
    }
}

impl AsRef<[u8]> for RequestId {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for RequestId {}

impl std::hash::Hash for RequestId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.as_str())
    }
}

/// The text is not a request ID: it is empty, longer than 128 bytes, or has a character outside
/// `A-Z a-z 0-9 . _ : / + = -`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequestId(());

impl fmt::Display for InvalidRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request ID has 1 to 128 characters of A-Z a-z 0-9 . _ : / + = -")
    }
}

impl std::error::Error for InvalidRequestId {}

/// The trace and span that an exchange is recorded under
/// ([W3C Trace Context](https://www.w3.org/TR/trace-context/)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceIdentity {
    trace_id: NonZeroU128,
    span_id: NonZeroU64,
    sampled: bool,
}

impl TraceIdentity {
    /// An identity, unless an ID is zero, which the standard forbids.
    pub fn new(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        let (trace_id, span_id) = (NonZeroU128::new(trace_id)?, NonZeroU64::new(span_id)?);
        Some(Self { trace_id, span_id, sampled })
    }

    /// That of a span, unless it has none.
    #[cfg(feature = "trace")]
    pub(crate) fn of(span: &opentelemetry::trace::SpanContext) -> Option<Self> {
        let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
        let span_id = u64::from_be_bytes(span.span_id().to_bytes());
        Self::new(trace_id, span_id, span.is_sampled())
    }

    /// The trace's 16 bytes, not all zero.
    pub fn trace_id(&self) -> u128 {
        self.trace_id.get()
    }

    /// The trace as it is written everywhere: 32 lower-case hexadecimal digits.
    #[cfg(any(
        feature = "catch-panic",
        feature = "debug-dump",
        all(feature = "admin", feature = "live"),
        feature = "metrics-protobuf",
        feature = "sentry"
    ))]
    pub(crate) fn trace_id_hex(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The span's 8 bytes, not all zero.
    pub fn span_id(&self) -> u64 {
        self.span_id.get()
    }

    /// Whether the trace is recorded somewhere.
    pub fn sampled(&self) -> bool {
        self.sampled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_character_and_no_other() {
        for byte in 0..=u8::MAX {
            let allowed = matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9')
                || b"._:/+=-".contains(&byte);
            assert_eq!(RequestId::from_bytes(&[b'x', byte]).is_ok(), allowed, "{byte}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_found_wherever_it_stands() {
        for length in [1, 7, 16, 36, 128] {
            for at in 0..length {
                let mut id = vec![b'x'; length];
                id[at] = b'!';
                assert_eq!(RequestId::from_bytes(&id), Err(InvalidRequestId(())), "{length}, {at}");
            }
        }
    }

    #[test]
    fn one_to_128_characters() {
        assert_eq!("".parse::<RequestId>(), Err(InvalidRequestId(())));
        let longest = "a".repeat(128);
        assert_eq!(longest.parse::<RequestId>().map(|id| id.to_string()), Ok(longest));
        for length in [129, 255, 256, 257, 8192] {
            assert!("a".repeat(length).parse::<RequestId>().is_err(), "{length}");
        }
    }

    #[test]
    fn a_trace_identity_has_no_id_of_zero() {
        let trace = TraceIdentity::new(u128::MAX, 1, true).unwrap();
        assert_eq!((trace.trace_id(), trace.span_id(), trace.sampled()), (u128::MAX, 1, true));
        assert!(!TraceIdentity::new(1, u64::MAX, false).unwrap().sampled());
        assert_eq!(TraceIdentity::new(0, 1, true), None);
        assert_eq!(TraceIdentity::new(1, 0, true), None);
    }

    #[test]
    fn equal_and_hashed_by_text() {
        use std::collections::HashSet;
        let ids: HashSet<RequestId> =
            ["a", "b", "a"].iter().map(|id| id.parse().unwrap()).collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(format!("{:?}", "a-1".parse::<RequestId>().unwrap()), "RequestId(a-1)");
    }
}
