//! Whose child a span is, and what is current while it is open.

use std::cell::RefCell;
use std::future::pending;
use std::task::{Context as Task, Waker};

use futures_util::FutureExt as _;
use http::{Request, Response};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt as _, TraceContextExt, Tracer, TracerProvider};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::classify::Side;
use crate::exchange::{annotate, in_exchange};
use crate::testing::Recorder;
use crate::trace::TraceLayer;

fn current() -> SpanContext {
    Context::current().span().span_context().clone()
}

/// Name, own ID and parent's ID.
fn tree(bench: &Bench) -> Vec<(String, SpanId, SpanId)> {
    let spans = bench.spans().into_iter();
    spans.map(|s| (s.name.into_owned(), s.span_context.span_id(), s.parent_span_id)).collect()
}

fn row(name: &str, id: u64, parent: u64) -> (String, SpanId, SpanId) {
    (name.to_owned(), SpanId::from(id), SpanId::from(parent))
}

#[test]
fn it_is_current_in_the_polls_and_the_drops_and_nowhere_else() {
    struct Sees<'a>(&'a RefCell<Vec<SpanContext>>);
    impl Drop for Sees<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(current());
        }
    }
    let bench = Bench::new();
    let seen = RefCell::default();
    let (in_drop, in_poll) = (Sees(&seen), &seen);
    let mut future = Box::pin(bench.operations.internal("outer").run(async move {
        let _in_drop = in_drop;
        in_poll.borrow_mut().push(current());
        pending::<Result<(), ()>>().await
    }));
    assert!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
    assert_eq!(current(), SpanContext::NONE);
    drop(future);
    assert_eq!(current(), SpanContext::NONE);
    assert_eq!(seen.into_inner(), [context(1, 1), context(1, 1)]);
}

#[test]
fn operations_nest_in_one_another_and_in_spans_of_others() {
    let bench = Bench::new();
    let Bench { operations, provider, .. } = &bench;
    let work = || {
        let query = operations.internal("query").call(|| Ok::<_, ()>(()));
        provider.tracer("others").in_span("others'", |_| query)
    };
    let outer = async {
        assert_eq!(current(), context(1, 1));
        operations.internal("transaction").call(work)
    };
    assert_eq!(operations.internal("outer").run(outer).now_or_never(), Some(Ok(())));
    let expected =
        [row("query", 3, 2), row("others'", 4, 2), row("transaction", 2, 1), row("outer", 1, 0)];
    assert_eq!(tree(&bench), expected);
    let spans = bench.spans();
    let sdk = spans.iter().map(|span| span.span_context.trace_id());
    assert_eq!(sdk.collect::<Vec<_>>(), [TraceId::from(1); 4]);
}

#[test]
fn the_parent_is_what_is_current_when_it_is_asked_for() {
    let bench = Bench::new();
    let asked = bench.operations.internal("outer").call(|| {
        let inner = bench.operations.internal("inner").run(async { Ok::<_, ()>(()) });
        Ok::<_, ()>(inner)
    });
    assert_eq!(bench.spans().len(), 1, "only the outer one");
    let elsewhere = Context::new().with_remote_span_context(context(9, 9));
    assert!(asked.unwrap().with_context(elsewhere).now_or_never().unwrap().is_ok());
    assert_eq!(tree(&bench), [row("outer", 1, 0), row("inner", 2, 1)]);
}

#[test]
fn another_parent_can_be_given() {
    let bench = Bench::new();
    let message = SpanContext::new(
        TraceId::from(9),
        SpanId::from(9),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let parent = Context::new().with_remote_span_context(message);
    let process = bench.operations.internal("process").parent(parent);
    assert_eq!(process.call(|| Ok::<_, ()>(current())), Ok(context(9, 1)));
    let expected = SpanData {
        span_context: context(9, 1),
        parent_span_id: SpanId::from(9),
        parent_span_is_remote: true,
        ..span("process", SpanKind::Internal, Vec::new())
    };
    assert_eq!(bench.only(), expected);
}

#[tokio::test]
async fn a_closure_carries_context_and_exchange_to_another_thread() {
    let bench = Bench::new();
    let recorder = Recorder::new();
    let operations = bench.operations.clone();
    let service = recorder.layer(Side::Server).layer(service_fn(move |_: Request<()>| {
        let operations = operations.clone();
        async move {
            let inner = operations.clone();
            let query = move || {
                inner.internal("query").call(|| Ok::<_, ()>((current(), annotate("rows", 3))))
            };
            let thread = operations
                .internal("outer")
                .call(|| Ok::<_, ()>(std::thread::spawn(in_exchange(query))));
            assert_eq!(thread.unwrap().join().unwrap(), Ok((context(1, 2), true)));
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        }
    }));
    service.oneshot(Request::new(())).await.unwrap();
    let names: Vec<_> = tree(&bench);
    assert!(names.contains(&row("query", 2, 1)), "{names:?}");
    let attributes = recorder.only().attributes;
    assert_eq!(attributes.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["rows"]);
}

#[tokio::test]
async fn it_belongs_to_the_exchange_in_scope_where_no_span_is_current() {
    let bench = Bench::new();
    let operations = bench.operations.clone();
    let service = service_fn(move |_: Request<()>| {
        let query = operations.internal("query");
        async move {
            let query = in_exchange(move || query.call(|| Ok::<_, ()>(current())));
            assert_eq!(std::thread::spawn(query).join().unwrap(), Ok(context(1, 2)));
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        }
    });
    let layer = TraceLayer::server().tracer_provider(&bench.provider);
    layer.layer(service).oneshot(Request::new(())).await.unwrap();
    assert_eq!(tree(&bench), [row("query", 2, 1), row("GET", 1, 0)]);
}
