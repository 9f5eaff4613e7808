//! How much there is at once, who waits, and who is sent away.

use std::convert::Infallible;
use std::fmt;
use std::time::{Instant, SystemTime};

use http::StatusCode;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};

use super::run::waited;
use super::*;
use crate::clock::{Clock, TimeSource};
use crate::testing::{Script, ScriptBody, ScriptError};

fn get() -> Request<()> {
    Request::get("/").body(()).unwrap()
}

/// How many are under way, and the most there were, by their kind; reading begins the most anew.
fn active(bench: &Bench) -> Vec<(String, u64)> {
    let gathered = bench.gathered().into_iter();
    let gauges = gathered.filter(|(series, _)| series.name.contains("_active_"));
    gauges
        .map(|(series, value)| {
            let kind = series.label("http_request_method").unwrap_or("gRPC");
            let most = if series.name.ends_with("_max") { " max" } else { "" };
            (format!("{kind}{most}"), value.count())
        })
        .collect()
}

fn told(gauges: &[(&str, u64)]) -> Vec<(String, u64)> {
    gauges.iter().map(|(kind, value)| ((*kind).to_owned(), *value)).collect()
}

#[test]
fn the_most_under_way_is_that_since_the_last_scrape() {
    let bench = Bench::new();
    let mut service = bench.register(builder(Server)).layer(Script::pends());
    assert_eq!(active(&bench), []);
    let mut under_way: Vec<_> = (0..5).map(|_| service.call(get())).collect();
    let post = || Request::post("/").body(()).unwrap();
    let posted = service.call(post());
    let grpc = Request::post("/a.B/C").header("content-type", "application/grpc");
    let called = service.call(grpc.body(()).unwrap());
    under_way.truncate(2);
    let others = [("POST", 1), ("POST max", 1), ("gRPC", 1), ("gRPC max", 1)];
    let sorted = |mut gauges: Vec<(String, u64)>| {
        gauges.sort();
        gauges
    };
    let with =
        |now, most| sorted(told(&[&[("GET", now), ("GET max", most)], &others[..]].concat()));
    assert_eq!(sorted(active(&bench)), with(2, 5));
    assert_eq!(sorted(active(&bench)), with(2, 2), "read anew");
    under_way.push(service.call(get()));
    assert_eq!(sorted(active(&bench)), with(3, 3));
    drop((under_way, posted, called));
    let none =
        [("GET", 0), ("GET max", 3), ("POST", 0), ("POST max", 1), ("gRPC", 0), ("gRPC max", 1)];
    assert_eq!(sorted(active(&bench)), told(&none));
    assert!(active(&bench).iter().all(|(_, value)| *value == 0), "and the most, too");
}

#[test]
fn a_future_that_is_never_polled_was_under_way_and_is_counted() {
    let bench = Bench::new();
    let mut service = bench.register(builder(Server)).layer(Script::pends());
    let future = service.call(get());
    assert_eq!(active(&bench), told(&[("GET", 1), ("GET max", 1)]));
    drop(future);
    assert_eq!(active(&bench), told(&[("GET", 0), ("GET max", 1)]));
    assert_eq!(total(&bench.gathered(), "http_server_request_duration_seconds"), 1);
}

/// How long requests waited, by what became of them.
fn waits(bench: &Bench) -> Vec<(Option<String>, Value)> {
    let gathered = bench.gathered().into_iter();
    let waits =
        gathered.filter(|(series, _)| series.name == "http_server_poll_ready_duration_seconds");
    waits.map(|(series, value)| (series.label("error_type").map(str::to_owned), value)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_service_behind_a_concurrency_limit_shows_its_queueing() {
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

    let bench = Bench::new();
    let layer = bench.register(builder(Server)).clock(Clock::new(Paused));
    let handler = service_fn(async |_: Request<()>| {
        tokio::time::sleep(30 * MS).await;
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let limit = ConcurrencyLimitLayer::new(1);
    let service = ServiceBuilder::new().layer(layer).layer(limit).service(handler);
    assert_eq!(waits(&bench), []);
    let ask = || service.clone().oneshot(get());
    let gives_up = tokio::time::timeout(20 * MS, ask());
    let (first, second, third, fourth) = tokio::join!(ask(), ask(), gives_up, ask());
    drop((first.unwrap(), second.unwrap(), fourth.unwrap()));
    assert!(third.is_err());
    // at once, after one other and after two; and one that did not get its turn
    let called =
        Value::Counts { count: 3, sum: 0.09, buckets: vec![(0.005, 1), (0.05, 1), (0.075, 1)] };
    assert_eq!(
        waits(&bench),
        [(None, called), (Some("cancelled".into()), Value::once(0.02, 0.025))]
    );
    // the wait is no part of the duration
    let gathered = bench.gathered();
    let duration =
        gathered.iter().find(|(series, _)| series.name == "http_server_request_duration_seconds");
    let expected = Value::Counts { count: 3, sum: 0.09, buckets: vec![(0.05, 3)] };
    assert_eq!(duration.unwrap().1, &expected);
}

#[test]
fn a_service_that_refuses_is_waited_for_as_well() {
    let bench = Bench::new();
    let service = bench.register(builder(Server)).layer(Script::refuses("closed"));
    assert!(service.oneshot(get()).now_or_never().unwrap().is_err());
    assert_eq!(waits(&bench), [(Some("refused".into()), waited(Server).1)]);
    // no exchange began
    assert_eq!(total(&bench.gathered(), "http_server_request_duration_seconds"), 0);
    assert_eq!(active(&bench), []);
}

#[derive(Debug)]
struct Full(Option<BoxError>);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("full")
    }
}

impl std::error::Error for Full {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|source| &**source as _)
    }
}

fn shed(bench: &Bench) -> u64 {
    total(&bench.gathered(), "http_server_shed_requests_total")
}

#[test]
fn what_load_shed_sends_away_is_counted() {
    let bench = Bench::new();
    let layers = ServiceBuilder::new()
        .layer(bench.register(builder(Server)))
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(1));
    let mut service = layers.service(Script::pends());
    let ready = |service: &mut _| {
        let ready = ServiceExt::<Request<()>>::ready(service).now_or_never();
        assert!(ready.unwrap().is_ok(), "it is, whatever is inside of it");
    };
    ready(&mut service);
    let under_way = service.call(get());
    assert_eq!(shed(&bench), 0);
    for sent_away in 1..=3 {
        ready(&mut service);
        let error = service.call(get()).now_or_never().unwrap().unwrap_err();
        assert!(error.is::<tower::load_shed::error::Overloaded>());
        assert_eq!(shed(&bench), sent_away);
    }
    // each was an exchange that failed
    assert_eq!(total(&bench.gathered(), "http_server_request_duration_seconds"), 3);
    drop(under_way);
    assert_eq!(shed(&bench), 3);
}

#[test]
fn a_service_behind_a_limit_that_waits_sends_nobody_away() {
    let bench = Bench::new();
    let layers = ServiceBuilder::new()
        .layer(bench.register(builder(Server)))
        .layer(ConcurrencyLimitLayer::new(1));
    let mut service = layers.service(Script::pends());
    assert!(ServiceExt::<Request<()>>::ready(&mut service).now_or_never().is_some());
    let _under_way = service.call(get());
    assert!(ServiceExt::<Request<()>>::ready(&mut service).now_or_never().is_none());
    assert_eq!(shed(&bench), 0);
}

/// A service that answers this error.
fn fails(
    error: fn() -> BoxError,
) -> impl Service<Request<()>, Response = Response<ScriptBody>, Error = BoxError> {
    service_fn(move |_: Request<()>| async move { Err::<Response<ScriptBody>, _>(error()) })
}

#[test]
fn errors_of_the_users_own_are_counted_wherever_they_are_in_the_chain_and_once() {
    let bench = Bench::new();
    let layer = bench.register(builder(Server).shed_when(|error| error.is::<Full>()));
    let overloaded = || tower::load_shed::error::Overloaded::new().into();
    for (error, counts) in [
        ((|| ScriptError("disk").into()) as fn() -> BoxError, false),
        (|| Full(None).into(), true),
        (|| Full(Some(Full(None).into())).into(), true),
        (|| std::io::Error::other(Full(None)).into(), true),
        (overloaded, true),
    ] {
        let before = shed(&bench);
        assert!(fails(error).oneshot(get()).now_or_never().unwrap().is_err());
        assert_eq!(shed(&bench), before);
        assert!(layer.layer(fails(error)).oneshot(get()).now_or_never().unwrap().is_err());
        assert_eq!(shed(&bench), before + u64::from(counts), "{}", error());
    }
}

#[test]
fn a_rule_that_panics_sheds_nothing_and_costs_no_count() {
    let bench = Bench::new();
    let layer = bench.register(builder(Server).shed_when(|_| panic!("boom")));
    let error = || ScriptError("disk").into();
    assert!(layer.layer(fails(error)).oneshot(get()).now_or_never().unwrap().is_err());
    assert_eq!(shed(&bench), 0);
    assert_eq!(total(&bench.gathered(), "http_server_request_duration_seconds"), 1);
}

/// Is never ready and says that it is full.
#[derive(Clone)]
struct Closed;

impl Service<Request<()>> for Closed {
    type Response = Response<ScriptBody>;
    type Error = BoxError;
    type Future = std::future::Pending<Result<Self::Response, BoxError>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Err(Full(None).into()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        std::future::pending()
    }
}

#[test]
fn what_poll_ready_refuses_is_shed_as_well() {
    let bench = Bench::new();
    let layer = bench.register(builder(Server).shed_when(|error| error.is::<Full>()));
    assert_eq!(shed(&bench), 0);
    assert!(layer.layer(Closed).oneshot(get()).now_or_never().unwrap().is_err());
    assert_eq!(shed(&bench), 1);
    // it may well be asked again
    ask(layer.layer(Script::status(StatusCode::OK)), get());
    assert_eq!(shed(&bench), 1);
}
