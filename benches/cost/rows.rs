//! The table's rows: to add one is one line.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sentry_core::test::TestTransport;
use sentry_core::{Client, ClientOptions, Hub};
use sentry_tower::{NewSentryLayer, SentryHttpLayer};
use tower::layer::util::{Identity, Stack};
use tower::{Layer, Service};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tower_observability::access_log::{AccessLog, AccessLogLayer, JsonLines};
use tower_observability::catch_panic::CatchPanicLayer;
use tower_observability::classify::Side::Server;
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl, Match, Rule};
use tower_observability::exchange::ObserveLayer;
use tower_observability::live::{Board, LiveLayer};
use tower_observability::metrics::MetricsLayer;
use tower_observability::request_id::{RequestIdLayer, RequestIds};
use tower_observability::sentry::SentryLayer;
use tower_observability::slo::{Objective, SloLayer, SloTracker, Target};
use tracing::Level;
use tracing_subscriber::fmt;

use crate::measure::exchange::{Bare, Runner, browser, router, runner};
use crate::measure::row::{Row, bare, over};

const PLAIN: &str = "bare service";
const AXUM: &str = "bare Router";
const CORE: &str = "core with ()";
const LAYERED: &str = "core with () in Router::layer";

#[rustfmt::skip]
pub(crate) fn all() -> Vec<Row> {
    vec![
        bare(PLAIN, || plain(Bare)),
        bare(AXUM, || axum(router())),
        over(PLAIN, CORE, || plain(core().layer(Bare))).within(1_800, 4, 3_200),
        over(AXUM, "core with () around a Router", || axum(core().layer(router()))).within(1_800, 3, 3_450),
        over(AXUM, LAYERED, || axum(router().layer(core()))),
        over(AXUM, "no-op layer in Router::layer", || axum(router().layer(Identity::new()))),
        over(CORE, "request_id", || plain(RequestIdLayer::server().layer(Bare))).within(2_200, 2, 2_400),
        over(CORE, "access_log, target off", || { off(); plain(AccessLogLayer::server().layer(Bare)) }).within(150, 0, 600),
        over(CORE, "access_log, no subscriber", || plain(AccessLogLayer::server().layer(Bare))).within(150, 0, 600),
        over(CORE, "access_log, heard from WARN", || { json(Level::WARN); plain(AccessLogLayer::server().layer(Bare)) }),
        over(CORE, "access_log, JSON lines", || plain(json_lines().layer(Bare))).within(3_500, 0, 4_200),
        over(CORE, "access_log, events into JSON", || { json(Level::INFO); plain(AccessLogLayer::server().layer(Bare)) }),
        over(CORE, "metrics", || plain(metrics().layer(Bare))).within(700, 0, 1_200),
        over(CORE, "catch_panic", || plain(core().layer(CatchPanicLayer::server().layer(Bare)))).within(200, 0, 1_050),
        over(CORE, "sentry, no client", || plain(SentryLayer::server().layer(Bare))).within(300, 0, 400),
        over(CORE, "sentry, a client", || { client(); plain(SentryLayer::server().layer(Bare)) }),
        over(CORE, "slo, one objective", || plain(slo(1, &[]).layer(Bare))).within(200, 0, 400),
        over(CORE, "slo, ten objectives", || plain(slo(10, &[]).layer(Bare))).within(1_200, 0, 1_400),
        over(LAYERED, "slo, ten objectives by route", || axum(router().layer(slo(10, &["/", "/users/{id}"])))).within(1_200, 0, 1_600),
        over(CORE, "live", || plain(live().layer(Bare))).within(400, 0, 800),
        over(LAYERED, "live, by route", || axum(router().layer(live()))).within(400, 0, 900),
        over(CORE, "debug_dump, off", || plain(DebugDumpLayer::server(&DumpControl::new()).layer(Bare))).within(60, 0, 400),
        over(CORE, "debug_dump, armed for others", || plain(dumping(Match::Method(http::Method::POST)).layer(Bare))),
        over(CORE, "debug_dump, armed for a status", || plain(dumping(Match::Status(http::StatusCode::NOT_FOUND, http::StatusCode::NOT_FOUND)).layer(Bare))),
        over(CORE, "request_id and JSON lines, fused", || plain(fused().layer(Bare))),
        over(CORE, "request_id and JSON lines, stacked", || plain(RequestIdLayer::server().layer(json_lines().layer(Bare)))),
        over(PLAIN, "tower-http Set + PropagateRequestId", || plain(set_request_id().layer(Bare))),
        over(PLAIN, "tower-http TraceLayer, no subscriber", || plain(trace().layer(Bare))),
        over(PLAIN, "tower-http TraceLayer, JSON", || { json(Level::INFO); plain(trace().layer(Bare)) }),
        over(PLAIN, "catch_panic alone", || plain(CatchPanicLayer::server().layer(Bare))),
        over(PLAIN, "tower-http CatchPanic", || plain(tower_http::catch_panic::CatchPanicLayer::new().layer(Bare))),
        over(PLAIN, "sentry-tower, no client", || plain(sentry_tower().layer(Bare))),
        over(PLAIN, "sentry-tower, a client", || { client(); plain(sentry_tower().layer(Bare)) }),
    ]
}

fn core() -> ObserveLayer<()> {
    ObserveLayer::new(Server, ())
}

fn live() -> LiveLayer {
    LiveLayer::server(&Board::builder().build().expect("the defaults are good"))
}

/// So many objectives by turns of availability and latency, about these routes, or all.
fn slo(objectives: usize, routes: &[&str]) -> SloLayer {
    let target = Target::percent("99.9").expect("a target");
    let of = |number: usize| {
        let name = format!("objective-{number}");
        let objective = match number % 2 {
            0 => Objective::availability(name, target),
            _ => Objective::latency(name, target, Duration::from_millis(300)),
        };
        let objective =
            if routes.is_empty() { objective } else { objective.routes(routes.to_vec()) };
        objective.build().expect("an objective")
    };
    let tracker = SloTracker::builder().objectives((0..objectives).map(of)).build();
    SloLayer::server(&tracker.expect("names that differ"))
}

/// Looks at each exchange.
fn dumping(matches: Match) -> DebugDumpLayer {
    let control = DumpControl::new();
    let rule = Rule::new(Rule::MAX_TIME_TO_LIVE).and_then(|rule| rule.matching(matches));
    control.arm(rule.expect("a good rule"));
    DebugDumpLayer::server(&control)
}

/// Binds a client whose transport keeps what it is given.
pub(crate) fn client() -> Arc<TestTransport> {
    let transport = TestTransport::new();
    let options = ClientOptions::new().dsn("http://public@127.0.0.1:9/1");
    let client = Client::with_options(options.transport(Arc::clone(&transport)));
    Hub::current().bind_client(Some(client.into()));
    transport
}

fn sentry_tower() -> Stack<SentryHttpLayer, NewSentryLayer<Request<Full<Bytes>>>> {
    Stack::new(SentryHttpLayer::new(), NewSentryLayer::new_from_top())
}

fn set_request_id() -> Stack<PropagateRequestIdLayer, SetRequestIdLayer<MakeRequestUuid>> {
    let set = SetRequestIdLayer::x_request_id(MakeRequestUuid);
    Stack::new(PropagateRequestIdLayer::x_request_id(), set)
}

fn trace() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>> {
    TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_request(DefaultOnRequest::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO))
}

fn json_lines() -> AccessLogLayer {
    AccessLogLayer::server().json_lines(JsonLines::new(io::sink()))
}

fn metrics() -> MetricsLayer {
    MetricsLayer::server().build().expect("the defaults are good")
}

fn fused() -> ObserveLayer<(RequestIds, AccessLog)> {
    let both = (RequestIdLayer::server().into_observer(), json_lines().into_observer());
    ObserveLayer::new(Server, both)
}

/// Formats events as JSON, for a writer that costs nothing.
fn json(most: Level) {
    fmt().json().with_max_level(most).with_writer(io::sink).init();
}

/// The same with the access log switched off.
fn off() {
    let filter = format!("info,{}=off", tower_observability::access_log::TARGET);
    fmt().json().with_env_filter(filter).with_writer(io::sink).init();
}

/// Runs exchanges on a service over the plain one.
fn plain<S, B>(service: S) -> Runner
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + 'static,
    B: Body,
{
    runner(service, browser(), || Full::new(Bytes::new()))
}

/// Runs exchanges on a service over the `Router`.
fn axum<S, B>(service: S) -> Runner
where
    S: Service<Request<axum::body::Body>, Response = Response<B>, Error = Infallible> + 'static,
    B: Body,
{
    runner(service, browser(), axum::body::Body::empty)
}
