//! What a request and a response say of themselves, as every signal tells it: bounded, and without
//! the secrets that the redaction policy finds.

#[cfg(any(
    feature = "catch-panic",
    feature = "metrics",
    all(feature = "admin", any(feature = "live", feature = "slo"))
))]
pub(crate) mod accept;
#[cfg(any(feature = "access-log", feature = "trace"))]
pub(crate) mod asked;
#[cfg(any(feature = "access-log", feature = "trace"))]
pub(crate) mod bound;
#[cfg(any(feature = "access-log", feature = "live", feature = "sentry", feature = "trace"))]
pub(crate) mod error_text;
#[cfg(any(feature = "access-log", feature = "trace"))]
pub(crate) mod headers;
#[cfg(any(feature = "access-log", feature = "metrics", feature = "sentry", feature = "trace"))]
pub(crate) mod method;
#[cfg(any(feature = "access-log", feature = "sentry", feature = "trace"))]
pub(crate) mod place;
#[cfg(any(feature = "access-log", feature = "trace"))]
pub(crate) mod plain;
#[cfg(any(feature = "admin", feature = "catch-panic", feature = "health", feature = "pprof"))]
pub(crate) mod problem;
#[cfg(any(feature = "access-log", feature = "metrics", feature = "trace"))]
pub(crate) mod server;
#[cfg(any(feature = "access-log", feature = "trace"))]
pub(crate) mod shown;
#[cfg(any(
    feature = "access-log",
    feature = "debug-dump",
    feature = "health",
    all(feature = "admin", any(feature = "live", feature = "slo"))
))]
pub(crate) mod timestamp;
#[cfg(any(feature = "debug-dump", feature = "sentry"))]
pub(crate) mod url;
#[cfg(any(feature = "access-log", feature = "trace"))]
pub(crate) mod version;

/// What ends a text that was cut.
#[cfg(any(feature = "access-log", feature = "live", feature = "sentry", feature = "trace"))]
pub(crate) const MARK: &str = "…";
