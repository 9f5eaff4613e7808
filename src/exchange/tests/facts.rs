//! What the shared record keeps.

use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use http::{Method, Request};
use tower::{Layer, ServiceExt, service_fn};

use crate::attribute::Value;
use crate::classify::Protocol;
use crate::classify::Side::Server;
use crate::exchange::{CaughtPanic, Facts, annotate};
use crate::id::{RequestId, TraceIdentity};
use crate::testing::{ManualClock, Recorder, ScriptBody};

#[test]
fn each_fact_is_told_once_and_stands() {
    let (clock, recorder) = (ManualClock::new(), Recorder::new());
    let handler = service_fn(async |_: Request<()>| {
        let facts = Facts::current().unwrap();
        assert_eq!((facts.side(), facts.protocol()), (Server, Protocol::Http));
        assert_eq!(facts.method(), Method::DELETE);
        assert_eq!(facts.deadline(), Some(Duration::from_secs(3)));
        assert_eq!(facts.started_at(), SystemTime::UNIX_EPOCH + ManualClock::START);
        clock.advance(Duration::from_millis(2));
        assert_eq!(facts.elapsed(), Duration::from_millis(2));

        let id: RequestId = "a-1".parse().unwrap();
        assert_eq!(facts.request_id(), None);
        assert!(facts.set_request_id(id));
        assert!(!facts.set_request_id("b-2".parse().unwrap()));
        assert_eq!(facts.request_id(), Some(&id));

        let trace = TraceIdentity::new(1, 2, true).unwrap();
        assert_eq!(facts.trace(), None);
        assert!(facts.set_trace(trace));
        assert!(!facts.set_trace(TraceIdentity::new(3, 4, false).unwrap()));
        assert_eq!(facts.trace(), Some(&trace));

        assert_eq!(facts.route(), None);
        assert!(facts.set_route("/a"));
        assert!(!facts.set_route("/b"));
        assert_eq!(facts.route(), Some(&"/a".into()));

        assert_eq!(facts.caught_panic(), None);
        assert!(annotate("kept", 1));
        facts.with_attributes(|all| assert_eq!(all.get("kept"), Some(&Value::Int(1))));
        assert!(!facts.has_ended());
        assert!(format!("{facts:?}").starts_with("Facts { side: Server, protocol: Http"));
        Ok::<_, ()>(http::Response::new(ScriptBody::new()))
    });
    let service =
        recorder.layer(Server).clock(clock.clock()).deadline(Duration::from_secs(3)).layer(handler);
    let request = Request::delete("/").body(()).unwrap();
    let answered = service.oneshot(request).now_or_never();
    drop(answered);
    let record = recorder.only();
    assert_eq!(record.request_id, Some("a-1".parse().unwrap()));
    assert_eq!(record.trace, TraceIdentity::new(1, 2, true));
    assert_eq!(record.route, Some("/a".into()));
}

#[test]
fn an_exchange_is_not_found_outside_of_one() {
    assert!(Facts::current().is_none());
    assert!(!annotate("nobody", "listens"));
    assert_eq!(CaughtPanic::new(), CaughtPanic::default());
}
