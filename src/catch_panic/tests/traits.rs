//! What a service, its future and its body can do, they can still do.

use std::marker::PhantomPinned;
use std::rc::Rc;

use http_body_util::Full;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::*;

assert_impl_all!(CatchPanicLayer: Send, Sync, Unpin, Clone, Default, std::fmt::Debug);
assert_impl_all!(CatchPanic<()>: Send, Sync, Unpin, Clone, std::fmt::Debug);
assert_not_impl_any!(CatchPanic<Rc<()>>: Send, Sync);
assert_impl_all!(CatchPanicFuture<std::future::Ready<()>>: Send, Sync, Unpin);
assert_not_impl_any!(CatchPanicFuture<Rc<()>>: Send, Sync);
assert_not_impl_any!(CatchPanicFuture<PhantomPinned>: Unpin);
assert_impl_all!(CatchPanicBody<Full<Bytes>>: Send, Sync, Unpin, Clone, Default, std::fmt::Debug);
assert_not_impl_any!(CatchPanicBody<Rc<()>>: Send, Sync);
assert_not_impl_any!(CatchPanicBody<PhantomPinned>: Unpin);
assert_not_impl_any!(Caught<ScriptError>: std::error::Error);

#[test]
fn an_empty_body_is_empty() {
    let mut body = CatchPanicBody::<Full<Bytes>>::default();
    assert!(body.clone().is_end_stream());
    assert!(body.frame().now_or_never().unwrap().is_none());
}
