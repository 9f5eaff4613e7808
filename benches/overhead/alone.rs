//! Each layer alone on axum: to add a row is one line.

use axum::Router;
use axum_otel_metrics::HttpMetricsLayerBuilder;
use axum_prometheus::PrometheusMetricLayer;
use http::Request;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use sentry_tower::{NewSentryLayer, SentryHttpLayer};
use tower::ServiceBuilder;
use tower::layer::util::Identity;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::counted::{recorder, registered};
use crate::exchange::{Bare, Runner, router};
use crate::measure::row::{Row, bare, over};
use crate::stacks::assembled;
use crate::stacks::ours::Ours;
use crate::stacks::stack::Stack;
use crate::traced::Caller::{self, Sampled};
use crate::traces::client;
use crate::{sdk, traces};

pub(crate) const AXUM: &str = "bare Router";

#[rustfmt::skip]
pub(crate) fn rows() -> Vec<Row> {
    vec![
        bare("bare service", || client(Sampled, Bare)),
        bare(AXUM, || traces::axum(Sampled, router())),
        over(AXUM, traces::NO_OP, || silent(router().layer(Identity::new()))),

        over(AXUM, "request_id", || run(Stack { identified: true, ..ours(|ours| router().layer(ours.request_id)) }, Sampled)),
        over(AXUM, "access_log, JSON lines", || run(Stack { lines: 1, ..ours(|ours| router().layer(ours.access_log)) }, Sampled)),
        over(AXUM, "metrics", metrics),
        over(AXUM, "live", || run(ours(|ours| router().layer(ours.live)), Sampled)),
        over(AXUM, "slo, one objective", || run(ours(|ours| router().layer(ours.slo)), Sampled)),
        over(AXUM, "debug_dump, off", || run(ours(|ours| router().layer(ours.debug_dump)), Sampled)),
        over(AXUM, "sentry, no client", || run(ours(|ours| router().layer(ours.sentry)), Sampled)),
        over(AXUM, "catch_panic", || run(ours(|ours| router().layer(ours.catch_panic)), Sampled)),

        over(AXUM, "tower-http Set + PropagateRequestId", set_request_id),
        over(AXUM, "tower-http TraceLayer, JSON, two lines", || logging(2, router().layer(assembled::logs()))),
        over(AXUM, "tower-http TraceLayer, JSON, one line", || logging(1, router().layer(assembled::log()))),
        over(AXUM, "tower-http CatchPanic", || silent(router().layer(CatchPanicLayer::new()))),
        over(AXUM, "axum-prometheus", axum_prometheus),
        over(AXUM, "axum-otel-metrics, no-op meter", || silent(router().layer(HttpMetricsLayerBuilder::new().build()))),
        over(AXUM, "otel-instrumentation-tower, metrics", instrumentation_metrics),
        over(AXUM, "tower-otel, metrics", tower_otel_metrics),
        over(AXUM, "sentry-tower, no client", sentry_tower),
    ]
}

/// Runs what was proven.
pub(crate) fn run(stack: Stack, caller: Caller) -> Runner {
    traces::axum(caller, stack.proven(caller))
}

fn silent(router: Router) -> Runner {
    run(Stack::silent(router), Sampled)
}

fn ours(layered: impl FnOnce(Ours) -> Router) -> Stack {
    Stack::silent(layered(Ours::new()))
}

fn metrics() -> Runner {
    let ours = Ours::new();
    counting(router().layer(ours.metrics), move || registered(&ours.registry))
}

fn counting(router: Router, counted: impl Fn() -> u64 + 'static) -> Runner {
    run(Stack { counted: Some(Box::new(counted)), ..Stack::silent(router) }, Sampled)
}

fn logging(lines: usize, router: Router) -> Runner {
    assembled::log_all();
    run(Stack { lines, ..Stack::silent(router) }, Sampled)
}

fn set_request_id() -> Runner {
    let both = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id());
    run(Stack { identified: true, ..Stack::silent(router().layer(both)) }, Sampled)
}

fn axum_prometheus() -> Runner {
    let counted = recorder();
    counting(router().layer(PrometheusMetricLayer::new()), counted)
}

fn instrumentation_metrics() -> Runner {
    let meters = sdk::install();
    let layer = LayerBuilder::builder().with_tracing(false).build().expect("a good configuration");
    counting(router().layer(layer), move || sdk::counted(&meters))
}

fn tower_otel_metrics() -> Runner {
    let meters = sdk::install();
    let layer = tower_otel::metrics::HttpLayer::server(&meters.meter("overhead"));
    counting(router().layer(layer), move || sdk::counted(&meters))
}

/// As its documentation nests it; no client is bound, so that nothing is told.
fn sentry_tower() -> Runner {
    let both = ServiceBuilder::new()
        .layer(NewSentryLayer::<Request<axum::body::Body>>::new_from_top())
        .layer(SentryHttpLayer::new().enable_transaction());
    silent(router().layer(both))
}
