//! Each row of "How an exchange ends": the whole span, which must agree with the access log and
//! the record.

use std::any::Any;
use std::io;

use bytes::Bytes;
use opentelemetry::trace::{FutureExt as _, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use tower::service_fn;

use super::run::{ANSWERS, LEAVES, MS, Run};
use super::*;
use crate::classify::Side::{Client, Server};
use crate::classify::{Blame, Classify, Side};
use crate::exchange::{CaughtPanic, Facts};
use crate::testing::ScriptError;

const BOTH: [Side; 2] = [Server, Client];

/// The span of an exchange on this side that was answered 200 after [`ANSWERS`].
fn ok(side: Side) -> SpanRecord {
    let record = match side {
        Server => served(&[]),
        Client => sent(&[]),
    };
    SpanRecord { duration: ANSWERS, ..record }
}

/// As it is without response headers: on a client, the version is the response's.
fn unanswered(side: Side) -> SpanRecord {
    let record = ok(side).without("http.response.status_code");
    match side {
        Server => record,
        Client => record.without("network.protocol.version"),
    }
}

fn status(record: SpanRecord, status: StatusCode) -> SpanRecord {
    record.and("http.response.status_code", i64::from(status.as_u16()))
}

fn method(record: SpanRecord, method: &'static str) -> SpanRecord {
    record.named(method).and("http.request.method", method)
}

fn failed(record: SpanRecord) -> SpanRecord {
    record.error("failed").exception(&[("exception.type", "failed")])
}

fn panicked(record: SpanRecord) -> SpanRecord {
    record.error("panic").exception(&[("exception.type", "panic")])
}

/// Answers with this body, which may let time pass.
fn answers(body: impl Fn(&ManualClock) -> ScriptBody) -> impl Fn(&ManualClock) -> Script {
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

#[test]
fn statuses_that_are_errors_explain_themselves() {
    for (code, text, server, client) in [
        (StatusCode::FOUND, "302", false, false),
        (StatusCode::NOT_FOUND, "404", false, true),
        (StatusCode::SERVICE_UNAVAILABLE, "503", true, true),
    ] {
        for (side, is_error) in [(Server, server), (Client, client)] {
            let span = Run::new(side).of(|time| Script::status(code).after(time, ANSWERS));
            let answered = status(ok(side), code);
            // no event and no description: nothing but the code is known
            assert_eq!(span, if is_error { answered.error(text) } else { answered });
        }
    }
}

#[test]
fn ends_of_the_peer_are_errors_where_the_classifier_says_so() {
    let run = |side| Run::new(side).classify(Classify::new().peer_ends_are_errors());
    for side in BOTH {
        let span = run(side).of(|_| Script::pends());
        let expected = unanswered(side).error("cancelled");
        assert_eq!(span, SpanRecord { duration: LEAVES, ..expected });
    }
    let open = answers(|_| ScriptBody::new().data("he").pending());
    let span = run(Server).leaves_after(1).of(open);
    let expected = ok(Server).error("aborted");
    assert_eq!(span, SpanRecord { duration: ANSWERS + LEAVES, ..expected });
}

#[test]
fn the_classifiers_name_of_an_error_is_told() {
    let name = |error: &(dyn Any + 'static)| error.is::<ScriptError>().then_some("disk_full");
    for side in BOTH {
        let run = Run::new(side).classify(Classify::new().error_name(name));
        let span = run.of(|time| Script::fails("disk").after(time, ANSWERS));
        let expected = unanswered(side).error("disk_full");
        assert_eq!(span, expected.exception(&[("exception.type", "disk_full")]));
    }
}

#[test]
fn the_classifiers_blame_is_told() {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let answer = |time: &ManualClock| Script::status(unavailable).after(time, ANSWERS);
    let missing = |time: &ManualClock| Script::status(StatusCode::NOT_FOUND).after(time, ANSWERS);
    for side in BOTH {
        let nobody = Classify::new().blame(|_, _| Blame::Nobody);
        let span = Run::new(side).classify(nobody).of(answer);
        assert_eq!(span, status(ok(side), unavailable));
        let ours = Classify::new().blame(|_, _| Blame::Ours);
        let span = Run::new(side).classify(ours).of(missing);
        assert_eq!(span, status(ok(side), StatusCode::NOT_FOUND).error("404"));
    }
}

/// Answers an error with a secret and a source.
fn leaks(time: &ManualClock) -> impl Service<Request<()>, Response = Response<ScriptBody>> + use<> {
    let time = time.clone();
    service_fn(move |_: Request<()>| {
        time.advance(ANSWERS);
        let error = Leak(io::Error::other("for ada"));
        async { Err::<Response<ScriptBody>, tower::BoxError>(error.into()) }
    })
}

#[derive(Debug)]
struct Leak(io::Error);

impl std::fmt::Display for Leak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no login at /?token=hunter2&db=7")
    }
}

impl std::error::Error for Leak {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_text_of_an_error_is_told_on_demand_only() {
    for side in BOTH {
        let span = Run::new(side).of(leaks);
        assert_eq!(span, failed(unanswered(side)));
        let span = Run::new(side).configure(|layer| layer.error_text()).of(leaks);
        let text = "no login at /?token=REDACTED&db=7: for ada";
        let told = unanswered(side).error("failed");
        let told = SpanRecord { status: Status::error(text), ..told };
        let event = [("exception.type", "failed"), ("exception.message", text)];
        assert_eq!(span, told.exception(&event));
    }
}

#[test]
fn a_code_needs_no_text_even_on_demand() {
    let run = Run::new(Server).configure(|layer| layer.error_text());
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let span = run.of(|time| Script::status(unavailable).after(time, ANSWERS));
    assert_eq!(span, status(ok(Server), unavailable).error("503"));
}

/// Answers 500 after a panic that it caught, which said this.
fn catches(
    said: &'static str,
) -> impl Fn(&ManualClock) -> tower::util::MapRequest<Script, Box<dyn FnMut(Request<()>) -> Request<()>>>
{
    move |time| {
        let answer = Script::status(StatusCode::INTERNAL_SERVER_ERROR).after(time, ANSWERS);
        let tell = move |request: Request<()>| {
            let mut panic = CaughtPanic::new();
            panic.message = Some(said.into());
            panic.location = Some("src/cart.rs:7:3".into());
            assert!(Facts::current().unwrap().set_caught_panic(panic));
            request
        };
        tower::util::MapRequest::new(answer, Box::new(tell) as _)
    }
}

#[test]
fn a_panic_that_was_caught_keeps_the_status_that_was_sent() {
    let caught = || status(ok(Server), StatusCode::INTERNAL_SERVER_ERROR).error("panic");
    let at = ("code.location", "src/cart.rs:7:3");
    let kind = ("exception.type", "panic");
    let said = "no cart of token=hunter2";
    assert_eq!(Run::new(Server).of(catches(said)), caught().exception(&[kind, at]));
    let run = Run::new(Server).configure(|layer| layer.error_text());
    let text = "no cart of token=REDACTED";
    let told = SpanRecord { status: Status::error(text), ..caught() };
    let event = [kind, ("exception.message", text), at];
    assert_eq!(run.of(catches(said)), told.exception(&event));
}

#[test]
fn the_text_of_a_panic_is_cut_as_that_of_an_error() {
    let said: &'static str = "x".repeat(10_000).leak();
    let run = Run::new(Server).configure(|layer| layer.error_text());
    let text = "x".repeat(511) + "…";
    assert_eq!(run.of(catches(said)).status, Status::error(text));
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
