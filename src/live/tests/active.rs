//! What is under way.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;

use futures_util::FutureExt;
use http::Response;
use http_body_util::BodyExt;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Service, ServiceBuilder};

use super::*;
use crate::classify::Side;
use crate::testing::ScriptBody;

fn expected(bench: &Bench, age: Duration) -> ActiveExchange {
    ActiveExchange {
        age,
        started_at: bench.board.now() - age,
        waited: Duration::ZERO,
        stage: Stage::Handler,
        side: Side::Server,
        family: "/stuck/{id}".into(),
        method: "GET".into(),
        path: "/asked".into(),
        request_id: None,
        trace: None,
    }
}

fn only(exchange: ActiveExchange) -> Active {
    Active { exchanges: vec![exchange], unlisted: 0 }
}

#[test]
fn a_stuck_request_is_there_at_once_and_grows_old() {
    let bench = Bench::new();
    bench.clock.advance(SECOND);
    let mut service = bench.layer.layer(Script::pends());
    let mut stuck = Box::pin(service.call(request("/stuck/{id}")));
    assert_eq!(bench.board.active(), only(expected(&bench, Duration::ZERO)));
    assert!(stuck.as_mut().now_or_never().is_none());
    bench.clock.advance(3_600 * SECOND);
    assert_eq!(bench.board.active(), only(expected(&bench, 3_600 * SECOND)));
    drop(stuck);
    assert_eq!(bench.board.active(), Active::default());
}

#[test]
fn a_body_is_told_with_its_bytes_so_far() {
    let bench = Bench::new();
    let body = ScriptBody::new().data("four").data("more").pending();
    let mut service = bench.layer.layer(Script::body(body));
    let response = service.call(request("/stuck/{id}")).now_or_never().unwrap().unwrap();
    let mut body = Box::pin(response.into_body());
    for bytes in [0, 4, 8, 8] {
        let stage = Stage::Body { bytes };
        let expected = ActiveExchange { stage, ..expected(&bench, Duration::ZERO) };
        assert_eq!(bench.board.active(), only(expected));
        let _ = body.frame().now_or_never();
    }
    drop(body);
    assert_eq!(bench.board.active(), Active::default());
}

#[test]
fn what_is_known_meanwhile_is_told() {
    let bench = Bench::new();
    let id = RequestId::from_bytes(b"id-7").unwrap();
    let told = |request: Request<()>| -> Result<_, std::convert::Infallible> {
        drop(request);
        let facts = crate::exchange::Facts::current().unwrap();
        facts.set_request_id(id);
        facts.set_trace(crate::id::TraceIdentity::new(7, 8, true).unwrap());
        facts.set_route("/told");
        Ok(facts)
    };
    let inner = tower::service_fn(|request| {
        let facts = told(request);
        async move {
            drop(facts);
            std::future::pending::<Result<Response<ScriptBody>, std::convert::Infallible>>().await
        }
    });
    let mut service = bench.layer.layer(inner);
    let _stuck = service.call(request(""));
    let expected = ActiveExchange {
        family: "/told".into(),
        request_id: Some(id),
        trace: crate::id::TraceIdentity::new(7, 8, true),
        ..expected(&bench, Duration::ZERO)
    };
    assert_eq!(bench.board.active(), only(expected));
}

#[test]
fn every_end_leaves_its_place() {
    let frames = || ScriptBody::new().data("a").data("b");
    let scripts: Vec<(Script, Option<usize>)> = vec![
        (Script::status(StatusCode::OK), None),
        (Script::status(StatusCode::INTERNAL_SERVER_ERROR), None),
        (Script::fails("no"), None),
        (Script::panics("future"), None),
        (Script::panics_in_call("call"), None),
        (Script::pends(), None),
        (Script::body(frames()), None),
        (Script::body(frames()), Some(1)),
        (Script::body(frames().exact(9)), None),
        (Script::body(frames().error("no")), None),
        (Script::body(frames().panic("body")), None),
        (Script::body(frames().panics_on_drop("drop")), Some(1)),
        (Script::body(frames().trailers(&[("a", "b")])), None),
        (Script::status(StatusCode::SWITCHING_PROTOCOLS), None),
        (Script::refuses("not ready"), None),
    ];
    // with two places, one that is kept would be missed at the third
    let bench = Bench::of(|builder| builder.max_active(2));
    for (at, (script, frames)) in scripts.into_iter().enumerate() {
        for _ in 0..3 {
            let service = bench.layer.layer(script.clone());
            let seen = Mutex::new(None);
            drive(service, request("/a"), frames, || {
                *seen.lock().unwrap() = Some(bench.board.active().count());
            });
            assert!(seen.lock().unwrap().is_none_or(|count| count == 1), "script {at}");
            assert_eq!(bench.board.active(), Active::default(), "script {at}");
        }
    }
}

#[test]
fn those_beyond_the_bound_are_counted_and_the_oldest_come_first() {
    let bench = Bench::of(|builder| builder.max_active(3));
    let start = |route: &str| {
        let mut service = bench.layer.layer(Script::pends());
        let stuck = Box::pin(service.call(request(route)));
        bench.clock.advance(SECOND);
        stuck
    };
    let mut stuck: Vec<_> = ["/a", "/b", "/c", "/d", "/e"].into_iter().map(start).collect();
    let told = || {
        let active = bench.board.active();
        let names: Vec<_> = active.exchanges.iter().map(|it| it.family.clone()).collect();
        (names.join(" "), active.unlisted, active.count())
    };
    assert_eq!(told(), ("/a /b /c".into(), 2, 5));
    stuck.remove(0);
    assert_eq!(told(), ("/b /c".into(), 2, 4));
    stuck.push(start("/f"));
    assert_eq!(told(), ("/b /c /f".into(), 2, 5));
    stuck.clear();
    assert_eq!(told(), (String::new(), 0, 0));
}

#[test]
fn how_long_a_request_waited_is_told() {
    let bench = Bench::new();
    let layer = ServiceBuilder::new().layer(&bench.layer).layer(ConcurrencyLimitLayer::new(1));
    let mut first = layer.service(Script::pends());
    let mut second = first.clone();
    let ready = |service: &mut _| poll_ready(service);
    assert!(ready(&mut first));
    let stuck = first.call(request("/a"));
    assert!(!ready(&mut second));
    bench.clock.advance(2 * SECOND);
    drop(stuck);
    assert!(ready(&mut second));
    let _waited = second.call(request("/stuck/{id}"));
    let expected = ActiveExchange { waited: 2 * SECOND, ..expected(&bench, Duration::ZERO) };
    assert_eq!(bench.board.active(), only(expected));
    // the next one has not waited
    let _next = bench.layer.layer(Script::pends()).call(request("/b"));
    assert_eq!(bench.board.active().exchanges[1].waited, Duration::ZERO);
}

fn poll_ready<S: Service<Request<()>>>(service: &mut S) -> bool {
    let ready = pin!(poll_fn(|cx| Poll::Ready(service.poll_ready(cx).is_ready())));
    ready.now_or_never().unwrap()
}

#[test]
fn paths_are_told_without_secrets_and_cut() {
    for (path, expected) in [
        ("/a;token=hunter2/b".to_owned(), "/a;token=REDACTED".to_owned()),
        (format!("/{}", "a".repeat(600)), format!("/{}", "a".repeat(511))),
        // the secret is known by what is behind the cut
        (format!("//{}:hunter2@a", "u".repeat(505)), "//REDACTED".to_owned()),
    ] {
        let bench = Bench::new();
        let mut service = bench.layer.layer(Script::pends());
        let asked = Request::get(format!("http://shop.example{path}")).body(()).unwrap();
        let _stuck = service.call(asked);
        let told = bench.board.active().exchanges.remove(0).path;
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.starts_with(&expected) && told.len() <= 512, "{told}");
    }
}
