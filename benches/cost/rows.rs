//! The table's rows: to add one is one line.

use std::io;

use tower::Layer;
use tower::layer::util::{Identity, Stack};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tower_observability::access_log::{AccessLog, AccessLogLayer, JsonLines};
use tower_observability::classify::Side::Server;
use tower_observability::exchange::ObserveLayer;
use tower_observability::request_id::{RequestIdLayer, RequestIds};
use tracing::Level;
use tracing_subscriber::fmt;

use crate::exchange::{Bare, Runner, axum, plain, router};

const PLAIN: &str = "bare service";
const AXUM: &str = "bare Router";
const CORE: &str = "core with ()";

pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The row it is compared with.
    pub(crate) over: Option<&'static str>,
    pub(crate) budget: Option<Budget>,
    /// Called in the row's own process, so it may set global state.
    pub(crate) make: fn() -> Runner,
}

/// What a row may add per request to the row it is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    /// The instructions it is meant to add at the most.
    pub(crate) wanted: u32,
    /// The instructions at which `--check` fails.
    pub(crate) limit: u32,
    pub(crate) allocations: u32,
}

#[rustfmt::skip]
fn all() -> Vec<Row> {
    vec![
        bare(PLAIN, || plain(Bare)),
        bare(AXUM, || axum(router())),
        over(PLAIN, CORE, || plain(core().layer(Bare))).within(1_800, 4, 3_000),
        over(AXUM, "core with () around a Router", || axum(core().layer(router()))).within(1_800, 3, 3_200),
        over(AXUM, "core with () in Router::layer", || axum(router().layer(core()))),
        over(AXUM, "no-op layer in Router::layer", || axum(router().layer(Identity::new()))),
        over(CORE, "request_id", || plain(RequestIdLayer::server().layer(Bare))).within(2_200, 2, 2_400),
        over(CORE, "access_log, target off", || { off(); plain(AccessLogLayer::server().layer(Bare)) }).within(150, 0, 600),
        over(CORE, "access_log, no subscriber", || plain(AccessLogLayer::server().layer(Bare))).within(150, 0, 600),
        over(CORE, "access_log, heard from WARN", || { json(Level::WARN); plain(AccessLogLayer::server().layer(Bare)) }),
        over(CORE, "access_log, JSON lines", || plain(json_lines().layer(Bare))).within(3_500, 0, 4_200),
        over(CORE, "access_log, events into JSON", || { json(Level::INFO); plain(AccessLogLayer::server().layer(Bare)) }),
        over(CORE, "request_id and JSON lines, fused", || plain(fused().layer(Bare))),
        over(CORE, "request_id and JSON lines, stacked", || plain(RequestIdLayer::server().layer(json_lines().layer(Bare)))),
        over(PLAIN, "tower-http Set + PropagateRequestId", || plain(set_request_id().layer(Bare))),
        over(PLAIN, "tower-http TraceLayer, no subscriber", || plain(trace().layer(Bare))),
        over(PLAIN, "tower-http TraceLayer, JSON", || { json(Level::INFO); plain(trace().layer(Bare)) }),
        over(PLAIN, "tower-http CatchPanic", || plain(CatchPanicLayer::new().layer(Bare))),
    ]
}

fn core() -> ObserveLayer<()> {
    ObserveLayer::new(Server, ())
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

fn bare(name: &'static str, make: fn() -> Runner) -> Row {
    Row { name, over: None, budget: None, make }
}

fn over(base: &'static str, name: &'static str, make: fn() -> Runner) -> Row {
    Row { name, over: Some(base), budget: None, make }
}

impl Row {
    fn within(mut self, wanted: u32, allocations: u32, limit: u32) -> Self {
        self.budget = Some(Budget { wanted, limit, allocations });
        self
    }
}

/// The rows whose names contain any of `wanted`, all if there is none, and what they are compared
/// with.
pub(crate) fn chosen(wanted: &[&str]) -> Vec<Row> {
    let rows = all();
    let mut keep: Vec<bool> =
        rows.iter().map(|row| wanted.is_empty() || named(row, wanted)).collect();
    // a row stands below the one it is compared with
    for index in (0..rows.len()).rev() {
        if keep[index]
            && let Some(base) = base(&rows, &rows[index])
        {
            keep[base] = true;
        }
    }
    rows.into_iter().zip(keep).filter_map(|(row, keep)| keep.then_some(row)).collect()
}

fn named(row: &Row, wanted: &[&str]) -> bool {
    wanted.iter().any(|part| row.name.contains(part))
}

/// Where the row stands that this one is compared with.
pub(crate) fn base(rows: &[Row], row: &Row) -> Option<usize> {
    let name = row.over?;
    Some(rows.iter().position(|row| row.name == name).expect("a row's base is a row"))
}

/// Where the bare service stands that this row wraps in the end.
pub(crate) fn bare_of(rows: &[Row], index: usize) -> usize {
    base(rows, &rows[index]).map_or(index, |base| bare_of(rows, base))
}
