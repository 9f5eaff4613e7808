//! A part of an exchange that is left behind when the rest has ended.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_observability::classify::{Outcome, Side};
use tower_observability::testing::{ManualClock, Recorder, Script, ScriptBody};

/// The worker of a tower `Buffer` may have called the service when the one who asked is gone already; then
/// it drops what the service makes of it later, on its own.
#[test]
fn what_ends_later_than_the_outermost_wrapper_tells_the_same() {
    let (clock, outer, inner) = (ManualClock::new(), Recorder::new(), Recorder::new());
    let left = Arc::new(Mutex::new(None));
    let worker = Arc::clone(&left);
    let mut service = inner.layer(Side::Server).layer(Script::pends());
    let buffer = service_fn(move |request: Request<()>| {
        *worker.lock().unwrap() = Some(service.call(request));
        std::future::pending::<Result<Response<ScriptBody>, Infallible>>()
    });
    let mut service = outer.layer(Side::Server).clock(clock.clock()).layer(buffer);
    let asked = service.call(Request::new(()));
    clock.advance(Duration::from_millis(1));
    drop(asked);
    clock.advance(Duration::from_millis(20));
    assert_eq!(inner.records(), []);
    left.lock().unwrap().take();
    let told = outer.only();
    assert_eq!((told.outcome, told.duration), (Outcome::Cancelled, Duration::from_millis(1)));
    assert_eq!(inner.only(), told);
}
