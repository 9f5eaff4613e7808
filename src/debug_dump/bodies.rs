//! Which request bodies can be looked into: by their types, so that each stays what it is.

use std::any::{Any, TypeId};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};

use super::capture::BodyFate;
use super::tee::{BodyTap, map_as};

/// The user's own body types.
#[derive(Clone, Default)]
pub(super) struct Registered(Vec<(TypeId, Arc<dyn Any + Send + Sync>)>);

type Wrap<B> = Box<dyn Fn(B, BodyTap) -> B + Send + Sync>;

impl Registered {
    pub(super) fn add<B: 'static>(&mut self, wrap: Wrap<B>) {
        let id = TypeId::of::<B>();
        self.0.retain(|(known, _)| *known != id);
        self.0.push((id, Arc::new(wrap)));
    }

    fn of<B: 'static>(&self) -> Option<&Wrap<B>> {
        let id = TypeId::of::<B>();
        let (_, wrap) = self.0.iter().find(|(known, _)| *known == id)?;
        wrap.downcast_ref()
    }
}

/// Lets the tap see a body; whether it is of a type that can be looked into.
pub(super) fn tap<B: 'static>(mut body: B, tap: &BodyTap, registered: &Registered) -> (B, bool) {
    if let Some(wrap) = registered.of::<B>() {
        return (wrap(body, tap.clone()), true);
    }
    let is_known = tap_known(&mut body, tap);
    (body, is_known)
}

fn tap_known<B: 'static>(body: &mut B, tap: &BodyTap) -> bool {
    // no body at all
    if map_as(body, |()| tap.kept().fate = BodyFate::Whole) {
        return true;
    }
    if tap_whole::<B, Bytes>(body, tap)
        || tap_whole::<B, Vec<u8>>(body, tap)
        || tap_whole::<B, String>(body, tap)
        || tap_whole::<B, &'static str>(body, tap)
        || tap_whole::<B, &'static [u8]>(body, tap)
        || tap_boxed::<B, Infallible>(body, tap)
        || tap_boxed::<B, std::io::Error>(body, tap)
        || tap_boxed::<B, Box<dyn Error + Send + Sync>>(body, tap)
    {
        return true;
    }
    #[cfg(feature = "axum")]
    if map_as(body, |inner: axum::body::Body| {
        // its own error stays at its depth: extractors look for what is in it
        axum::body::Body::new(Unboxed { inner: tap.wrap(inner) })
    }) {
        return true;
    }
    #[cfg(feature = "tonic")]
    if map_as(body, |inner: tonic::body::Body| tonic::body::Body::new(tap.wrap(inner))) {
        return true;
    }
    #[cfg(feature = "reqwest")]
    if map_as(body, |inner: reqwest::Body| {
        // never wrapped, so that it can be sent again
        let mut kept = tap.kept();
        match inner.as_bytes() {
            Some(bytes) => {
                kept.add(bytes);
                kept.fate = BodyFate::Whole;
            }
            None => kept.fate = BodyFate::Unknown,
        }
        drop(kept);
        inner
    }) {
        return true;
    }
    false
}

/// A box of `http-body-util`.
fn tap_boxed<B: 'static, E: 'static>(body: &mut B, tap: &BodyTap) -> bool {
    map_as(body, |inner: BoxBody<Bytes, E>| BoxBody::new(tap.wrap(inner)))
        || map_as(body, |inner: UnsyncBoxBody<Bytes, E>| UnsyncBoxBody::new(tap.wrap(inner)))
}

/// A body that is there as a whole, as clients send them.
fn tap_whole<B: 'static, W: AsRef<[u8]> + Default + 'static>(body: &mut B, tap: &BodyTap) -> bool {
    map_as(body, |whole: W| {
        let mut kept = tap.kept();
        kept.add(whole.as_ref());
        kept.fate = BodyFate::Whole;
        drop(kept);
        whole
    })
}

#[cfg(feature = "axum")]
pin_project_lite::pin_project! {
    /// A body of axum whose error is taken out of axum's own, which is put around it again.
    struct Unboxed<B> {
        #[pin]
        inner: B,
    }
}

#[cfg(feature = "axum")]
impl<B> http_body::Body for Unboxed<B>
where
    B: http_body::Body<Error = axum::Error>,
{
    type Data = B::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<B::Data>, Self::Error>>> {
        self.project().inner.poll_frame(cx).map_err(axum::Error::into_inner)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}
