//! Where it panics: before the headers, in the body, and in what is dropped.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Waker};

use tower::service_fn;

use super::*;
use crate::classify::{Outcome, Side};
use crate::exchange::{End, Facts, ObserveLayer, Observer};

/// Panics when it is dropped.
struct Local(&'static str);

impl Drop for Local {
    fn drop(&mut self) {
        panic!("{}", self.0)
    }
}

fn panicked(record: Record) -> Record {
    record.ended(Outcome::Panicked)
}

/// What is recorded of an answer in place of a panic.
fn answered(length: usize) -> Record {
    let sent = Record::completed(Side::Server, http::StatusCode::INTERNAL_SERVER_ERROR);
    panicked(Record { response_bytes: length as u64, ..sent })
}

#[test]
fn a_panic_before_the_headers_is_a_problem_and_recorded_as_one() {
    let layer = CatchPanicLayer::server();
    for script in [Script::panics_in_call("in call"), Script::panics("in poll")] {
        let (got, record) = recorded(&layer, script, get());
        assert_eq!(got, Got::problem(PROBLEM));
        assert_eq!(record, answered(PROBLEM.len()));
    }
    let drops = service_fn(async |_: Request<()>| {
        let _local = Local("in a drop");
        Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
    });
    let (got, record) = recorded(&layer, drops, get());
    assert_eq!((got, record), (Got::problem(PROBLEM), answered(PROBLEM.len())));
}

#[test]
fn what_does_not_panic_passes_as_it_is() {
    let layer = CatchPanicLayer::server();
    let body = ScriptBody::new().data("abc").trailers(&[("x-sum", "3")]);
    let (got, record) = recorded(&layer, Script::body(body), get());
    let trailers = [("x-sum".parse().unwrap(), "3".parse().unwrap())].into_iter().collect();
    assert_eq!(got, Got { trailers: Some(trailers), ..Got::body("abc") });
    let whole = Record::completed(Side::Server, http::StatusCode::OK);
    assert_eq!(record, Record { response_bytes: 3, ..whole.clone() });

    let broken = ScriptBody::new().data("abc").error("gone");
    let (got, record) = recorded(&layer, Script::body(broken), get());
    let error = Some(Caught::Inner(ScriptError("gone")));
    assert_eq!(got, Got { error, ..Got::body("abc") });
    let failed = whole.ended(Outcome::Failed);
    assert_eq!(record, Record { response_bytes: 3, ..failed });

    let error = layer.layer(Script::fails("no")).call(get()).now_or_never().unwrap().unwrap_err();
    assert_eq!(error, ScriptError("no"));
}

#[test]
fn a_body_that_panics_ends_in_an_error_and_is_never_whole() {
    let layer = CatchPanicLayer::server();
    for body in [
        ScriptBody::new().data("abc").panic("in the body"),
        // its end would be the next thing to tell
        ScriptBody::new().data("abc").panics_on_drop("in its drop"),
    ] {
        let (got, record) = recorded(&layer, Script::body(body), get());
        let error = Some(Caught::Panicked(Panicked));
        assert_eq!(got, Got { error, ..Got::body("abc") });
        let sent = Record::completed(Side::Server, http::StatusCode::OK);
        assert_eq!(record, panicked(Record { response_bytes: 3, ..sent }));
    }
}

#[test]
fn a_grpc_call_ends_with_the_status_internal_wherever_it_panics() {
    let layer = CatchPanicLayer::server();
    for script in [Script::panics_in_call("in call"), Script::panics("in poll")] {
        let response = layer.layer(script).call(call()).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), 200);
        let mut expected = internal();
        expected.insert("content-type", "application/grpc".parse().unwrap());
        assert_eq!(*response.headers(), expected, "a trailers-only answer");
        assert!(response.body().is_end_stream());
    }
    for body in [
        ScriptBody::new().data("abc").panic("in the body"),
        ScriptBody::new().data("abc").trailers(&[("grpc-status", "0")]).panics_on_drop("later"),
    ] {
        let script = Script::body(body).with_header("content-type", "application/grpc");
        let (got, record) = recorded(&layer, script, call());
        assert_eq!((got.body.as_str(), got.trailers, got.error), ("abc", Some(internal()), None));
        assert_eq!(record.outcome, Outcome::Panicked);
        assert_eq!(record.grpc_status, Some(crate::grpc::Code::Internal));
    }
}

#[test]
fn what_panics_when_the_caller_leaves_is_recorded_and_kills_nobody() {
    let layer = CatchPanicLayer::server();
    let waits = service_fn(async |_: Request<()>| {
        let _local = Local("left");
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    });
    let recorder = Recorder::new();
    let mut service = recorder.layer(Server).layer(layer.layer(waits));
    {
        let mut left = pin!(service.call(get()));
        assert!(left.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(recorder.only().outcome, Outcome::Panicked);

    let recorder = Recorder::new();
    let body = ScriptBody::new().data("abc").pending().panics_on_drop("left");
    let mut service = recorder.layer(Server).layer(layer.layer(Script::body(body)));
    drop(service.call(get()).now_or_never().unwrap().unwrap());
    assert_eq!(recorder.only().outcome, Outcome::Panicked);
}

#[test]
fn a_second_panic_while_the_first_one_unwinds_costs_nothing() {
    let layer = CatchPanicLayer::server();
    let twice = service_fn(async |_: Request<()>| {
        let kept = std::panic::catch_unwind(|| drop(Local("its own")));
        assert!(kept.is_err());
        panic!("the first");
        #[allow(unreachable_code)]
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    });
    assert_eq!(recorded(&layer, twice, get()).0, Got::problem(PROBLEM));
    let body = ScriptBody::new().panic("the first").panics_on_drop("the second");
    let (got, _) = recorded(&layer, Script::body(body), get());
    assert_eq!(got.error, Some(Caught::Panicked(Panicked)));
}

#[test]
fn a_payload_may_be_anything_even_one_that_panics_when_it_is_dropped() {
    let layer = CatchPanicLayer::server();
    let odd = service_fn(async |_: Request<()>| {
        std::panic::panic_any(Local("in the payload's drop"));
        #[allow(unreachable_code)]
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    });
    assert_eq!(recorded(&layer, odd, get()).0, Got::problem(PROBLEM));
}

#[test]
fn a_strangers_content_type_makes_no_cut_body_of_a_plain_service_whole() {
    let layer = CatchPanicLayer::server();
    let body = ScriptBody::new().data("abc").panic("in the body");
    let got = ask(&mut layer.layer(Script::body(body)), call());
    assert_eq!((got.trailers, got.error), (None, Some(Caught::Panicked(Panicked))));
}

#[test]
fn a_future_and_an_answer_that_both_panic_in_their_drops_abort_nothing() {
    let both = service_fn(async |_: Request<()>| {
        let _local = Local("the future's");
        let body = ScriptBody::new().data("abc").panics_on_drop("the body's");
        Ok::<_, Infallible>(Response::new(body))
    });
    let (got, record) = recorded(&CatchPanicLayer::server(), both, get());
    assert_eq!((got, record.outcome), (Got::problem(PROBLEM), Outcome::Panicked));
    // nor without the layer
    let recorder = Recorder::new();
    let mut service = recorder.layer(Server).layer(both);
    let asked = std::panic::AssertUnwindSafe(|| service.call(get()).now_or_never().is_some());
    assert!(std::panic::catch_unwind(asked).is_err());
    assert_eq!(recorder.only().outcome, Outcome::Panicked);
}

#[test]
fn a_wrapper_inside_that_saw_the_panic_hides_nothing_of_it() {
    let (inner, outer) = (Recorder::new(), Recorder::new());
    let service = CatchPanicLayer::server().layer(inner.layer(Server).layer(Script::panics("no")));
    let mut service = outer.layer(Server).layer(service);
    let facts = Arc::new(std::sync::Mutex::new(None));
    let told = Arc::clone(&facts);
    let keeps = ObserveLayer::new(Server, Keeps(told));
    let mut service = keeps.layer(&mut service);
    assert_eq!(read(service.call(get()).now_or_never().unwrap().unwrap()), Got::problem(PROBLEM));
    let facts: Arc<Facts> = facts.lock().unwrap().take().unwrap();
    assert_eq!(facts.caught_panic().unwrap().message.as_deref(), Some("no"));
    assert_eq!(
        (inner.only().outcome, outer.only().outcome),
        (Outcome::Panicked, Outcome::Panicked)
    );
}

/// Keeps what is known of an exchange.
struct Keeps(Arc<std::sync::Mutex<Option<Arc<Facts>>>>);

impl Observer for Keeps {
    type Exchange = ();

    fn begin(&self, _: &mut http::request::Parts, facts: &Arc<Facts>) {
        *self.0.lock().unwrap() = Some(Arc::clone(facts));
    }

    fn end(&self, (): (), _: &End<'_>) {}
}
