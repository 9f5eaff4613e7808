//! What the core needs to know of gRPC: recognising it, its status codes, its time-outs.

use std::fmt;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, Method, StatusCode};

/// A [gRPC status code](https://grpc.io/docs/guides/status-codes/).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the specification's")]
#[repr(u8)]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

impl Code {
    /// The name as the specification writes it, such as `DEADLINE_EXCEEDED`.
    pub const fn as_str(self) -> &'static str {
        CODES[self as usize].1
    }

    /// The code of this name, as the specification writes it.
    #[cfg(all(feature = "admin", feature = "debug-dump"))]
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        let (code, _) = CODES.iter().find(|(_, known)| known.as_bytes() == name)?;
        Some(*code)
    }

    /// The number as it travels in `grpc-status`.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code with this number; [`Code::Unknown`] for a number the specification does not name.
    pub const fn from_number(number: u8) -> Self {
        if number < CODES.len() as u8 { CODES[number as usize].0 } else { Self::Unknown }
    }

    /// The value of a `grpc-status` header or trailer; [`Code::Unknown`] for anything malformed.
    pub fn from_header(value: &[u8]) -> Self {
        match value {
            [d @ b'0'..=b'9'] => Self::from_number(d - b'0'),
            [t @ b'1'..=b'9', d @ b'0'..=b'9'] => Self::from_number((t - b'0') * 10 + (d - b'0')),
            _ => Self::Unknown,
        }
    }

    /// The code of an answer that has no `grpc-status`, by its HTTP status
    /// ([mapping](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)).
    pub fn from_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// Whether a server that answers this code is at fault, by the semantic conventions for gRPC.
    pub const fn is_server_error(self) -> bool {
        matches!(
            self,
            Self::Unknown
                | Self::DeadlineExceeded
                | Self::Unimplemented
                | Self::Internal
                | Self::Unavailable
                | Self::DataLoss
        )
    }

    /// Whether a server that sends this code has the method: nothing in front of it, such as a
    /// router, a check of credentials, a limit or a time-out, is expected to answer so.
    pub(crate) const fn proves_method(self) -> bool {
        !matches!(
            self,
            Self::Unimplemented
                | Self::Unauthenticated
                | Self::PermissionDenied
                | Self::ResourceExhausted
                | Self::Unavailable
                | Self::Cancelled
                | Self::DeadlineExceeded
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether these headers belong to a gRPC message: `application/grpc`, alone or followed by `+` or
/// `;`. gRPC-Web is not: its status travels inside the body.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    const PREFIX: &[u8] = b"application/grpc";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        value.len() >= PREFIX.len()
            && value[..PREFIX.len()].eq_ignore_ascii_case(PREFIX)
            && matches!(value.get(PREFIX.len()), None | Some(b'+' | b';' | b' '))
    })
}

/// Whether a request claims to be a gRPC call. Each of those is a POST, so that most other requests are
/// spared the look-up.
#[inline]
pub(crate) fn is_call(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::POST && is_grpc(headers)
}

/// The header or trailer of the status.
pub(crate) const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The header or trailer of what the status means, percent-encoded.
#[cfg(feature = "catch-panic")]
pub(crate) const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The `grpc-status` of a header or trailer block.
pub fn status(headers: &HeaderMap) -> Option<Code> {
    headers.get(STATUS).map(|value| Code::from_header(value.as_bytes()))
}

/// The caller's `grpc-timeout`: one to eight digits and a unit; `None` when absent or malformed.
pub fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let (unit, digits) = headers.get("grpc-timeout")?.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount = digits.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(amount * 3600)),
        b'M' => Some(Duration::from_secs(amount * 60)),
        b'S' => Some(Duration::from_secs(amount)),
        b'm' => Some(Duration::from_millis(amount)),
        b'u' => Some(Duration::from_micros(amount)),
        b'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
    }

    #[test]
    fn codes_keep_their_numbers_and_names() {
        for (index, (code, name)) in CODES.iter().enumerate() {
            assert_eq!(usize::from(code.number()), index);
            assert_eq!(code.as_str(), *name);
            assert_eq!(Code::from_header(index.to_string().as_bytes()), *code);
        }
        for malformed in ["", "17", "20", "25", "99", "100", "-1", "+1", "01", "x", "1x", " 1"] {
            assert_eq!(Code::from_header(malformed.as_bytes()), Code::Unknown, "{malformed}");
        }
    }

    #[test]
    fn codes_are_written_as_the_specification_writes_them() {
        assert_eq!(Code::DeadlineExceeded.to_string(), "DEADLINE_EXCEEDED");
    }

    #[test]
    fn http_statuses_map_as_the_specification_says() {
        let mapped = [400, 401, 403, 404, 429, 502, 503, 504, 200, 418, 500]
            .map(|status| Code::from_http(StatusCode::from_u16(status).unwrap()));
        use Code::*;
        assert_eq!(
            mapped,
            [
                Internal,
                Unauthenticated,
                PermissionDenied,
                Unimplemented,
                Unavailable,
                Unavailable,
                Unavailable,
                Unavailable,
                Unknown,
                Unknown,
                Unknown
            ]
        );
    }

    #[test]
    fn server_errors_are_the_six_of_the_conventions() {
        let names: Vec<_> =
            CODES.iter().filter(|(code, _)| code.is_server_error()).map(|(_, n)| *n).collect();
        assert_eq!(
            names,
            [
                "UNKNOWN",
                "DEADLINE_EXCEEDED",
                "UNIMPLEMENTED",
                "INTERNAL",
                "UNAVAILABLE",
                "DATA_LOSS"
            ]
        );
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        for yes in ["application/grpc", "application/grpc+proto", "Application/gRPC; x=1"] {
            assert!(is_grpc(&headers("content-type", yes)), "{yes}");
        }
        for no in
            ["application/grpc-web", "application/grpcx", "application/json", "application/grp"]
        {
            assert!(!is_grpc(&headers("content-type", no)), "{no}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn timeouts_have_a_number_and_a_unit() {
        let cases = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("100000000n", None),
            ("S", None),
            ("1", None),
            ("1x", None),
            ("-1S", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(timeout(&headers("grpc-timeout", value)), expected, "{value}");
        }
        assert_eq!(timeout(&HeaderMap::new()), None);
    }
}
