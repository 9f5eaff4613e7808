//! Exchanges that end in every way there is, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use http::{Request, StatusCode, request};

use crate::classify::Side;
use crate::exchange::tests::{Caller, Scenario, grpc_request};
use crate::exchange::{Observer, WaitEnd};
use crate::metrics::{Metrics, MetricsBuilder};
use crate::route::{Route, Routes};
use crate::testing::{ManualClock, Script, ScriptBody, ScriptError};

/// Whole numbers of it are exact in seconds, as floating-point numbers too.
const EIGHTH: Duration = Duration::from_millis(125);

/// Whose errors count as shed.
pub(super) fn sheds(builder: MetricsBuilder) -> MetricsBuilder {
    builder.shed_when(|error| {
        error.downcast_ref::<ScriptError>().is_some_and(|error| error.0 == "full")
    })
}

/// How many exchanges [`run`] makes: those that are HTTP, and those that are gRPC.
pub(super) const EXCHANGES: (u64, u64) = (28, 9);
/// How many requests the service of [`run`] does not take, told by an error of a known type: the one
/// that begins no exchange.
pub(super) const SHED: u64 = 1;

/// Runs every exchange, each observed by what this makes.
pub(super) fn run(side: Side, metrics: &Metrics) {
    let clock = ManualClock::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for mut scenario in http(side, &clock).into_iter().chain(grpc(side, &clock)) {
        scenario.clock = clock.clone();
        let layer = scenario.layer(metrics.clone()).routes(Routes::new().extract(route));
        let service = tower::Layer::layer(&layer, scenario.script.clone());
        let driven = catch_unwind(AssertUnwindSafe(|| runtime.block_on(scenario.drive(service))));
        if let Err(panic) = driven {
            let scripted = panic.downcast_ref::<String>().map(String::as_str);
            let scripted = scripted.or_else(|| panic.downcast_ref::<&str>().copied());
            assert!(scripted.is_some_and(|text| text.starts_with("in ")), "{scripted:?}");
        }
    }
    // a request that is not taken begins no exchange
    let full: Box<dyn std::error::Error + Send + Sync> = ScriptError("full").into();
    metrics.waited(Duration::ZERO, WaitEnd::Refused);
    metrics.refused(&full);
    metrics.waited(2 * EIGHTH, WaitEnd::Called);
    metrics.waited(EIGHTH, WaitEnd::Cancelled);
}

fn route(head: &request::Parts) -> Option<Route> {
    head.uri.path().strip_prefix("/users/").map(|_| "/users/{id}".into())
}

fn asks(side: Side, method: &'static str, path: &'static str) -> request::Builder {
    let uri = match side {
        Side::Server => path.to_owned(),
        Side::Client if path.starts_with("/other") => format!("https://other.example{path}"),
        Side::Client => format!("http://shop.example:8080{path}"),
    };
    Request::builder().method(method).uri(uri)
}

fn http(side: Side, clock: &ManualClock) -> Vec<Scenario> {
    let of = |method, path, script| {
        Scenario::new(side, script).request(move || asks(side, method, path).body(()).unwrap())
    };
    let get = |script| of("GET", "/users/7", script);
    let status = |code: u16| Script::status(StatusCode::from_u16(code).unwrap());
    let slow = |time| Script::body(streamed(clock)).after(clock, time);
    let pending = || Script::body(ScriptBody::new().data("hello").pending()).after(clock, EIGHTH);
    vec![
        get(Script::status(StatusCode::OK)),
        get(slow(EIGHTH)),
        get(slow(2 * EIGHTH)),
        get(slow(4 * EIGHTH)),
        get(slow(80 * EIGHTH)),
        get(slow(800 * EIGHTH)),
        get(Script::body(ScriptBody::new().data(vec![b'x'; 64]))),
        get(Script::body(ScriptBody::new().data(vec![b'x'; 65]))),
        get(Script::body(ScriptBody::new().data(vec![b'x'; 70_000]))),
        Scenario::new(side, status(201)).request(move || {
            asks(side, "POST", "/users/").header("content-length", "256").body(()).unwrap()
        }),
        of("GET", "/other", status(404)),
        of("HEAD", "/users/7", status(200)),
        of("DELETE", "/users/7", status(204)),
        of("BREW", "/users/7", status(405)),
        get(status(500)),
        get(status(503)),
        get(status(101)),
        get(pending()).caller(Caller::DropsBodyAfter(1, EIGHTH)),
        get(Script::pends()).caller(Caller::GivesUpAfter(EIGHTH)),
        get(Script::pends()).caller(Caller::GivesUpAfter(4 * EIGHTH)).deadline(EIGHTH),
        get(pending()).caller(Caller::DropsBodyAfter(1, 4 * EIGHTH)).deadline(2 * EIGHTH),
        get(Script::fails("broken").after(clock, EIGHTH)),
        get(Script::fails("full")),
        get(Script::body(ScriptBody::new().data("hello").error("broken"))),
        get(Script::body(ScriptBody::new().data("hell")).with_header("content-length", "5")),
        get(Script::panics("in the future").after(clock, EIGHTH)),
        get(Script::panics_in_call("in call")),
        get(Script::body(ScriptBody::new().data("hello").panic("in the body"))),
    ]
}

fn grpc(side: Side, clock: &ManualClock) -> Vec<Scenario> {
    let of = |timeout: Option<&'static str>, script| {
        Scenario::new(side, script).request(move || {
            let mut request = grpc_request(timeout);
            if side == Side::Client {
                *request.uri_mut() = "http://pay.example/shop.Cart/Add".parse().unwrap();
            }
            request
        })
    };
    let answers = |body| Script::body(body).with_header("content-type", "application/grpc");
    let ends = |code: &'static str| {
        let body = ScriptBody::new().data("12345").pass(clock, EIGHTH);
        answers(body.trailers(&[("grpc-status", code)])).after(clock, EIGHTH)
    };
    let trailers_only = |code| Script::status(StatusCode::OK).with_header("grpc-status", code);
    vec![
        of(None, ends("0")),
        of(None, ends("0")),
        of(None, ends("13")),
        of(None, ends("5")),
        of(None, trailers_only("12").with_header("content-type", "application/grpc")),
        of(None, answers(ScriptBody::new())),
        of(None, answers(ScriptBody::new().data("12345").pending()))
            .caller(Caller::DropsBodyAfter(1, EIGHTH)),
        of(Some("125m"), Script::pends()).caller(Caller::GivesUpAfter(4 * EIGHTH)),
        of(None, answers(ScriptBody::new().data("12345").error("reset"))),
    ]
}

fn streamed(clock: &ManualClock) -> ScriptBody {
    ScriptBody::new().data("he").pass(clock, EIGHTH).data("llo").pass(clock, EIGHTH)
}
