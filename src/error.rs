//! Reading errors of types that are only known as [`Any`].

use std::any::Any;
use std::error::Error;
#[cfg(feature = "catch-panic")]
use std::fmt;

use crate::grpc::Code;

/// The error of a body in which panics are caught.
#[cfg(feature = "catch-panic")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught<E> {
    /// The body's own error.
    Inner(E),
    /// The body panicked: what was sent of it is not all.
    Panicked(Panicked),
}

/// The error that a body ends with which panicked. It does not say why: a peer may be told of it.
#[cfg(feature = "catch-panic")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panicked;

#[cfg(feature = "catch-panic")]
impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response body panicked")
    }
}

#[cfg(feature = "catch-panic")]
impl Error for Panicked {}

#[cfg(feature = "catch-panic")]
impl<E: fmt::Display> fmt::Display for Caught<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inner(error) => error.fmt(f),
            Self::Panicked(panicked) => panicked.fmt(f),
        }
    }
}

/// The body's own error comes out as it went in, not one deeper in a chain. (That is why `Caught` is no
/// [`Error`] itself: all of those are boxed whole.)
#[cfg(feature = "catch-panic")]
impl<E: Into<BoxError>> From<Caught<E>> for BoxError {
    fn from(caught: Caught<E>) -> Self {
        match caught {
            Caught::Inner(error) => error.into(),
            Caught::Panicked(panicked) => panicked.into(),
        }
    }
}

#[cfg(feature = "catch-panic")]
type BoxError = Box<dyn Error + Send + Sync>;

/// An error of this type, also where panics of the body are caught.
fn downcast<'a, E: 'static>(error: &'a (dyn Any + 'static)) -> Option<&'a E> {
    let found = error.downcast_ref::<E>();
    #[cfg(feature = "catch-panic")]
    let found = found.or_else(|| match error.downcast_ref::<Caught<E>>() {
        Some(Caught::Inner(error)) => Some(error),
        _ => None,
    });
    found
}

/// The error of a type this crate knows.
pub(crate) fn as_error<'a>(error: &'a (dyn Any + 'static)) -> Option<&'a (dyn Error + 'static)> {
    fn known<E: Error + 'static>(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
        downcast::<E>(error).map(|error| error as &(dyn Error + 'static))
    }
    if let Some(boxed) = downcast::<Box<dyn Error + Send + Sync>>(error) {
        return Some(boxed.as_ref());
    }
    if let Some(boxed) = downcast::<Box<dyn Error + Send>>(error) {
        return Some(boxed.as_ref());
    }
    let found = known::<std::io::Error>(error);
    #[cfg(feature = "axum")]
    let found = found.or_else(|| known::<axum::Error>(error));
    #[cfg(feature = "tonic")]
    let found = found
        .or_else(|| known::<tonic::Status>(error))
        .or_else(|| known::<tonic::transport::Error>(error));
    #[cfg(feature = "reqwest")]
    let found = found.or_else(|| known::<reqwest::Error>(error));
    found
}

/// The message in the payload of a panic.
#[cfg(any(
    feature = "access-log",
    feature = "catch-panic",
    feature = "health",
    feature = "live",
    feature = "sentry",
    feature = "trace"
))]
pub(crate) fn panic_message(payload: &(dyn Any + 'static)) -> Option<String> {
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}

/// The gRPC status in an error's source chain.
#[cfg(feature = "tonic")]
pub(crate) fn grpc_code(error: &(dyn Any + 'static)) -> Option<Code> {
    let mut next = as_error(error);
    while let Some(error) = next {
        if let Some(status) = error.downcast_ref::<tonic::Status>() {
            return u8::try_from(i32::from(status.code())).ok().map(Code::from_number);
        }
        next = error.source();
    }
    None
}

/// Without the `tonic` feature no error carries a status.
#[cfg(not(feature = "tonic"))]
pub(crate) fn grpc_code(_: &(dyn Any + 'static)) -> Option<Code> {
    None
}
