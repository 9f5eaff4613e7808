//! What people assemble of the layers there are, each set up as its documentation says: the same as in
//! `benches/overhead`, with a client beside it.
//!
//! The client has spans, by tower-otel: the newest reqwest-tracing knows no newer OpenTelemetry than 0.32,
//! whose context the others here would not share. It has neither metrics nor lines, which ours has.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum_prometheus::PrometheusMetricLayer;
use axum_prometheus::metrics_exporter_prometheus::PrometheusHandle;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use http::Request;
use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use reqwest::Url;
use tower::{Layer, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::{DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tower_observability::reqwest::ReqwestService;
use tower_otel::trace::HttpLayer;
use tracing::{Level, Span, info_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::encoded::{Encoded, Exported, QUEUE};
use crate::{BoxError, Stack, gateway};

type Logs<OnRequest> =
    TraceLayer<SharedClassifier<ServerErrorsAsFailures>, fn(&Request<Body>) -> Span, OnRequest>;

/// A `Router` in one layer of these, so that it boxes once.
macro_rules! assembled {
    ($router:expr, $traces:expr, $logs:expr, $metrics:expr) => {
        $router.layer(
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

/// One layer for each concern and one filter for all.
pub fn plain(http: ReqwestService, inventory: Url, log: &Path) -> Result<Stack, BoxError> {
    let (provider, exported) = install();
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,otel::tracing=trace"))
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("load")))
        .with(fmt::layer().json().with_writer(Arc::new(File::create(log)?)))
        .init();
    let (metrics, handle) = PrometheusMetricLayer::pair();
    let router = client(http, inventory);
    let gateway = assembled!(router, OtelAxumLayer::default(), logs(), metrics);
    Ok(stack(gateway, handle, provider, exported))
}

/// Tuned by an expert: one line, spans that `tracing` does not see where that is possible, and filters by
/// layer, so that none hears what it does not tell.
pub fn tuned(http: ReqwestService, inventory: Url, log: &Path) -> Result<Stack, BoxError> {
    const CLIENT: &str = "tower_otel";
    let (provider, exported) = install();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("load"));
    let lines = fmt::layer().json().with_span_list(false);
    let logged = Targets::new().with_default(Level::INFO).with_target(CLIENT, LevelFilter::OFF);
    tracing_subscriber::registry()
        .with(spans.with_filter(Targets::new().with_target(CLIENT, Level::INFO)))
        .with(lines.with_writer(Arc::new(File::create(log)?)).with_filter(logged))
        .init();
    let (metrics, handle) = PrometheusMetricLayer::pair();
    let traces = LayerBuilder::builder().with_metrics(false).build()?;
    let gateway = assembled!(client(http, inventory), traces, logs().on_request(()), metrics);
    Ok(stack(gateway, handle, provider, exported))
}

fn client(http: ReqwestService, inventory: Url) -> Router {
    gateway::app(HttpLayer::client(Level::INFO).layer(http), inventory)
}

fn stack(
    gateway: Router,
    handle: PrometheusHandle,
    provider: SdkTracerProvider,
    exported: Exported,
) -> Stack {
    let metrics = axum::routing::get(move || async move { handle.render() });
    let end = move || {
        let _ = provider.shutdown();
        exported.count()
    };
    Stack { gateway, admin: Router::new().route("/metrics", metrics), end: Box::new(end) }
}

/// Makes an SDK that samples all the global one.
fn install() -> (SdkTracerProvider, Exported) {
    let exporter = Encoded::default();
    let exported = exporter.exported();
    let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
    (provider, exported)
}

/// A line when a request comes, and one when it is answered.
fn logs() -> Logs<DefaultOnRequest> {
    TraceLayer::new_for_http()
        .make_span_with(span as fn(&Request<Body>) -> Span)
        .on_request(DefaultOnRequest::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO))
}

fn span(request: &Request<Body>) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    info_span!("request", method = %request.method(), uri = %request.uri(), request_id = id)
}
