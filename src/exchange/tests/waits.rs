//! How long `poll_ready` kept a request waiting.

use std::any::Any;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use http::request;
use tower::limit::ConcurrencyLimitLayer;
use tower::service_fn;

use super::isolation::Stubborn;
use super::*;
use crate::clock::{Clock, TimeSource};
use crate::exchange::{End, Facts, Observe, WaitEnd};
use crate::testing::ScriptError;

/// What an observer was told, in order.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Waited(Duration, WaitEnd),
    Refused,
    Begin,
}

/// Keeps what it is told; asks for waits or does not.
#[derive(Clone, Default)]
struct Waits<const WANTS: bool>(Arc<Mutex<Vec<Told>>>);

impl<const WANTS: bool> Waits<WANTS> {
    fn told(&self) -> Vec<Told> {
        self.0.lock().unwrap().clone()
    }
}

impl<const WANTS: bool> Observer for Waits<WANTS> {
    type Exchange = ();

    const WANTS_WAIT: bool = WANTS;

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {
        self.0.lock().unwrap().push(Told::Begin);
    }

    fn end(&self, (): (), _: &End<'_>) {}

    fn refused(&self, _: &(dyn Any + 'static)) {
        self.0.lock().unwrap().push(Told::Refused);
    }

    fn waited(&self, wait: Duration, end: WaitEnd) {
        self.0.lock().unwrap().push(Told::Waited(wait, end));
    }
}

/// Panics whenever it is told of a wait.
#[derive(Clone)]
struct Faulty;

impl Observer for Faulty {
    type Exchange = ();

    const WANTS_WAIT: bool = true;

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    fn end(&self, (): (), _: &End<'_>) {}

    fn waited(&self, _: Duration, _: WaitEnd) {
        panic_any(Stubborn);
    }
}

/// What `poll_ready` says.
type Says = Poll<Result<(), ScriptError>>;

/// A service that is as ready as it is told: what it says next, else that it is ready. Its clones
/// are told the same.
#[derive(Clone, Default)]
struct Readiness(Arc<Mutex<VecDeque<Says>>>);

impl Readiness {
    fn of(says: impl IntoIterator<Item = Says>) -> Self {
        Self(Arc::new(Mutex::new(says.into_iter().collect())))
    }
}

impl Service<Request<()>> for Readiness {
    type Response = Response<String>;
    type Error = ScriptError;
    type Future = std::future::Ready<Result<Response<String>, ScriptError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Says {
        self.0.lock().unwrap().pop_front().unwrap_or(READY)
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        std::future::ready(Ok(Response::new(String::new())))
    }
}

const READY: Says = Poll::Ready(Ok(()));
const NOT: Says = Poll::Pending;
const NO_MORE: Says = Poll::Ready(Err(ScriptError("closed")));

/// What is done to a service.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// `poll_ready`, after this many milliseconds.
    Poll(u32),
    /// `call`, after this many milliseconds.
    Call(u32),
    /// It is dropped, after this many milliseconds.
    Drop(u32),
    /// A clone goes on in its place, which is kept to the end.
    Clone,
}

use Step::{Call, Drop as Dropped, Poll as Polled};

fn take<S>(mut service: S, clock: &ManualClock, steps: &[Step])
where
    S: Service<Request<()>> + Clone,
{
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let mut kept = Vec::new();
    for step in steps {
        match *step {
            Polled(after) => {
                clock.advance(MS * after);
                let _ = service.poll_ready(&mut cx);
            }
            Call(after) => {
                clock.advance(MS * after);
                drop(service.call(Request::new(())));
            }
            Dropped(after) => {
                clock.advance(MS * after);
                return;
            }
            Step::Clone => {
                let clone = service.clone();
                kept.push(std::mem::replace(&mut service, clone));
            }
        }
    }
    clock.advance(MS);
    // told of what is dropped first
    drop(kept);
}

/// What an observer is told: alone, fused and stacked, beside others that panic or do not ask.
#[track_caller]
fn tells(says: &[Says], steps: &[Step], expected: &[Told]) {
    let unasked: Vec<_> =
        expected.iter().filter(|told| !matches!(told, Told::Waited(..))).cloned().collect();
    for arrangement in ["alone", "fused", "stacked"] {
        let clock = ManualClock::new();
        let readiness = Readiness::of(says.iter().cloned());
        let (outer, inner) = (Waits::<true>::default(), Waits::<true>::default());
        let does_not_ask = Waits::<false>::default();
        match arrangement {
            "alone" => take(layer(&clock, outer.clone()).layer(readiness), &clock, steps),
            "fused" => {
                let fused = (
                    does_not_ask.clone(),
                    outer.clone(),
                    Faulty,
                    Some(inner.clone()),
                    None::<Waits<true>>,
                    (),
                );
                take(layer(&clock, fused).layer(readiness), &clock, steps);
            }
            _ => {
                let stack = ServiceBuilder::new()
                    .layer(layer(&clock, outer.clone()))
                    .layer(layer(&clock, Faulty))
                    .layer(layer(&clock, does_not_ask.clone()))
                    .layer(layer(&clock, inner.clone()));
                take(stack.service(readiness), &clock, steps);
            }
        }
        assert_eq!(outer.told(), expected, "{arrangement}, outer");
        if arrangement != "alone" {
            assert_eq!(inner.told(), expected, "{arrangement}, inner");
            assert_eq!(does_not_ask.told(), unasked, "{arrangement}, one that does not ask");
        }
    }
}

fn layer<O: Observer + Clone>(clock: &ManualClock, observer: O) -> ObserveLayer<O> {
    ObserveLayer::new(Side::Server, observer).clock(clock.clock())
}

const fn called(after: u64) -> Told {
    Told::Waited(Duration::from_millis(after), WaitEnd::Called)
}

const fn refused(after: u64) -> Told {
    Told::Waited(Duration::from_millis(after), WaitEnd::Refused)
}

const fn cancelled(after: u64) -> Told {
    Told::Waited(Duration::from_millis(after), WaitEnd::Cancelled)
}

#[test]
fn a_service_that_is_ready_at_once_lets_nobody_wait() {
    tells(&[], &[Polled(3), Call(4)], &[called(0), Told::Begin]);
    tells(&[], &[Call(4)], &[called(0), Told::Begin]);
    let twice = [called(0), Told::Begin, called(0), Told::Begin];
    tells(&[], &[Polled(1), Call(1), Polled(1), Call(1)], &twice);
}

#[test]
fn a_wait_lasts_from_the_first_pending_to_the_ready_that_follows() {
    let steps = [Polled(3), Polled(5), Polled(7), Call(100), Polled(1), Call(1)];
    tells(&[NOT, NOT], &steps, &[called(12), Told::Begin, called(0), Told::Begin]);
    // asked once more while it is ready, and once it is no longer
    let steps = [Polled(3), Polled(5), Polled(7), Polled(20), Polled(2), Call(1)];
    tells(&[NOT, READY, READY, NOT], &steps, &[called(7), Told::Begin]);
    // called although it is not ready
    tells(&[NOT], &[Polled(3), Call(5)], &[called(5), Told::Begin]);
}

#[test]
fn a_service_that_takes_no_more_says_how_long_it_took() {
    tells(&[NO_MORE], &[Polled(1), Dropped(1)], &[refused(0), Told::Refused]);
    let expected = [refused(6), Told::Refused, refused(0), Told::Refused];
    tells(&[NOT, NO_MORE, NO_MORE], &[Polled(1), Polled(6), Polled(6)], &expected);
}

#[test]
fn a_service_that_is_dropped_tells_only_of_who_still_waits() {
    tells(&[NOT], &[Polled(1), Dropped(9)], &[cancelled(9)]);
    tells(&[NOT], &[Polled(1), Polled(9), Dropped(9)], &[]);
    tells(&[], &[Polled(1), Dropped(9)], &[]);
    tells(&[NO_MORE], &[Polled(1), Dropped(9)], &[refused(0), Told::Refused]);
    tells(&[], &[Dropped(9)], &[]);
}

#[test]
fn a_clone_begins_anew() {
    let steps = [Polled(1), Step::Clone, Polled(4), Call(1)];
    tells(&[NOT], &steps, &[called(0), Told::Begin, cancelled(6)]);
    let steps = [Polled(1), Polled(4), Step::Clone, Call(1)];
    tells(&[NOT], &steps, &[called(0), Told::Begin]);
}

#[test]
fn a_service_that_is_taken_out_of_its_wrapper_is_waited_for_no_longer() {
    let (clock, waits) = (ManualClock::new(), Waits::<true>::default());
    let mut service = layer(&clock, waits.clone()).layer(Readiness::of([NOT]));
    assert!(service.ready().now_or_never().is_none());
    clock.advance(MS);
    assert_eq!(waits.told(), []);
    let _readiness = service.into_inner();
    assert_eq!(waits.told(), [cancelled(1)]);
}

/// A clock that counts how often it is asked, and panics when it is told to.
#[derive(Clone)]
struct Asked {
    zero: Instant,
    asked: Arc<Mutex<u32>>,
    most: u32,
}

impl Asked {
    fn up_to(most: u32) -> Self {
        Self { zero: Instant::now(), asked: Arc::default(), most }
    }
}

impl TimeSource for Asked {
    fn now(&self) -> Instant {
        let mut asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *asked += 1;
        assert!(*asked <= self.most, "the clock was asked once too often");
        self.zero
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

fn asked<const WANTS: bool>(says: &[Says], polls: usize) -> u32 {
    let source = Asked::up_to(u32::MAX);
    let mut service: Observe<_, Waits<WANTS>> = ObserveLayer::new(Side::Server, Waits::default())
        .clock(Clock::new(source.clone()))
        .layer(Readiness::of(says.iter().cloned()));
    for _ in 0..polls {
        let _ = service.ready().now_or_never();
    }
    drop(service);
    *source.asked.lock().unwrap()
}

#[test]
fn the_clock_is_asked_only_where_somebody_waits_and_somebody_wants_to_know() {
    assert_eq!(asked::<true>(&[], 2), 0);
    assert_eq!(asked::<true>(&[NO_MORE], 1), 0);
    assert_eq!(asked::<false>(&[NOT, NOT, READY, NOT], 4), 0);
    assert_eq!(asked::<true>(&[NOT, NOT, READY], 3), 2);
}

#[test]
fn a_clock_that_panics_while_a_service_is_dropped_in_an_unwind_aborts_nothing() {
    let waits = Waits::<true>::default();
    let clock = Clock::new(Asked::up_to(1));
    let layer = ObserveLayer::new(Side::Server, waits.clone()).clock(clock);
    let mut service = layer.layer(Readiness::of([NOT]));
    let unwound = std::panic::catch_unwind(AssertUnwindSafe(|| {
        assert!(service.ready().now_or_never().is_none());
        let _dropped = service;
        panic_any("elsewhere");
    }));
    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"elsewhere"));
    assert_eq!(waits.told(), []);
}

#[tokio::test(start_paused = true)]
async fn what_a_concurrency_limit_holds_back_has_waited_for_its_turn() {
    /// tokio's time, which only goes on where everybody sleeps.
    struct Paused;

    impl TimeSource for Paused {
        fn now(&self) -> Instant {
            tokio::time::Instant::now().into_std()
        }

        fn wall(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }

    let waits = Waits::<true>::default();
    let handler = service_fn(async |_: Request<()>| {
        tokio::time::sleep(MS * 10).await;
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let service = ServiceBuilder::new()
        .layer(ObserveLayer::new(Side::Server, waits.clone()).clock(Clock::new(Paused)))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(handler);
    let (first, second, third) =
        (service.clone(), service.clone(), service.clone().oneshot(Request::new(())));
    let gives_up = tokio::time::timeout(MS * 4, third);
    let (first, second, third) =
        tokio::join!(first.oneshot(Request::new(())), second.oneshot(Request::new(())), gives_up,);
    assert!(first.is_ok() && second.is_ok() && third.is_err());
    let expected = [called(0), Told::Begin, cancelled(4), called(10), Told::Begin];
    assert_eq!(waits.told(), expected);
}
