//! What a wrapper leaves as it found it: auto traits, hints, readiness, and what is inside.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::Debug;
use std::marker::PhantomPinned;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, request};
use http_body::{Body, SizeHint};
use http_body_util::{BodyExt, Full, Limited};
use static_assertions::{assert_impl_all, assert_not_impl_any, assert_type_eq_all};
use tower::{Layer, Service, ServiceExt};

use crate::classify::Side;
use crate::exchange::{
    End, Facts, InExchange, Observe, ObserveBody, ObserveFuture, ObserveLayer, Observer,
};
use crate::testing::{Event, Recorder, Script, ScriptBody, ScriptError, ScriptFuture};

/// An observer that is nothing but an observer.
struct Bare;

impl Observer for Bare {
    type Exchange = ();
    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}
    fn end(&self, (): (), _: &End<'_>) {}
}

type NotSync = Cell<()>;
type NotSend = Rc<()>;
type NotUnpin = PhantomPinned;

assert_impl_all!(ObserveLayer<Bare>: Clone, Send, Sync, Unpin);
assert_impl_all!(ObserveLayer<Recorder>: Debug);
assert_impl_all!(Facts: Send, Sync, Debug);

assert_impl_all!(Observe<Script, Bare>: Clone, Send, Sync, Unpin);
assert_impl_all!(Observe<Script, Recorder>: Debug);
assert_impl_all!(Observe<NotSync, Bare>: Send, Unpin);
assert_not_impl_any!(Observe<NotSync, Bare>: Sync);
assert_not_impl_any!(Observe<NotSend, Bare>: Send, Sync);
assert_impl_all!(Observe<NotUnpin, Bare>: Send, Sync);
assert_not_impl_any!(Observe<NotUnpin, Bare>: Unpin);
assert_not_impl_any!(Observe<Bare, Bare>: Clone);

assert_impl_all!(ObserveFuture<ScriptFuture, Bare>: Send, Sync, Unpin);
assert_impl_all!(ObserveFuture<NotSync, Bare>: Send, Unpin);
assert_not_impl_any!(ObserveFuture<NotSync, Bare>: Sync);
assert_not_impl_any!(ObserveFuture<NotSend, Bare>: Send, Sync);
assert_impl_all!(ObserveFuture<NotUnpin, Bare>: Send, Sync);
assert_not_impl_any!(ObserveFuture<NotUnpin, Bare>: Unpin);

assert_impl_all!(ObserveBody<ScriptBody, Bare>: Default, Send, Sync, Unpin);
assert_impl_all!(ObserveBody<ScriptBody, Recorder>: Debug);
assert_impl_all!(ObserveBody<NotSync, Bare>: Send, Unpin);
assert_not_impl_any!(ObserveBody<NotSync, Bare>: Sync);
assert_not_impl_any!(ObserveBody<NotSend, Bare>: Send, Sync);
assert_impl_all!(ObserveBody<NotUnpin, Bare>: Send, Sync);
assert_not_impl_any!(ObserveBody<NotUnpin, Bare>: Unpin);
assert_not_impl_any!(ObserveBody<Bare, Bare>: Default);

assert_impl_all!(InExchange<ScriptFuture>: Send, Sync, Unpin);
assert_not_impl_any!(InExchange<NotSend>: Send, Sync);
assert_not_impl_any!(InExchange<NotUnpin>: Unpin);

assert_type_eq_all!(<ObserveBody<ScriptBody, Bare> as Body>::Data, Bytes);
assert_type_eq_all!(<ObserveBody<ScriptBody, Bare> as Body>::Error, ScriptError);
assert_type_eq_all!(<Observe<Script, Bare> as Service<Request<()>>>::Error, ScriptError);

async fn observed(
    recorder: &Recorder,
    method: Method,
    body: ScriptBody,
) -> ObserveBody<ScriptBody, Recorder> {
    let service = recorder.layer(Side::Server).layer(Script::body(body));
    let request = Request::builder().method(method).body(()).unwrap();
    service.oneshot(request).await.unwrap().into_body()
}

#[tokio::test]
async fn an_exact_size_hint_passes_through_as_it_shrinks() {
    let recorder = Recorder::new();
    let body = ScriptBody::new().exact(5).data("he").data("llo").claims_end();
    let mut body = observed(&recorder, Method::GET, body).await;
    let mut seen = vec![(body.size_hint().exact(), body.is_end_stream())];
    while let Some(Ok(_)) = body.frame().await {
        seen.push((body.size_hint().exact(), body.is_end_stream()));
    }
    assert_eq!(seen, [(Some(5), false), (Some(3), false), (Some(0), true)]);
}

#[tokio::test]
async fn a_body_that_says_nothing_still_says_nothing() {
    let body = ScriptBody::new().data("hello");
    let mut body = observed(&Recorder::new(), Method::GET, body).await;
    let nothing = |hint: SizeHint| (hint.lower(), hint.upper()) == (0, None);
    assert!(nothing(body.size_hint()) && !body.is_end_stream());
    assert!(body.frame().await.is_some());
    assert!(nothing(body.size_hint()) && !body.is_end_stream());
    assert!(body.frame().await.is_none());
    assert!(body.frame().await.is_none(), "an ended body stays ended");
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
}

#[tokio::test]
async fn the_bounds_of_a_size_hint_pass_through() {
    let limited = |_| async {
        Ok::<_, Infallible>(Response::new(Limited::new(ScriptBody::new().data("hello"), 10)))
    };
    let service = Recorder::new().layer(Side::Server).layer(tower::service_fn(limited));
    let body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (0, Some(10)));
}

#[tokio::test]
async fn frames_pass_through_unchanged_after_the_end_too() {
    for method in [Method::GET, Method::HEAD] {
        let recorder = Recorder::new();
        let script = ScriptBody::new().data("he").data("llo").trailers(&[("x-sum", "1")]);
        let body = observed(&recorder, method.clone(), script).await;
        let ended_at_the_headers = usize::from(method == Method::HEAD);
        assert_eq!(recorder.records().len(), ended_at_the_headers);
        let collected = body.collect().await.unwrap_or_else(|_| panic!("no error was scripted"));
        let sum = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("1"))]);
        assert_eq!(collected.trailers(), Some(&sum));
        assert_eq!(collected.to_bytes(), "hello");
        assert_eq!(recorder.only().response_bytes, if method == Method::HEAD { 0 } else { 5 });
    }
}

#[tokio::test]
async fn a_default_body_is_the_inner_default_and_observed_by_nobody() {
    let body = ObserveBody::<Full<Bytes>, Recorder>::default();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "");
}

/// Ready at the second question.
#[derive(Clone, Debug, Default, PartialEq)]
struct Hesitant {
    asked: u32,
}

impl Service<Request<()>> for Hesitant {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.asked += 1;
        if self.asked < 2 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        std::future::ready(Ok(Response::new(String::new())))
    }
}

#[test]
fn readiness_is_the_inner_services_own() {
    let recorder = Recorder::new();
    let mut service = recorder.layer(Side::Server).layer(Hesitant::default());
    assert!(service.ready().now_or_never().is_none());
    assert!(recorder.events().is_empty());
    assert!(service.ready().now_or_never().is_some());
    assert!(service.call(Request::new(())).now_or_never().is_some());
    assert_eq!(recorder.events(), [Event::Begin, Event::Response, Event::End]);
}

#[test]
fn what_is_inside_can_be_reached() {
    let mut service = Recorder::new().layer(Side::Server).layer(Hesitant::default());
    service.get_mut().asked = 1;
    assert_eq!(service.get_ref(), &Hesitant { asked: 1 });
    assert_eq!(service.clone().into_inner(), Hesitant { asked: 1 });
    let text = format!("{service:?}");
    assert!(text.starts_with("Observe { inner: Hesitant { asked: 1 }, observer: Recorder"));
    assert!(service.ready().now_or_never().is_some(), "a wrapper is as ready as what it wraps");
}

#[test]
fn a_layer_tells_its_side_and_observer() {
    let layer = ObserveLayer::new(Side::Client, "observer");
    assert_eq!((layer.side(), *layer.observer()), (Side::Client, "observer"));
    assert_eq!(layer.into_observer(), "observer");
    assert_eq!(ObserveLayer::route_recorder().side(), Side::Server);
}

#[tokio::test]
async fn a_body_says_whether_it_is_observed() {
    let recorder = Recorder::new();
    let script = ScriptBody::new().data("he");
    let service = recorder.layer(Side::Server).layer(Script::body(script));
    let body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert!(format!("{body:?}").ends_with("observed: true }"));
    let body = ObserveBody::<Full<Bytes>, Recorder>::default();
    assert!(format!("{body:?}").ends_with("observed: false }"));
}

/// A future that was ready is not polled again; asking a finished wrapper is harmless.
#[test]
fn a_future_that_has_answered_stays_pending() {
    let service = Recorder::new().layer(Side::Server).layer(Script::status(StatusCode::OK));
    let mut service = pin!(service);
    let mut future = service.call(Request::new(()));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(Pin::new(&mut future).poll_unpin(&mut cx).is_ready());
    assert!(Pin::new(&mut future).poll_unpin(&mut cx).is_pending());
}

#[cfg(feature = "tonic")]
#[test]
fn a_grpc_service_keeps_its_name() {
    use tonic::server::NamedService;

    struct Named;
    impl NamedService for Named {
        const NAME: &'static str = "shop.Cart";
    }
    assert_eq!(<Observe<Named, Bare> as NamedService>::NAME, "shop.Cart");
}
