//! Each row of "How an exchange ends": the whole span, which must agree with the access log and
//! the record.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task;

use bytes::Bytes;
use futures_util::FutureExt;
use opentelemetry::trace::{FutureExt as _, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use tower::service_fn;

use super::run::{ANSWERS, LEAVES, MS, Run, Wrong};
use super::*;
use crate::classify::Side;
use crate::classify::Side::{Client, Server};
use crate::testing::ScriptError;

pub(super) const BOTH: [Side; 2] = [Server, Client];

/// The span of an exchange on this side that was answered 200 after [`ANSWERS`].
pub(super) fn ok(side: Side) -> SpanRecord {
    let record = match side {
        Server => served(&[]),
        Client => sent(&[]),
    };
    SpanRecord { duration: ANSWERS, ..record }
}

/// As it is without response headers: on a client, the version is the response's.
pub(super) fn unanswered(side: Side) -> SpanRecord {
    let record = ok(side).without("http.response.status_code");
    match side {
        Server => record,
        Client => record.without("network.protocol.version"),
    }
}

pub(super) fn status(record: SpanRecord, status: StatusCode) -> SpanRecord {
    record.and("http.response.status_code", i64::from(status.as_u16()))
}

fn method(record: SpanRecord, method: &'static str) -> SpanRecord {
    record.named(method).and("http.request.method", method)
}

pub(super) fn failed(record: SpanRecord) -> SpanRecord {
    record.error("failed").exception(&[("exception.type", "failed")])
}

fn panicked(record: SpanRecord) -> SpanRecord {
    record.error("panic").exception(&[("exception.type", "panic")])
}

/// Answers with this body, which may let time pass.
pub(super) fn answers(
    body: impl Fn(&ManualClock) -> ScriptBody,
) -> impl Fn(&ManualClock) -> Script {
    move |time| Script::body(body(time)).after(time, ANSWERS)
}

/// Answers "he" and "llo", each after a millisecond, and needs another one to end.
fn hello(time: &ManualClock) -> ScriptBody {
    ScriptBody::new().pass(time, MS).data("he").pass(time, MS).data("llo").pass(time, MS)
}

#[test]
fn the_body_yielded_its_end() {
    for side in BOTH {
        let span = Run::new(side).of(answers(hello));
        assert_eq!(span, SpanRecord { duration: ANSWERS + 3 * MS, ..ok(side) });
    }
}

#[test]
fn the_body_yielded_its_trailers() {
    for side in BOTH {
        let span = Run::new(side).of(answers(|time| hello(time).trailers(&[("x-sum", "1")])));
        assert_eq!(span, SpanRecord { duration: ANSWERS + 3 * MS, ..ok(side) });
    }
}

#[test]
fn answers_without_a_body_end_at_the_headers() {
    let no_content = answers(|_| ScriptBody::new().pending());
    for side in BOTH {
        for code in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
            let run = Run::new(side).leaves_after(0);
            let span = run.of(|time| no_content(time).with_status(code));
            assert_eq!(span, status(ok(side), code));
        }
        let span = Run::new(side)
            .leaves_after(0)
            .of(|time| Script::status(StatusCode::OK).after(time, ANSWERS));
        assert_eq!(span, ok(side));
    }
    let head = || Request::head("/").body(()).unwrap();
    let span = Run::new(Server)
        .request(head)
        .leaves_after(0)
        .of(|time| no_content(time).with_header("content-length", "5"));
    assert_eq!(span, method(ok(Server), "HEAD"));
    let head = || Request::head("http://shop.example/").body(()).unwrap();
    let span = Run::new(Client).request(head).leaves_after(0).of(no_content);
    assert_eq!(span, method(ok(Client), "HEAD"));
}

#[test]
fn connections_that_are_handed_over_end_at_the_headers() {
    let handed = answers(|_| ScriptBody::new().pending());
    for side in BOTH {
        let switched = StatusCode::SWITCHING_PROTOCOLS;
        let run = Run::new(side).leaves_after(0);
        let span = run.of(|time| handed(time).with_status(switched));
        assert_eq!(span, status(ok(side), switched));
    }
    let connect = || Request::connect("db.internal:5432").body(()).unwrap();
    let asked = |record: SpanRecord| {
        method(record, "CONNECT").and("server.address", "db.internal").and("server.port", 5432)
    };
    // its target is a host and a port: there is no path
    let span = Run::new(Server).request(connect).leaves_after(0).of(&handed);
    assert_eq!(span, asked(ok(Server)).without("url.path"));
    let span = Run::new(Client).request(connect).leaves_after(0).of(&handed);
    assert_eq!(span, asked(ok(Client)).and("url.full", "db.internal:5432"));
}

#[test]
fn dropped_after_all_of_the_content_length() {
    for side in BOTH {
        let all = answers(|_| ScriptBody::new().data("hello").pending());
        let run = Run::new(side).leaves_after(1);
        let span = run.of(|time| all(time).with_header("content-length", "5"));
        assert_eq!(span, SpanRecord { duration: ANSWERS + LEAVES, ..ok(side) });
    }
}

#[test]
fn bodies_short_of_their_content_length_or_past_it() {
    for side in BOTH {
        for length in ["6", "4"] {
            let span = Run::new(side)
                .of(|time| answers(hello)(time).with_header("content-length", length));
            // what is too much is known when it comes, but only the end ends it
            let expected = SpanRecord { duration: ANSWERS + 3 * MS, ..ok(side) };
            let name = "content_length_mismatch";
            assert_eq!(span, expected.error(name).exception(&[("exception.type", name)]));
        }
    }
}

#[test]
fn the_body_was_dropped_before_its_end() {
    let open = |time: &ManualClock| hello(time).pending();
    let lasting = |record| SpanRecord { duration: ANSWERS + MS + LEAVES, ..record };
    // the peer's doing: no error, and the status that was sent
    let span = Run::new(Server).leaves_after(1).of(answers(open));
    assert_eq!(span, lasting(ok(Server)).and("error.type", "aborted"));
    let span = Run::new(Client).leaves_after(1).of(answers(open));
    assert_eq!(span, lasting(ok(Client)));
}

#[test]
fn the_future_was_dropped_before_the_headers() {
    for side in BOTH {
        let span = Run::new(side).of(|_| Script::pends());
        let expected = unanswered(side).and("error.type", "cancelled");
        assert_eq!(span, SpanRecord { duration: LEAVES, ..expected });
    }
}

#[test]
fn the_callers_time_had_run_out() {
    for side in BOTH {
        let run = || Run::new(side).deadline(LEAVES);
        let span = run().of(|_| Script::pends());
        let late = |record: SpanRecord| record.error("deadline_exceeded");
        assert_eq!(span, late(SpanRecord { duration: LEAVES, ..unanswered(side) }));
        let span = run().leaves_after(1).of(answers(|_| ScriptBody::new().data("he").pending()));
        assert_eq!(span, late(SpanRecord { duration: ANSWERS + LEAVES, ..ok(side) }));
    }
    // an error after it is late on a client
    let run = |side| Run::new(side).deadline(ANSWERS);
    let fails = |time: &ManualClock| Script::fails("late").after(time, ANSWERS);
    assert_eq!(run(Client).of(fails), unanswered(Client).error("deadline_exceeded"));
    assert_eq!(run(Server).of(fails), failed(unanswered(Server)));
}

#[test]
fn the_service_answered_an_error() {
    for side in BOTH {
        let span = Run::new(side).of(|time| Script::fails("disk").after(time, ANSWERS));
        assert_eq!(span, failed(unanswered(side)));
    }
}

#[test]
fn the_body_yielded_an_error() {
    for side in BOTH {
        let span = Run::new(side).of(answers(|time| hello(time).error("disk")));
        assert_eq!(span, failed(SpanRecord { duration: ANSWERS + 3 * MS, ..ok(side) }));
    }
}

#[test]
fn a_final_answer_with_an_informational_status_has_failed() {
    for side in BOTH {
        let hints = StatusCode::EARLY_HINTS;
        let span = Run::new(side).of(|time| Script::status(hints).after(time, ANSWERS));
        assert_eq!(span, failed(status(ok(side), hints)));
    }
}

#[test]
fn a_panic_before_the_headers() {
    for side in BOTH {
        let in_call = |time: &ManualClock| {
            let time = time.clone();
            tower::util::MapRequest::new(
                Script::panics_in_call("boom"),
                move |request: Request<()>| {
                    time.advance(ANSWERS);
                    request
                },
            )
        };
        assert_eq!(Run::new(side).of(in_call), panicked(unanswered(side)));
        let in_poll = |time: &ManualClock| Script::panics("boom").after(time, ANSWERS);
        assert_eq!(Run::new(side).of(in_poll), panicked(unanswered(side)));
    }
}

#[test]
fn a_panic_of_the_body() {
    for side in BOTH {
        let span = Run::new(side).of(answers(|time| hello(time).panic("boom")));
        assert_eq!(span, panicked(SpanRecord { duration: ANSWERS + 3 * MS, ..ok(side) }));
        let in_drop = answers(|_| ScriptBody::new().data("he").pending().panics_on_drop("boom"));
        let span = Run::new(side).leaves_after(1).of(in_drop);
        assert_eq!(span, panicked(SpanRecord { duration: ANSWERS + LEAVES, ..ok(side) }));
    }
}

/// Never answers, and panics when it is dropped.
struct Trap;

impl Future for Trap {
    type Output = Result<Response<ScriptBody>, ScriptError>;

    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> task::Poll<Self::Output> {
        task::Poll::Pending
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        panic!("boom");
    }
}

#[test]
fn a_panic_in_the_drop_of_the_future() {
    for side in BOTH {
        let span = Run::new(side).of(|_| service_fn(|_: Request<()>| Trap));
        assert_eq!(span, panicked(SpanRecord { duration: LEAVES, ..unanswered(side) }));
    }
}

#[tokio::test]
async fn a_call_that_a_panicking_handler_drops_was_cancelled() {
    let bench = Bench::new();
    let (client, time) = (bench.client().layer(Script::pends()), bench.time.clone());
    let service = bench.server().layer(service_fn(move |_: Request<()>| {
        let (client, time) = (client.clone(), time.clone());
        async move {
            let mut call = Box::pin(client.oneshot(get("http://shop.example/").body(()).unwrap()));
            assert!(call.as_mut().now_or_never().is_none());
            time.advance(LEAVES);
            assert!(call.as_mut().now_or_never().is_some(), "it pends");
            call.await
        }
    }));
    let asked = AssertUnwindSafe(service.oneshot(get("/").body(()).unwrap()));
    assert!(asked.catch_unwind().await.is_err());
    let call = SpanRecord {
        span_id: SpanId::from(2_u64),
        parent: Some(SpanId::from(1_u64)),
        duration: LEAVES,
        ..unanswered(Client).and("error.type", "cancelled")
    };
    let handled = panicked(SpanRecord { duration: LEAVES, ..unanswered(Server) });
    assert_eq!(bench.spans.spans(), [call, handled]);
}

#[test]
fn a_context_that_is_still_held_does_not_stretch_the_span() {
    for side in BOTH {
        let run = Run::new(side);
        let (held, holds) = std::sync::mpsc::channel();
        let span = run.of(move |time| {
            let held = held.clone();
            tower::util::MapRequest::new(answers(hello)(time), move |request: Request<()>| {
                assert!(Context::current().span().is_recording());
                held.send(Context::current()).unwrap();
                request
            })
        });
        assert_eq!(span, SpanRecord { duration: ANSWERS + 3 * MS, ..ok(side) });
        // it was held all the time
        let held: Vec<Context> = holds.try_iter().collect();
        assert_eq!(held.len(), 3);
        assert!(held.iter().all(|context| !context.span().is_recording()));
    }
}

#[tokio::test]
async fn a_task_that_outlives_its_exchange_adds_nothing_to_the_span() {
    let bench = Bench::new();
    let go_on = std::sync::Arc::new(tokio::sync::Notify::new());
    let (waits, time) = (go_on.clone(), bench.time.clone());
    let (done, finished) = tokio::sync::oneshot::channel();
    let done = std::sync::Mutex::new(Some(done));
    let service = bench.server().layer(service_fn(move |_: Request<()>| {
        let (waits, done) = (waits.clone(), done.lock().unwrap().take());
        let late = async move {
            waits.notified().await;
            Context::current().span().set_attribute(KeyValue::new("late", true));
            Context::current().span().end();
            done.unwrap().send(()).unwrap();
        };
        tokio::spawn(late.with_current_context());
        time.advance(ANSWERS);
        async { Ok::<_, ScriptError>(Response::new(http_body_util::Full::<Bytes>::default())) }
    }));
    let response = service.oneshot(get("/").body(()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert_eq!(bench.spans.only(), ok(Server));
    bench.time.advance(LEAVES);
    go_on.notify_one();
    finished.await.unwrap();
    assert_eq!(bench.spans.only(), ok(Server));
}
