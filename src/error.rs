//! Reading errors of types that are only known as [`Any`].

use std::any::Any;
use std::error::Error;

use crate::grpc::Code;

/// The error of a type this crate knows.
pub(crate) fn as_error<'a>(error: &'a (dyn Any + 'static)) -> Option<&'a (dyn Error + 'static)> {
    fn known<E: Error + 'static>(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
        error.downcast_ref::<E>().map(|error| error as &(dyn Error + 'static))
    }
    if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(boxed.as_ref());
    }
    if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send>>() {
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
