//! How an operation ends, and that it does so once.

use std::error::Error;
use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::{fmt, io};

use futures_util::FutureExt;
use opentelemetry::trace::{Event, SpanKind};

use super::*;
use crate::operation::{Db, Ending, Operation};

/// An error whose text must not be told.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key (email)=(ada@example.com) already exists")
    }
}

impl Error for Refused {}

const REFUSED: &str = "tower_observability::operation::tests::endings::Refused";

fn query(bench: &Bench) -> Operation<Db> {
    bench.operations.db("sqlite")
}

/// The span of [`query`], started at `start` and ended at `end`, with an `error.type`.
fn ended(start: u64, end: u64, error_type: Option<&'static str>, status: Status) -> SpanData {
    let system = text("db.system.name", "sqlite");
    let mut events = SpanEvents::default();
    if let Some(name) = error_type.filter(|_| status != Status::Unset) {
        let told = vec![text("exception.type", name)];
        events.events.push(Event::new("exception", at(end), told, 0));
    }
    let error_type = error_type.map(|name| text("error.type", name));
    SpanData {
        events,
        start_time: at(start),
        end_time: at(end),
        status,
        ..span("sqlite", SpanKind::Client, [system].into_iter().chain(error_type).collect())
    }
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn panics(bench: &Bench) -> impl Future<Output = Result<(), Refused>> {
    poll_fn(|_| {
        bench.advance(5);
        panic!("as it should")
    })
}

/// Advances the clock when dropped.
struct Slow<'a>(&'a Bench, u64);

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        self.0.advance(self.1);
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in the drop, as it should");
    }
}

#[test]
fn the_span_lasts_from_the_first_poll_to_the_end() {
    let bench = Bench::new();
    let mut left = 2;
    let mut future = pin!(query(&bench).run(poll_fn(|_| {
        bench.advance(3);
        left -= 1;
        if left > 0 { Poll::Pending } else { Poll::Ready(Ok::<_, Refused>(7)) }
    })));
    bench.advance(10);
    assert!(poll(future.as_mut()).is_pending());
    bench.advance(1);
    assert_eq!(bench.spans(), []);
    assert!(matches!(poll(future.as_mut()), Poll::Ready(Ok(7))));
    let expected = ended(10, 17, None, Status::Unset);
    assert_eq!(bench.only(), expected);
    bench.advance(1);
    assert!(poll(future.as_mut()).is_pending(), "it is over");
    assert_eq!(bench.only(), expected, "and told once");
}

#[test]
fn what_the_drop_of_the_finished_future_takes_counts() {
    let bench = Bench::new();
    let slow = Slow(&bench, 4);
    let future = async move {
        let _slow = &slow;
        Ok::<_, Refused>(())
    };
    assert!(query(&bench).run(future).now_or_never().unwrap().is_ok());
    assert_eq!(bench.only(), ended(0, 4, None, Status::Unset));
}

#[test]
fn an_error_is_told_by_its_type_never_by_its_text() {
    for hidden in [false, true] {
        let bench = Bench::new();
        let name = match hidden {
            false => {
                let future = query(&bench).run(ready(Err::<(), _>(Refused)));
                assert!(future.now_or_never().unwrap().is_err());
                REFUSED
            }
            true => {
                let error: Box<dyn Error + Send + Sync> = Box::new(Refused);
                assert!(query(&bench).call(|| Err::<(), _>(error)).is_err());
                "_OTHER"
            }
        };
        assert_eq!(bench.only(), ended(0, 0, Some(name), Status::error("")));
    }
}

#[test]
fn the_caller_says_what_an_error_means() {
    let ending = |result: &Result<(), io::Error>| match result.as_ref().map_err(io::Error::kind) {
        Ok(()) | Err(io::ErrorKind::NotFound) => Ending::ok(),
        Err(io::ErrorKind::TimedOut) => Ending::failed("timeout").status_code("SQLITE_BUSY"),
        Err(_) => Ending::failed(""),
    };
    let run = |kind: io::ErrorKind| {
        let bench = Bench::new();
        let future = query(&bench).run_with(ready(Err(kind.into())), ending);
        assert_eq!(future.now_or_never().unwrap().unwrap_err().kind(), kind);
        bench.only()
    };
    assert_eq!(run(io::ErrorKind::NotFound), ended(0, 0, None, Status::Unset));
    assert_eq!(run(io::ErrorKind::Other), ended(0, 0, Some("_OTHER"), Status::error("")));
    let mut timed_out = ended(0, 0, Some("timeout"), Status::error(""));
    timed_out.attributes.insert(1, text("db.response.status_code", "SQLITE_BUSY"));
    assert_eq!(run(io::ErrorKind::TimedOut), timed_out);
}

#[test]
fn what_is_dropped_before_its_end_was_cancelled() {
    let bench = Bench::new();
    let slow = Slow(&bench, 4);
    let mut future = Box::pin(query(&bench).run(async move {
        let _slow = &slow;
        pending::<Result<(), Refused>>().await
    }));
    assert!(poll(future.as_mut()).is_pending());
    bench.advance(2);
    assert_eq!(bench.spans(), []);
    drop(future);
    assert_eq!(bench.only(), ended(0, 6, Some("cancelled"), Status::Unset));
}

#[test]
fn what_is_never_polled_leaves_no_span() {
    let bench = Bench::new();
    let slow = Slow(&bench, 4);
    drop(query(&bench).run(async move {
        drop(slow);
        Ok::<_, Refused>(())
    }));
    assert_eq!(bench.spans(), []);
    assert_eq!(bench.clock.clock().wall(), at(4), "though the future is dropped");
}

#[test]
fn a_panic_is_told_and_goes_on() {
    let bench = Bench::new();
    let slow = Slow(&bench, 2);
    let inner = async {
        let _slow = slow;
        panics(&bench).await
    };
    let mut future = Box::pin(query(&bench).run(inner));
    let panic = catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"as it should"));
    let expected = ended(0, 7, Some("panic"), Status::error(""));
    assert_eq!(bench.only(), expected);
    drop(future);
    assert_eq!(bench.only(), expected);
}

#[test]
fn a_panic_in_a_closure_is_told_and_goes_on() {
    let bench = Bench::new();
    let work = || panics(&bench).now_or_never().unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| query(&bench).call(work))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"as it should"));
    assert_eq!(bench.only(), ended(0, 5, Some("panic"), Status::error("")));
}

#[test]
fn a_panic_of_the_one_who_judges_is_told_and_goes_on() {
    let bench = Bench::new();
    let future = query(&bench).run_with(ready(1), |_| panic!("judging"));
    let panic = catch_unwind(AssertUnwindSafe(|| future.now_or_never())).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"judging"));
    assert_eq!(bench.only(), ended(0, 0, Some("panic"), Status::error("")));
}

#[test]
fn a_panic_in_the_drop_is_told_and_goes_on() {
    let bench = Bench::new();
    let mut future = Box::pin(query(&bench).run(async {
        let _panics = PanicsInDrop;
        pending::<Result<(), Refused>>().await
    }));
    assert!(poll(future.as_mut()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(future))).is_err());
    assert_eq!(bench.only(), ended(0, 0, Some("panic"), Status::error("")));
}

#[test]
fn a_second_panic_does_not_abort() {
    let bench = Bench::new();
    let mut future = Box::pin(query(&bench).run(async {
        let _panics = PanicsInDrop;
        pending::<Result<(), Refused>>().await
    }));
    assert!(poll(future.as_mut()).is_pending());
    let unwound = catch_unwind(AssertUnwindSafe(move || {
        let _dropped_in_the_unwind = future;
        panic!("the first");
    }));
    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"the first"));
    assert_eq!(bench.only(), ended(0, 0, Some("panic"), Status::error("")));
}

#[test]
fn what_an_unwinding_caller_drops_was_cancelled() {
    let bench = Bench::new();
    let mut future = Box::pin(query(&bench).run(pending::<Result<(), Refused>>()));
    assert!(poll(future.as_mut()).is_pending());
    let unwound = catch_unwind(AssertUnwindSafe(move || {
        let _dropped_in_the_unwind = future;
        panic!("the caller's");
    }));
    assert!(unwound.is_err());
    assert_eq!(bench.only(), ended(0, 0, Some("cancelled"), Status::Unset));
}

#[test]
fn it_goes_where_its_future_can_go_and_says_where_it_stands() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let bench = Bench::new();
    let mut left = 2;
    let mut future = Box::pin(is_send(query(&bench).run(poll_fn(move |_| {
        left -= 1;
        if left > 0 { Poll::Pending } else { Poll::Ready(Ok::<_, Refused>(())) }
    }))));
    assert_eq!(format!("{future:?}"), r#"OperationFuture { stage: "waiting" }"#);
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(format!("{future:?}"), r#"OperationFuture { stage: "running" }"#);
    assert!(poll(future.as_mut()).is_ready());
    assert_eq!(format!("{future:?}"), r#"OperationFuture { stage: "over" }"#);
}
