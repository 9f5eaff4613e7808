//! A panic in what observes costs nobody else a record, and the exchange nothing.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode, request, response};
use http_body::Frame;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use tower::util::{BoxCloneSyncService, MapResponse};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::{poll_once, still};
use crate::classify::Outcome;
use crate::classify::Side::Server;
use crate::exchange::{End, Facts, ObserveLayer, Observer};
use crate::testing::{Event, Record, Recorder, Script, ScriptBody, ScriptError};

#[derive(Clone, Copy, PartialEq)]
enum Point {
    Begin,
    RequestBody,
    Response,
    Data,
    End,
    Refused,
}

const CALLBACKS: [Point; 4] = [Point::Begin, Point::Response, Point::Data, Point::End];

/// An observer that panics at one point.
#[derive(Clone, Copy)]
struct Faulty(Point);

/// The payload of a panic, which panics once more when it is dropped.
pub(super) struct Stubborn;

impl Drop for Stubborn {
    fn drop(&mut self) {
        panic_any("again");
    }
}

impl Faulty {
    fn reach(self, point: Point) {
        if self.0 == point {
            panic_any(Stubborn);
        }
    }
}

impl Observer for Faulty {
    type Exchange = ();

    const WANTS_DATA: bool = true;

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {
        self.reach(Point::Begin);
    }

    fn request_body<B: 'static>(&self, (): &mut (), body: B) -> B {
        self.reach(Point::RequestBody);
        body
    }

    fn response(&self, (): &mut (), _: &mut response::Parts, _: &Arc<Facts>) {
        self.reach(Point::Response);
    }

    fn data(&self, (): &mut (), _: &[u8]) {
        self.reach(Point::Data);
    }

    fn end(&self, (): (), _: &End<'_>) {
        self.reach(Point::End);
    }

    fn refused(&self, _: &(dyn Any + 'static)) {
        self.reach(Point::Refused);
    }
}

type Observed =
    BoxCloneSyncService<Request<()>, Response<BoxBody<Bytes, ScriptError>>, ScriptError>;

fn boxed<O: Observer>(observer: O, outer: &Recorder, script: &Script) -> Observed {
    let inside = ObserveLayer::new(Server, observer).layer(script.clone());
    let boxed = |response: Response<_>| response.map(BodyExt::boxed);
    Observed::new(MapResponse::new(still(outer).layer(inside), boxed))
}

/// `script` with the faulty observer alone, first, in the middle and last, each with the recorders
/// that stand beside it: one in a wrapper of its own, and those in its tuple.
fn placed(faulty: Faulty, script: &Script) -> Vec<(Observed, Vec<Recorder>)> {
    let recorders = || [Recorder::new(), Recorder::new(), Recorder::new()];
    let [outer, ..] = recorders();
    let mut all = vec![(boxed(faulty, &outer, script), vec![outer])];
    for place in 0..3 {
        let [outer, a, b] = recorders();
        let (x, y) = (a.clone(), b.clone());
        let service = match place {
            0 => boxed((faulty, x, y), &outer, script),
            1 => boxed((x, faulty, y), &outer, script),
            _ => boxed((x, Some(y), faulty, ()), &outer, script),
        };
        all.push((service, vec![outer, a, b]));
    }
    all
}

pub(super) fn panicked(response_bytes: u64, status: Option<StatusCode>) -> Record {
    let record = Record::completed(Server, StatusCode::OK).ended(Outcome::Panicked);
    let record = Record { response_bytes, ..record };
    if status.is_some() { record } else { record.unanswered() }
}

pub(super) fn message(payload: &(dyn Any + Send)) -> &str {
    payload.downcast_ref::<String>().map_or("", String::as_str)
}

#[tokio::test]
async fn a_panic_in_a_callback_leaves_the_answer_and_the_other_records_whole() {
    let script = Script::body(ScriptBody::new().data("hello").trailers(&[("x-sum", "1")]))
        .with_header("x-answer", "42");
    let expected = Record { response_bytes: 5, ..Record::completed(Server, StatusCode::OK) };
    for point in CALLBACKS {
        for (service, recorders) in placed(Faulty(point), &script) {
            let response = service.oneshot(Request::new(())).await.unwrap();
            assert_eq!(response.headers()["x-answer"], "42");
            let body = response.into_body().collect().await.unwrap();
            assert_eq!(body.trailers().unwrap()["x-sum"], "1");
            assert_eq!(body.to_bytes(), "hello");
            for recorder in recorders {
                assert_eq!(recorder.only(), expected);
                assert_eq!(recorder.events(), [Event::Begin, Event::Response, Event::End]);
            }
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_callback_while_the_service_unwinds() {
    let cases = [
        (Script::panics_in_call("boom"), panicked(0, None)),
        (Script::panics("boom"), panicked(0, None)),
        (
            Script::body(ScriptBody::new().data("he").panic("boom")),
            panicked(2, Some(StatusCode::OK)),
        ),
    ];
    for (script, expected) in cases {
        for point in CALLBACKS {
            for (service, recorders) in placed(Faulty(point), &script) {
                let exchange = async {
                    let response = service.oneshot(Request::new(())).await.unwrap();
                    response.into_body().collect().await.unwrap();
                };
                let payload = AssertUnwindSafe(exchange).catch_unwind().await.unwrap_err();
                assert_eq!(message(&*payload), "boom", "the panic is the service's own");
                for recorder in recorders {
                    assert_eq!(recorder.only(), expected);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_callback_while_something_else_unwinds() {
    let script = Script::body(ScriptBody::new().data("hello"));
    for (mut service, recorders) in placed(Faulty(Point::End), &script) {
        let body = service.call(Request::new(())).await.unwrap().into_body();
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _body = body;
            panic!("elsewhere");
        }));
        assert!(unwound.is_err());
        for recorder in recorders {
            assert_eq!(recorder.only().outcome, Outcome::Aborted, "nobody panicked in here");
        }
    }
}

#[tokio::test]
async fn a_body_that_panics_as_it_is_dropped_while_something_else_unwinds() {
    let script = Script::body(ScriptBody::new().pending().panics_on_drop("in the drop"));
    for (mut service, recorders) in placed(Faulty(Point::End), &script) {
        let body = service.call(Request::new(())).await.unwrap().into_body();
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _body = body;
            panic_any(String::from("elsewhere"));
        }));
        assert_eq!(message(&*unwound.unwrap_err()), "elsewhere");
        for recorder in recorders {
            assert_eq!(recorder.only(), panicked(0, Some(StatusCode::OK)));
        }
    }
}

#[test]
fn a_panic_in_request_body_passes_through_and_is_recorded() {
    let script = Script::status(StatusCode::OK);
    for (mut service, recorders) in placed(Faulty(Point::RequestBody), &script) {
        let called = catch_unwind(AssertUnwindSafe(|| service.call(Request::new(()))));
        let payload = called.err().unwrap().downcast::<Stubborn>().unwrap();
        std::mem::forget(payload);
        for recorder in recorders {
            assert_eq!(recorder.only(), panicked(0, None));
        }
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_refuses_once_and_nothing_is_recorded() {
    for (mut service, recorders) in placed(Faulty(Point::Refused), &Script::refuses("closed")) {
        let refused = poll_once(&mut service.ready()).await;
        assert_eq!(refused.map(|ready| ready.err()), Poll::Ready(Some(ScriptError("closed"))));
        for recorder in recorders {
            assert_eq!(recorder.events(), [Event::Refused]);
            assert_eq!(recorder.records(), []);
        }
    }
}

/// Keeps the bytes it is shown; asks for them or does not.
#[derive(Clone, Default)]
struct Bytewise<const WANTS: bool>(Arc<Mutex<Vec<u8>>>);

impl<const WANTS: bool> Observer for Bytewise<WANTS> {
    type Exchange = ();

    const WANTS_DATA: bool = WANTS;

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    fn data(&self, (): &mut (), bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

/// What each of a tuple was shown of a body whose frames come in several pieces.
async fn shown<O: Observer>(observer: O) {
    let frame = || {
        let pieces = Bytes::from("he").chain(Bytes::from("l")).chain(Bytes::from("lo "));
        Ok::<_, ScriptError>(Frame::data(pieces))
    };
    let stream = futures_util::stream::iter([frame(), frame()]);
    let mut body = Some(http_body_util::StreamBody::new(stream));
    let service = service_fn(|_: Request<()>| {
        let body = body.take().expect("one request");
        async { Ok::<_, ScriptError>(Response::new(body)) }
    });
    let service = ObserveLayer::new(Server, observer).layer(service);
    let body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "hello hello ");
}

#[tokio::test]
async fn whoever_asks_for_data_is_shown_all_of_it_and_nobody_else_any() {
    let (asks, does_not) = (Bytewise::<true>::default(), Bytewise::<false>::default());
    let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8(bytes.lock().unwrap().clone()).unwrap();
    shown(does_not.clone()).await;
    assert_eq!(text(&does_not.0), "");
    shown((does_not.clone(), Some(asks.clone()))).await;
    assert_eq!(text(&asks.0), "hello hello ");
    assert_eq!(text(&does_not.0), "");
}
