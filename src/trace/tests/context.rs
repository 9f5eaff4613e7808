//! Where an exchange's span is current, and that it is current nowhere else.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::{Body, Frame};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tower::buffer::BufferLayer;
use tower::{ServiceBuilder, service_fn};

use super::*;
use crate::exchange::InExchangeExt;

/// The span that is current.
fn current() -> SpanId {
    Context::map_current(|now| now.span().span_context().span_id())
}

/// What was seen, and which span was current then.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(&'static str, SpanId)>>>);

impl Log {
    fn see(&self, place: &'static str) {
        self.0.lock().unwrap().push((place, current()));
    }

    fn take(&self) -> Vec<(&'static str, SpanId)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Where a [`Watcher`] panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    No,
    Call,
    Poll,
    Body,
    DropOfFuture,
    DropOfBody,
}

/// Looks which span is current wherever it is run: its future is pending once and its body yields
/// one frame.
#[derive(Clone)]
struct Watcher(Log, Fault);

struct Watching {
    log: Log,
    fault: Fault,
    polls: u8,
}

struct WatchedBody(Watching);

impl Watcher {
    fn part(&self) -> Watching {
        Watching { log: self.0.clone(), fault: self.1, polls: 0 }
    }
}

impl Watching {
    fn see(&self, place: &'static str, at: Fault) {
        self.log.see(place);
        if self.fault == at {
            panic!("on purpose");
        }
    }
}

impl<B> Service<Request<B>> for Watcher {
    type Response = Response<WatchedBody>;
    type Error = Infallible;
    type Future = WatchedFuture;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> WatchedFuture {
        self.part().see("call", Fault::Call);
        WatchedFuture(self.part())
    }
}

struct WatchedFuture(Watching);

impl Future for WatchedFuture {
    type Output = Result<Response<WatchedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        self.0.polls += 1;
        self.0.see("poll", Fault::Poll);
        if self.0.polls == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let part = Watching { log: self.0.log.clone(), fault: self.0.fault, polls: 0 };
        Poll::Ready(Ok(Response::new(WatchedBody(part))))
    }
}

impl Drop for WatchedFuture {
    fn drop(&mut self) {
        self.0.see("drop of the future", Fault::DropOfFuture);
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.polls += 1;
        self.0.see("body", Fault::Body);
        let frame = (self.0.polls == 1).then(|| Ok(Frame::data(Bytes::from("x"))));
        Poll::Ready(frame)
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.0.see("drop of the body", Fault::DropOfBody);
    }
}

const PLACES: [&str; 7] =
    ["call", "poll", "poll", "drop of the future", "body", "body", "drop of the body"];

fn each_in(span: u64) -> Vec<(&'static str, SpanId)> {
    PLACES.iter().map(|place| (*place, SpanId::from(span))).collect()
}

fn sorted(mut list: Vec<(&'static str, SpanId)>) -> Vec<(&'static str, SpanId)> {
    list.sort_by_key(|(place, span)| (*place, span.to_bytes()));
    list
}

/// Asks `service` and reads its answer to the end; which span was current at each step outside.
async fn run<S, B>(mut service: S, request: Request<()>) -> Vec<SpanId>
where
    S: Service<Request<()>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: Body + Unpin,
    B::Error: std::fmt::Debug,
{
    let mut outside = vec![current()];
    std::future::poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    let mut call = Box::pin(service.call(request));
    outside.push(current());
    let answer = std::future::poll_fn(|cx| {
        let polled = call.as_mut().poll(cx);
        outside.push(current());
        polled
    });
    let mut body = answer.await.unwrap().into_body();
    drop(call);
    outside.push(current());
    while let Some(frame) = body.frame().await {
        frame.unwrap();
        outside.push(current());
    }
    drop(body);
    outside.push(current());
    outside
}

fn from_caller() -> Request<()> {
    get("/").header("traceparent", CALLER).body(()).unwrap()
}

#[tokio::test]
async fn the_span_is_current_wherever_the_service_runs_and_nowhere_else() {
    for client in [false, true] {
        let (bench, log) = (Bench::new(), Log::default());
        let layer = if client { bench.client() } else { bench.server() };
        let outside = run(layer.layer(Watcher(log.clone(), Fault::No)), from_caller()).await;
        assert_eq!(outside, vec![SpanId::INVALID; outside.len()]);
        assert_eq!(sorted(log.take()), sorted(each_in(1)));
        assert_eq!(bench.spans.only().span_id, SpanId::from(1_u64));
    }
}

#[tokio::test]
async fn it_is_current_though_it_is_not_sampled_or_filtered_out() {
    for filtered in [false, true] {
        let (bench, log) = (Bench::new(), Log::default());
        let layer = bench.server().filter(move |_| !filtered);
        let request = get("/").header("traceparent", CALLER.replace("-01", "-00"));
        let service = layer.layer(Watcher(log.clone(), Fault::No));
        let outside = run(service, request.body(()).unwrap()).await;
        assert_eq!(outside, vec![SpanId::INVALID; outside.len()]);
        let span = if filtered { 0xbb } else { 1 };
        assert_eq!(sorted(log.take()), sorted(each_in(span)));
        assert_eq!(bench.spans.spans(), []);
    }
}

#[tokio::test]
async fn what_was_current_around_is_current_again() {
    let (bench, log) = (Bench::new(), Log::default());
    let around = Context::new().with_remote_span_context(opentelemetry::trace::SpanContext::new(
        TraceId::from(0xaa_u128),
        SpanId::from(0xcc_u64),
        opentelemetry::trace::TraceFlags::SAMPLED,
        false,
        opentelemetry::trace::TraceState::default(),
    ));
    let _around = around.attach();
    let request = get("/").body(()).unwrap();
    let outside = run(bench.server().layer(Watcher(log.clone(), Fault::No)), request).await;
    assert_eq!(outside, vec![SpanId::from(0xcc_u64); outside.len()]);
    assert_eq!(sorted(log.take()), sorted(each_in(1)));
    // what is current is the parent where the headers name none
    assert_eq!(bench.spans.only().parent, Some(SpanId::from(0xcc_u64)));
}

#[tokio::test]
async fn it_stays_current_behind_a_second_layer_and_a_buffer() {
    for (buffered, fused) in [(false, false), (true, false), (false, true)] {
        let (bench, log) = (Bench::new(), Log::default());
        let watcher = Watcher(log.clone(), Fault::No);
        let outside = if fused {
            let both = (bench.server().into_observer(), bench.server().into_observer());
            let layer = crate::exchange::ObserveLayer::new(crate::classify::Side::Server, both);
            run(layer.layer(watcher), from_caller()).await
        } else if buffered {
            let service = ServiceBuilder::new()
                .layer(bench.server())
                .layer(BufferLayer::new(1))
                .layer(bench.server())
                .service(watcher);
            run(service, from_caller()).await
        } else {
            run(bench.server().layer(bench.server().layer(watcher)), from_caller()).await
        };
        assert_eq!(outside, vec![SpanId::INVALID; outside.len()]);
        assert_eq!(sorted(log.take()), sorted(each_in(1)), "buffered: {buffered}, fused: {fused}");
        assert_eq!(bench.spans.only().span_id, SpanId::from(1_u64));
    }
}

#[tokio::test]
async fn a_panic_anywhere_leaves_nothing_current() {
    for fault in [Fault::Call, Fault::Poll, Fault::DropOfFuture, Fault::Body, Fault::DropOfBody] {
        let (bench, log) = (Bench::new(), Log::default());
        let service = bench.server().layer(Watcher(log.clone(), fault));
        let ran = AssertUnwindSafe(async { run(service, from_caller()).await });
        assert!(ran.catch_unwind().await.is_err(), "{fault:?}");
        assert_eq!(current(), SpanId::INVALID, "{fault:?}");
        let seen = log.take();
        assert!(!seen.is_empty());
        assert!(seen.iter().all(|(_, span)| *span == SpanId::from(1_u64)), "{fault:?}: {seen:?}");
        let span = bench.spans.only();
        assert_eq!(span.attribute("error.type"), Some(&"panic".into()), "{fault:?}");
        // what comes next on this thread is not of this trace
        let next = bench.server().layer(Script::status(StatusCode::OK));
        next.oneshot(get("/").body(()).unwrap()).await.unwrap();
        assert_eq!((bench.spans.spans()[1].parent, current()), (None, SpanId::INVALID));
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_is_dropped_in_its_span() {
    let (bench, log) = (Bench::new(), Log::default());
    let mut service = bench.server().layer(Watcher(log.clone(), Fault::No));
    let mut call = Box::pin(service.call(from_caller()));
    assert!(futures_util::poll!(&mut call).is_pending());
    drop(call);
    assert_eq!(current(), SpanId::INVALID);
    let own = SpanId::from(1_u64);
    assert_eq!(log.take(), [("call", own), ("poll", own), ("drop of the future", own)]);
    // never polled at all
    drop(service.call(from_caller()));
    let own = SpanId::from(2_u64);
    assert_eq!(log.take(), [("call", own), ("drop of the future", own)]);
    assert_eq!(bench.spans.spans().len(), 2);
}

#[tokio::test]
async fn clients_that_handlers_ask_nest() {
    let (bench, log) = (Bench::new(), Log::default());
    let inner = bench.client().layer(Watcher(log.clone(), Fault::No));
    let sees = log.clone();
    let handler = service_fn(move |_: Request<()>| {
        let (client, log) = (inner.clone(), sees.clone());
        async move {
            log.see("before");
            assert_eq!(run(client, get("/").body(()).unwrap()).await, [SpanId::from(1_u64); 7]);
            log.see("after");
            Ok::<_, Infallible>(Response::new(ScriptBody::new()))
        }
    });
    let outside = run(bench.server().layer(handler), from_caller()).await;
    assert_eq!(outside, vec![SpanId::INVALID; outside.len()]);
    let mut expected = each_in(2);
    expected.extend([("before", SpanId::from(1_u64)), ("after", SpanId::from(1_u64))]);
    assert_eq!(sorted(log.take()), sorted(expected));
    let parents: Vec<_> = bench.spans.spans().iter().map(|span| span.parent).collect();
    assert_eq!(parents, [Some(SpanId::from(1_u64)), Some(SpanId::from(0xbb_u64))]);
}

#[tokio::test]
async fn a_task_in_the_exchange_asks_from_its_span_however_many_exchanges_lie_between() {
    let bench = Bench::new();
    let client = bench.client().layer(Script::status(StatusCode::OK));
    let handler = service_fn(move |_: Request<()>| {
        let client = client.clone();
        let task = async move {
            assert_eq!(current(), SpanId::from(1_u64));
            client.oneshot(get("/").body(()).unwrap()).await.unwrap();
        };
        let task = tokio::spawn(task.in_exchange());
        async move {
            task.await.unwrap();
            Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
        }
    });
    // an exchange of its own, of which there is no trace
    let untraced = crate::exchange::ObserveLayer::new(crate::classify::Side::Client, ());
    let service = bench.server().layer(untraced.layer(handler));
    service.oneshot(from_caller()).await.unwrap();
    let spans: Vec<_> = bench.spans.spans();
    let parents: Vec<_> = spans.iter().map(|span| (span.kind.clone(), span.parent)).collect();
    let (own, callers) = (Some(SpanId::from(1_u64)), Some(SpanId::from(0xbb_u64)));
    assert_eq!(parents, [(SpanKind::Client, own), (SpanKind::Server, callers)]);
}

#[tokio::test]
async fn where_telemetry_is_suppressed_no_span_is_made() {
    let bench = Bench::new();
    let client = bench.client().layer(Script::status(StatusCode::OK));
    let handler = service_fn(move |_: Request<()>| {
        let client = client.clone();
        // as an exporter that sends on a thread of its own, or in the exchange that it exports
        let task = async move {
            let quiet = Context::new().with_telemetry_suppressed();
            let asked = || client.clone().oneshot(get("/").body(()).unwrap());
            opentelemetry::context::FutureExt::with_context(asked(), quiet).await.unwrap();
        };
        let task = tokio::spawn(task.in_exchange());
        async move {
            task.await.unwrap();
            Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
        }
    });
    bench.server().layer(handler).oneshot(from_caller()).await.unwrap();
    assert_eq!(bench.spans.only().kind, SpanKind::Server);
}

/// OpenTelemetry has no way to take it away again; a caller's own word goes before it.
#[test]
fn a_context_that_a_handler_leaves_attached_takes_no_callers_place() {
    let bench = Bench::new();
    let left = Context::new().with_remote_span_context(opentelemetry::trace::SpanContext::new(
        TraceId::from(0xdd_u128),
        SpanId::from(0xdd_u64),
        opentelemetry::trace::TraceFlags::SAMPLED,
        false,
        opentelemetry::trace::TraceState::default(),
    ));
    let service = bench.server().layer(service_fn(move |_: Request<()>| {
        std::mem::forget(left.clone().attach());
        std::future::ready(Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end())))
    }));
    for _ in 0..2 {
        service.clone().oneshot(from_caller()).now_or_never().unwrap().unwrap();
        assert_eq!(current(), SpanId::from(0xdd_u64));
    }
    let parents: Vec<_> = bench.spans.spans().iter().map(|span| span.parent).collect();
    assert_eq!(parents, [Some(SpanId::from(0xbb_u64)); 2]);
}

#[tokio::test]
async fn work_that_is_carried_elsewhere_has_the_span_that_was_current_around_it() {
    let bench = Bench::new();
    let log = Log::default();
    let seen = log.clone();
    let service = bench.server().layer(service_fn(move |_: Request<()>| {
        let seen = seen.clone();
        async move {
            let closure = {
                let seen = seen.clone();
                crate::exchange::in_exchange(move || seen.see("closure"))
            };
            let task = {
                let seen = seen.clone();
                async move { seen.see("task") }.in_exchange()
            };
            std::thread::spawn(closure).join().unwrap();
            std::thread::spawn(move || task.now_or_never().unwrap()).join().unwrap();
            Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
        }
    }));
    service.oneshot(get("/").body(()).unwrap()).await.unwrap();
    let own = bench.spans.only().span_id;
    assert_eq!(log.take(), [("closure", own), ("task", own)]);
    assert_eq!(current(), SpanId::INVALID);
}
