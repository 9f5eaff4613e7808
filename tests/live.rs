//! What a board holds of memory, as the allocator counts it. One test, as memory is the whole process'.
#![cfg(all(feature = "live", feature = "testing"))]

use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use counting_allocator::Allocated;
use http::{Request, Response, StatusCode};
use tower::{Layer, Service};
use tower_observability::classify::Side;
use tower_observability::exchange::{ObserveLayer, Observer, annotate};
use tower_observability::live::{Board, BoardBuilder, LiveLayer};
use tower_observability::route::{Route, Routes};
use tower_observability::testing::{ManualClock, Script, ScriptBody, ScriptError};

fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Asks for 100 000 routes, all of which fail with as much to keep as there may be; returns what is held then
/// beside what was held before.
fn attacked(set: impl FnOnce(BoardBuilder) -> BoardBuilder) -> (Board, i64) {
    let clock = ManualClock::new();
    let before = Allocated::now().held();
    let board = set(Board::builder().clock(clock.clock())).build().unwrap();
    let routes = Routes::new().extract(|head| Some(Route::from(head.uri.path().to_owned())));
    let layer = LiveLayer::server(&board).clock(clock.clock()).routes(routes);
    let mut service = layer.layer(tower::service_fn(|_: Request<()>| {
        for at in 0..40 {
            annotate(format!("{at}{}", "k".repeat(100)), "v".repeat(1_000));
        }
        ready(Err::<Response<ScriptBody>, _>(ScriptError("no")))
    }));
    for at in 0..100_000 {
        let request = Request::get(format!("/{at}/{}", "a".repeat(600))).body(()).unwrap();
        assert!(now(service.call(request)).unwrap().is_err());
        clock.advance(Duration::from_millis(3));
    }
    drop((service, layer));
    (board, Allocated::now().held() - before)
}

/// How many allocations so many exchanges take.
fn allocations<O: Observer>(layer: &ObserveLayer<O>) -> u64 {
    let mut service = layer.layer(Script::status(StatusCode::OK));
    let before = Allocated::now().allocations;
    for _ in 0..1_000 {
        let request = Request::get("/a").body(()).unwrap();
        drop(now(service.call(request)).unwrap().unwrap());
    }
    Allocated::now().allocations - before
}

#[test]
fn memory_is_bounded_and_ordinary_exchanges_take_none() {
    for (board, held) in [
        attacked(|board| board),
        attacked(|board| board.max_families(4).max_samples_bytes(64 << 10).max_active(1)),
    ] {
        let most = i64::try_from(board.max_bytes()).unwrap();
        assert!(held <= most, "{held} of {most} bytes");
        let counted: u64 =
            board.families().iter().map(|family| family.since_start.tally.count).sum();
        assert_eq!(counted, 100_000);
    }

    let board = Board::builder().clock(ManualClock::new().clock()).build().unwrap();
    let live = LiveLayer::server(&board).clock(ManualClock::new().clock());
    let core = ObserveLayer::new(Side::Server, ()).clock(ManualClock::new().clock());
    // the first of a bucket is kept
    allocations(&live);
    assert_eq!(allocations(&live), allocations(&core));
}
