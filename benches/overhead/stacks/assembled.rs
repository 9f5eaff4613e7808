//! What people assemble of the layers there are, each set up as its documentation says.

use axum::body::Body;
use axum_prometheus::PrometheusMetricLayer;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use http::Request;
use opentelemetry::trace::TracerProvider;
use opentelemetry_instrumentation_tower::http::server::{Layer, LayerBuilder};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tower::ServiceBuilder;
use tower::layer::util::Identity;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::{DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use super::lines::Lines;
use super::stack::Stack;
use crate::exchange::router;
use crate::{counted, sdk, traced};

type Logs<OnRequest> =
    TraceLayer<SharedClassifier<ServerErrorsAsFailures>, fn(&Request<Body>) -> Span, OnRequest>;

/// A `Router` in one layer of these, so that it boxes once.
macro_rules! assembled {
    ($traces:expr, $logs:expr, $metrics:expr) => {
        router().layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                .layer($traces)
                .layer($logs)
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer($metrics)
                .layer(CatchPanicLayer::new()),
        )
    };
}

/// One layer for each concern and one filter for all. The spans of both layers that make some are
/// exported, and stand in both lines.
pub(crate) fn plain() -> Stack {
    let provider = traced::install(TraceContextPropagator::new());
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,otel::tracing=trace"))
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("overhead")))
        .with(fmt::layer().json().with_writer(|| Lines))
        .init();
    let counted = counted::recorder();
    let layers = assembled!(OtelAxumLayer::default(), logs(), PrometheusMetricLayer::new());
    Stack { spans: 2, lines: 2, ..whole(Stack::silent(layers), counted) }
}

/// The same with the spans of opentelemetry-instrumentation-tower, which `tracing` does not see.
pub(crate) fn instrumented() -> Stack {
    log_all();
    let counted = counted::recorder();
    let layers = assembled!(traces(), logs(), PrometheusMetricLayer::new());
    Stack { lines: 2, ..whole(Stack::silent(layers), counted) }
}

/// The same with its metrics, too.
pub(crate) fn instrumented_metrics() -> Stack {
    let meters = sdk::install(); // first, as it logs
    log_all();
    let layers = assembled!(traces_and_metrics(), logs(), Identity::new());
    let counted = move || sdk::counted(&meters);
    Stack { lines: 2, ..whole(Stack::silent(layers), counted) }
}

/// The first tuned by an expert: one line, spans that `tracing` does not see, and filters by layer, so
/// that the program's own spans join the trace and those of the log do not.
pub(crate) fn tuned() -> Stack {
    let provider = traced::install(TraceContextPropagator::new());
    let own = Targets::new().with_target("shop", Level::INFO);
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("overhead"));
    let lines = fmt::layer().json().with_writer(|| Lines);
    tracing_subscriber::registry()
        .with(spans.with_filter(own))
        .with(lines.with_filter(LevelFilter::INFO))
        .init();
    let counted = counted::recorder();
    whole(Stack::silent(assembled!(traces(), log(), PrometheusMetricLayer::new())), counted)
}

/// Tuned further: nothing but the log hears `tracing`, and tells each span once in a line, not twice.
pub(crate) fn lean() -> Stack {
    log_once();
    let counted = counted::recorder();
    whole(Stack::silent(assembled!(traces(), log(), PrometheusMetricLayer::new())), counted)
}

/// The same with the metrics of opentelemetry-instrumentation-tower: the least that we found.
pub(crate) fn lean_metrics() -> Stack {
    let meters = sdk::install();
    log_once();
    let layers = assembled!(traces_and_metrics(), log(), Identity::new());
    whole(Stack::silent(layers), move || sdk::counted(&meters))
}

fn whole(stack: Stack, counted: impl Fn() -> u64 + 'static) -> Stack {
    Stack { spans: 1, lines: 1, identified: true, counted: Some(Box::new(counted)), ..stack }
}

/// A line when a request comes, and one when it is answered.
pub(crate) fn logs() -> Logs<DefaultOnRequest> {
    let on_response = DefaultOnResponse::new().level(Level::INFO);
    TraceLayer::new_for_http()
        .make_span_with(span as fn(&Request<Body>) -> Span)
        .on_request(DefaultOnRequest::new().level(Level::INFO))
        .on_response(on_response)
}

/// A line when a request is answered.
pub(crate) fn log() -> Logs<()> {
    logs().on_request(())
}

fn span(request: &Request<Body>) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    info_span!("request", method = %request.method(), uri = %request.uri(), request_id = id)
}

/// All that is told from INFO, as JSON.
pub(crate) fn log_all() {
    traced::install(TraceContextPropagator::new());
    let lines = fmt::layer().json().with_writer(|| Lines);
    tracing_subscriber::registry().with(EnvFilter::new("info")).with(lines).init();
}

/// The same with each span once, by a filter that costs nothing.
fn log_once() {
    traced::install(TraceContextPropagator::new());
    let lines = fmt::layer().json().with_span_list(false).with_writer(|| Lines);
    tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).init();
}

fn traces() -> Layer {
    LayerBuilder::builder().with_metrics(false).build().expect("a good configuration")
}

fn traces_and_metrics() -> Layer {
    LayerBuilder::builder().build().expect("a good configuration")
}
