//! Panics in odd places: drops, hints, rules of the user, a thread that ends.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::isolation::{Stubborn, message, panicked};
use super::still;
use crate::classify::Side::Server;
use crate::classify::{Classify, ErrorType, Outcome};
use crate::route::Routes;
use crate::testing::{Record, Recorder, Script, ScriptBody, ScriptError};

/// A body that panics when it is polled and again when it is dropped, with a payload that panics.
struct Explosive;

impl Body for Explosive {
    type Data = Bytes;
    type Error = ScriptError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ScriptError>>> {
        panic_any(String::from("first"));
    }
}

impl Drop for Explosive {
    fn drop(&mut self) {
        panic_any(Stubborn);
    }
}

#[tokio::test]
async fn a_second_panic_does_not_hide_the_first() {
    let recorder = Recorder::new();
    let service = service_fn(|_| async { Ok::<_, ScriptError>(Response::new(Explosive)) });
    let mut service = still(&recorder).layer(service);
    let mut body = service.call(Request::new(())).await.unwrap().into_body();
    let payload = AssertUnwindSafe(body.frame()).catch_unwind().await.err().unwrap();
    assert_eq!(message(&*payload), "first");
    drop(body);
    assert_eq!(recorder.only(), panicked(0, Some(StatusCode::OK)));
}

#[tokio::test]
async fn a_stubborn_payload_from_a_drop_during_an_unwind() {
    let recorder = Recorder::new();
    let service = service_fn(|_| async { Ok::<_, ScriptError>(Response::new(Explosive)) });
    let mut service = still(&recorder).layer(service);
    let body = service.call(Request::new(())).await.unwrap().into_body();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _body = body;
        panic!("elsewhere");
    }));
    assert!(unwound.is_err());
    assert_eq!(recorder.only(), panicked(0, Some(StatusCode::OK)));
}

/// A body that panics when it is asked for its size.
#[derive(Default)]
struct Unmeasurable;

impl Body for Unmeasurable {
    type Data = Bytes;
    type Error = ScriptError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ScriptError>>> {
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        panic!("no idea")
    }
}

#[tokio::test]
async fn a_panic_in_a_hint_of_the_body_is_recorded() {
    let (outer, inner) = (Recorder::new(), Recorder::new());
    let service = service_fn(|_| async { Ok::<_, ScriptError>(Response::new(Unmeasurable)) });
    let service = still(&outer).layer(inner.layer(Server).layer(service));
    let asked = AssertUnwindSafe(service.oneshot(Request::new(()))).catch_unwind().await;
    assert!(asked.is_err());
    for recorder in [outer, inner] {
        assert_eq!(recorder.only(), panicked(0, None));
    }
}

#[tokio::test]
async fn rules_of_the_user_that_panic_are_passed_over() {
    let recorder = Recorder::new();
    let classify =
        Classify::new().blame(|_, _| panic!("blame")).error_name(|_| panic!("error_name"));
    let routes = Routes::new().extract(|_| panic!("extract"));
    let layer = still(&recorder).classify(classify).routes(routes);
    let service = layer.layer(Script::fails("disk"));
    assert_eq!(service.oneshot(Request::new(())).await.err(), Some(ScriptError("disk")));
    assert_eq!(
        recorder.only(),
        Record {
            outcome: Outcome::Failed,
            error_type: Some(ErrorType::Named("failed")),
            error: Some("disk".into()),
            ..panicked(0, None)
        }
    );
}

#[test]
fn a_thread_that_is_torn_down_still_ends_its_exchanges() {
    use std::cell::RefCell;
    thread_local! {
        static HELD: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
    }
    let recorder = Recorder::new();
    let service = still(&recorder).layer(Script::body(ScriptBody::new().pending()));
    let holds = move || {
        // registered before the scope is first used, so torn down after it
        HELD.with(|held| held.borrow_mut().take());
        let response = service.oneshot(Request::new(())).now_or_never().unwrap().unwrap();
        HELD.with(|held| *held.borrow_mut() = Some(Box::new(response)));
    };
    std::thread::spawn(holds).join().unwrap();
    assert_eq!(recorder.only().outcome, Outcome::Aborted);
}
