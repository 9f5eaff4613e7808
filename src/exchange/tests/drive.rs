//! A caller of a service under a manual clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower::Service;

/// Asks, and reads what comes, all of it or so many frames; `leaves` is told before the rest is dropped,
/// and where nothing ever comes.
pub(crate) fn drive<S, B>(
    mut service: S,
    request: Request<()>,
    frames: Option<usize>,
    leaves: impl Fn(),
) where
    S: Service<Request<()>, Response = Response<B>>,
    B: Body,
{
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let mut answer = Box::pin(service.call(request));
        let Some(answered) = answer.as_mut().now_or_never() else {
            leaves();
            return;
        };
        let Ok(response) = answered else { return };
        let mut body = pin!(response.into_body());
        match frames {
            Some(frames) => {
                for _ in 0..frames {
                    assert!(body.frame().now_or_never().is_some());
                }
                leaves();
            }
            None => while let Some(Ok(_)) = body.frame().now_or_never().flatten() {},
        }
    }));
}
