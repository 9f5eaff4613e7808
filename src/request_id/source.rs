//! The headers beside the layer's own in which a request's ID may be.

use http::HeaderName;

static REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
static X_AMZN_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A header beside the layer's own in which a server looks for an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// `request-id`, whole.
    RequestId,
    /// `x-amzn-trace-id`, its `Root` field, as AWS load balancers send it.
    AmznTraceId,
    /// `traceparent`, its trace ID
    /// ([W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header)). Requests of
    /// one trace share it.
    Traceparent,
}

impl Source {
    /// Every source, in the default order.
    pub const ALL: [Self; 3] = [Self::RequestId, Self::AmznTraceId, Self::Traceparent];

    pub(super) fn header(self) -> &'static HeaderName {
        match self {
            Self::RequestId => &REQUEST_ID,
            Self::AmznTraceId => &X_AMZN_TRACE_ID,
            Self::Traceparent => &TRACEPARENT,
        }
    }

    /// The source whose header has this name.
    pub(super) fn of(name: &HeaderName) -> Option<Self> {
        match name.as_str() {
            "request-id" => Some(Self::RequestId),
            "x-amzn-trace-id" => Some(Self::AmznTraceId),
            "traceparent" => Some(Self::Traceparent),
            _ => None,
        }
    }

    /// The part of the header's value that is the ID.
    pub(super) fn read(self, value: &[u8]) -> Option<&[u8]> {
        match self {
            Self::RequestId => Some(value),
            Self::AmznTraceId => root(value),
            Self::Traceparent => trace_id(value),
        }
    }
}

/// The one `Root` of `Root=1-67891233-abcdef012345678912345678;Sampled=1`.
fn root(value: &[u8]) -> Option<&[u8]> {
    let fields = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let mut roots = fields.filter_map(|field| field.strip_prefix(b"Root="));
    roots.next().filter(|_| roots.next().is_none())
}

/// The trace ID of a valid `traceparent`: `version "-" trace-id "-" parent-id "-" flags`. What a
/// version after 00 may add follows another dash.
fn trace_id(value: &[u8]) -> Option<&[u8]> {
    let (known, more) = value.split_first_chunk::<55>()?;
    let [v0, v1, b'-', rest @ ..] = known else { return None };
    let (trace, rest) = rest.split_first_chunk::<32>()?;
    let [b'-', rest @ ..] = rest else { return None };
    let (parent, rest) = rest.split_first_chunk::<16>()?;
    let [b'-', flags @ ..] = rest else { return None };
    if ![&[*v0, *v1][..], trace, parent, flags].into_iter().all(is_hex) {
        return None;
    }
    let fits = match [*v0, *v1] {
        [b'0', b'0'] => more.is_empty(),
        [b'f', b'f'] => false,
        _ => more.is_empty() || more.starts_with(b"-"),
    };
    let zero = |part: &[u8]| part.iter().fold(true, |zero, digit| zero & (*digit == b'0'));
    (fits && !zero(trace) && !zero(parent)).then_some(trace)
}

fn is_hex(text: &[u8]) -> bool {
    // without a branch per byte
    text.iter().fold(true, |hex, byte| hex & matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn the_trace_id_of_a_valid_traceparent_only() {
        let trace = TRACE.as_bytes();
        let read = |value: &str| trace_id(value.as_bytes()) == Some(trace);
        assert!(read(&format!("00-{TRACE}-00f067aa0ba902b7-01")));
        assert!(read(&format!("cc-{TRACE}-00f067aa0ba902b7-01")));
        assert!(read(&format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-next")));
        for bad in [
            String::new(),
            TRACE.to_owned(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-00f067aa0ba902b7-0g"),
            format!("00-{TRACE}0-0f067aa0ba902b7-01"),
            format!("00 {TRACE} 00f067aa0ba902b7 01"),
        ] {
            assert_eq!(trace_id(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn every_source_is_known_by_its_headers_name() {
        for source in Source::ALL {
            assert_eq!(Source::of(source.header()), Some(source));
        }
        assert_eq!(Source::of(&http::header::HOST), None);
    }

    #[test]
    fn the_one_root_of_an_amazon_trace_id() {
        let id = b"1-67891233-abcdef012345678912345678".as_slice();
        for good in [
            "Root=1-67891233-abcdef012345678912345678",
            "Self=1-2-3;Root=1-67891233-abcdef012345678912345678",
            "Root=1-67891233-abcdef012345678912345678; Parent=53995c3f42cd8ad8; Sampled=1",
        ] {
            assert_eq!(root(good.as_bytes()), Some(id), "{good}");
        }
        for bad in ["", "1-67891233-abcdef012345678912345678", "Self=1-2-3", "Root=1;Root=2"] {
            assert_eq!(root(bad.as_bytes()), None, "{bad}");
        }
    }
}
