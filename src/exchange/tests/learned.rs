//! The gRPC methods of a server that nobody listed: told once the server has shown to have them.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use http::{Request, request};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt};

use super::{MS, grpc_request, poll_once};
use crate::classify::Outcome::{self, *};
use crate::classify::Side::{self, Client, Server};
use crate::exchange::{End, Facts, Observe, ObserveLayer, Observer};
use crate::grpc::Code;
use crate::route::{Route, Routes};
use crate::testing::{ManualClock, Record, Recorder, Script, ScriptBody};

const METHOD: &str = "shop.Cart/Add";
const PROOFS: [u16; 10] = [0, 2, 3, 5, 6, 9, 10, 11, 13, 15];

/// Counts what it is told, and tells what is known at the begin.
#[derive(Clone, Default)]
struct Tally(Arc<Mutex<BTreeMap<String, usize>>>);

impl Tally {
    fn count(&self, route: Option<&Route>) {
        let route = route.map_or("none", Route::as_str);
        let mut counts = self.0.lock().unwrap();
        match counts.get_mut(route) {
            Some(count) => *count += 1,
            None => drop(counts.insert(route.to_owned(), 1)),
        }
    }

    fn take(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().collect()
    }
}

impl Observer for Tally {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, facts: &Arc<Facts>) {
        self.count(facts.route());
    }

    fn end(&self, (): (), end: &End<'_>) {
        self.count(end.route);
    }
}

fn call(method: &str) -> Request<()> {
    let mut request = grpc_request(None);
    *request.uri_mut() = format!("/{method}").parse().unwrap();
    request
}

fn answer(body: ScriptBody) -> Script {
    Script::body(body).with_header("content-type", "application/grpc")
}

/// A trailers-only answer.
fn headers(code: u16) -> Script {
    let code: &'static str = code.to_string().leak();
    answer(ScriptBody::new().claims_end()).with_header("grpc-status", code)
}

fn trailers(code: u16) -> Script {
    let code: &'static str = code.to_string().leak();
    answer(ScriptBody::new().data("12345").trailers(&[("grpc-status", code)]))
}

/// Calls, reads what comes, and leaves where nothing does.
fn make<O: Observer>(layer: &ObserveLayer<O>, script: Script, request: Request<()>) {
    let mut service: Observe<Script, O> = layer.layer(script);
    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let Some(Ok(response)) = service.call(request).now_or_never() else { return };
        let mut body = response.into_body();
        while let Some(Some(Ok(_))) = body.frame().now_or_never() {}
    }));
}

/// The ends of a call that prove nothing, and how each is told.
fn unproven() -> Vec<(Script, Outcome, Code)> {
    let mut all = vec![
        (Script::pends(), Cancelled, Code::Cancelled),
        (Script::fails("lost"), Failed, Code::Internal),
        (Script::panics("boom"), Panicked, Code::Internal),
        (Script::panics_in_call("boom"), Panicked, Code::Internal),
        (answer(ScriptBody::new()), Completed, Code::Unknown),
        (answer(ScriptBody::new().data("12345").pending()), Aborted, Code::Cancelled),
    ];
    for code in (0..=16).filter(|code| !PROOFS.contains(code)) {
        let told = Code::from_number(code as u8);
        all.extend([(headers(code), Completed, told), (trailers(code), Completed, told)]);
    }
    all
}

/// What a layer that knows of nothing, then one that learned the method, tells of this call.
fn before_and_after(script: &Script) -> [Record; 2] {
    let recorder = Recorder::new();
    let layer = recorder.layer(Server);
    make(&layer, script.clone(), call(METHOD));
    make(&layer, headers(0), call(METHOD));
    make(&layer, script.clone(), call(METHOD));
    let Ok([first, _, last]) = <[Record; 3]>::try_from(recorder.records()) else {
        panic!("not three calls")
    };
    [first, last]
}

#[test]
fn a_code_that_only_the_method_answers_proves_it() {
    for code in PROOFS {
        for script in [headers(code), trailers(code)] {
            let seen = before_and_after(&script).map(|record| (record.route, record.grpc_status));
            let expected = (Some(METHOD.into()), Some(Code::from_number(code as u8)));
            assert_eq!(seen, [expected.clone(), expected]);
        }
    }
}

#[test]
fn any_other_end_tells_the_method_only_where_it_was_learned() {
    for (script, outcome, code) in unproven() {
        let seen = before_and_after(&script)
            .map(|record| (record.route.unwrap().to_string(), record.outcome, record.grpc_status));
        let after = if code == Code::Unimplemented { "_OTHER" } else { METHOD };
        let told = |route: &str| (route.to_owned(), outcome, Some(code));
        assert_eq!(seen, [told("_OTHER"), told(after)], "{script:?}");
    }
}

#[test]
fn the_time_that_ran_out_tells_the_method_only_where_it_was_learned() {
    let (recorder, clock) = (Recorder::new(), ManualClock::new());
    let layer = recorder.layer(Server).clock(clock.clock());
    let late = || {
        let mut service = layer.layer(Script::pends());
        let answer = service.call(grpc_request(Some("2m")));
        clock.advance(2 * MS);
        drop(answer);
    };
    late();
    make(&layer, headers(5), call(METHOD));
    late();
    let seen = recorder.records().into_iter().map(|record| (record.outcome, record.route));
    let seen: Vec<_> = seen.map(|(outcome, route)| (outcome, route.unwrap())).collect();
    let method = Route::from(METHOD);
    let expected =
        [(DeadlineExceeded, Route::OTHER), (Completed, method.clone()), (DeadlineExceeded, method)];
    assert_eq!(seen, expected);
}

#[test]
fn a_panic_that_was_turned_into_an_answer_proves_nothing() {
    use crate::exchange::CaughtPanic;
    let recorder = Recorder::new();
    let service = tower::service_fn(async |_: Request<()>| {
        Facts::current().unwrap().set_caught_panic(CaughtPanic::new());
        headers(13).oneshot(Request::new(())).await
    });
    recorder.layer(Server).layer(service).oneshot(call(METHOD)).now_or_never().unwrap().unwrap();
    let record = recorder.only();
    assert_eq!((record.outcome, record.route), (Panicked, Some(Route::OTHER)));
}

#[test]
fn what_a_stranger_makes_up_is_never_told_and_takes_no_room() {
    let tally = Tally::default();
    let layer = ObserveLayer::new(Server, tally.clone());
    let ends: Vec<Script> = unproven()
        .into_iter()
        .filter(|(_, outcome, _)| *outcome != Panicked)
        .map(|(script, ..)| script)
        .collect();
    let calls = 100_000;
    for (n, script) in (0..calls).zip(ends.iter().cycle()) {
        make(&layer, script.clone(), call(&format!("evil.Shop/Haunt{n}")));
    }
    assert_eq!(tally.take(), [("_OTHER".to_owned(), calls), ("none".to_owned(), calls)]);
    // there is still room for as many as ever
    let methods: Vec<String> =
        (0..Routes::MAX_LEARNED).map(|n| format!("shop.Cart/M{n}")).collect();
    for method in &methods {
        make(&layer, headers(0), call(method));
    }
    tally.take();
    for method in &methods {
        make(&layer, Script::pends(), call(method));
    }
    let told = tally.take();
    assert_eq!(told.len(), Routes::MAX_LEARNED);
    assert!(told.iter().all(|(method, count)| methods.contains(method) && *count == 2));
}

#[test]
fn where_there_is_no_more_room_the_rest_is_other_even_with_a_proof() {
    let tally = Tally::default();
    let layer = ObserveLayer::new(Server, tally.clone());
    for n in 0..Routes::MAX_LEARNED {
        make(&layer, headers(0), call(&format!("any.Thing/Goes{n}")));
    }
    assert_eq!(tally.take().len(), 1 + Routes::MAX_LEARNED);
    for n in Routes::MAX_LEARNED..2 * Routes::MAX_LEARNED {
        make(&layer, headers(0), call(&format!("any.Thing/Goes{n}")));
    }
    let rest = Routes::MAX_LEARNED;
    assert_eq!(tally.take(), [("_OTHER".to_owned(), rest), ("none".to_owned(), rest)]);
    make(&layer, Script::pends(), call("any.Thing/Goes7"));
    assert_eq!(tally.take(), [("any.Thing/Goes7".to_owned(), 2)], "what was learned stays");
}

#[test]
fn threads_that_learn_at_once_tell_no_more_than_there_is_room_for() {
    let tally = Tally::default();
    let layer = ObserveLayer::new(Server, tally.clone());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let layer = layer.clone();
            scope.spawn(move || {
                for n in 0..Routes::MAX_LEARNED {
                    // half of them are those of the next thread too
                    let n = thread * Routes::MAX_LEARNED / 2 + n;
                    make(&layer, trailers(0), call(&format!("any.Thing/Goes{n}")));
                }
            });
        }
    });
    let told = tally.take();
    let methods = told.iter().filter(|(route, _)| route.starts_with("any.Thing/"));
    assert_eq!(methods.count(), Routes::MAX_LEARNED);
    assert_eq!(told.iter().map(|(_, count)| count).sum::<usize>(), 2 * 4 * Routes::MAX_LEARNED);
}

#[test]
fn a_layer_shares_what_it_learned_with_its_clones_alone() {
    let recorder = Recorder::new();
    let layer = recorder.layer(Server);
    make(&layer, headers(0), call(METHOD));
    make(&layer.clone(), Script::pends(), call(METHOD));
    make(&recorder.layer(Server), Script::pends(), call(METHOD));
    let routes: Vec<_> = recorder.records().into_iter().map(|record| record.route).collect();
    let method = Some(Route::from(METHOD));
    assert_eq!(routes, [method.clone(), method, Some(Route::OTHER)]);
}

#[tokio::test]
async fn while_a_call_runs_its_method_is_told_as_far_as_it_is_known() {
    async fn so_far(layer: &ObserveLayer<Recorder>) -> Option<String> {
        let service = tower::service_fn(async |_: Request<()>| {
            let facts = Facts::current().unwrap();
            let route = facts.route().map(ToString::to_string);
            let mut response = headers(0).oneshot(Request::new(())).await?;
            response.extensions_mut().insert(route);
            Ok::<_, crate::testing::ScriptError>(response)
        });
        let response = layer.layer(service).oneshot(call(METHOD)).await.unwrap();
        response.extensions().get::<Option<String>>().cloned().flatten()
    }
    async fn twice(side: Side, routes: Routes) -> [Option<String>; 2] {
        let layer = Recorder::new().layer(side).routes(routes);
        [so_far(&layer).await, so_far(&layer).await]
    }
    let told = |route: &str| Some(route.to_owned());
    assert_eq!(twice(Server, Routes::new()).await, [None, told(METHOD)]);
    assert_eq!(twice(Client, Routes::new()).await, [told(METHOD), told(METHOD)]);
    let listed = |method: &str| Routes::new().grpc_methods([method]).unwrap();
    assert_eq!(twice(Server, listed(METHOD)).await, [told(METHOD), told(METHOD)]);
    assert_eq!(twice(Server, listed("a.B/C")).await, [told("_OTHER"), told("_OTHER")]);
}

/// One that ends without an answer is told the same by both, whatever was learned in between.
#[tokio::test]
async fn wrappers_of_one_exchange_agree_whatever_another_teaches_between_their_ends() {
    let (outer, inner) = (Recorder::new(), Recorder::new());
    let layer = outer.layer(Server);
    let teach = layer.clone();
    let between = tower::layer::layer_fn(|service: Observe<Script, Recorder>| {
        let teach = teach.clone();
        tower::service_fn(move |request: Request<()>| {
            let (mut service, teach) = (service.clone(), teach.clone());
            async move {
                let mut answer = service.call(request);
                assert!(poll_once(&mut answer).await.is_pending());
                drop(answer);
                make(&teach, headers(0), call(METHOD));
                std::future::pending::<Result<http::Response<ScriptBody>, std::io::Error>>().await
            }
        })
    });
    let service = layer.layer(between.layer(inner.layer(Server).layer(Script::pends())));
    let mut answer = Box::pin(service.oneshot(call(METHOD)));
    assert!(poll_once(&mut answer).await.is_pending());
    drop(answer);
    let seen = |recorder: &Recorder| -> Vec<_> {
        recorder.records().into_iter().map(|record| (record.outcome, record.route)).collect()
    };
    let cancelled = (Cancelled, Some(Route::OTHER));
    assert_eq!(seen(&inner), std::slice::from_ref(&cancelled));
    assert_eq!(seen(&outer), [(Completed, Some(METHOD.into())), cancelled]);
}
