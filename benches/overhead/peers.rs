//! The peers, each set up as its documentation says, with nothing but traces.

use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use opentelemetry::trace::TracerProvider;
use opentelemetry_instrumentation_tower::http::server::{Layer, LayerBuilder};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tower_otel::trace::HttpLayer;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::traced;

pub(crate) fn tower_otel_server() -> HttpLayer {
    subscribe();
    HttpLayer::server(Level::INFO)
}

pub(crate) fn tower_otel_client() -> HttpLayer {
    subscribe();
    HttpLayer::client(Level::INFO)
}

pub(crate) fn otel_instrumentation() -> Layer {
    traced::install(TraceContextPropagator::new());
    LayerBuilder::builder().with_metrics(false).build().expect("a good configuration")
}

pub(crate) fn axum_tracing_otel() -> OtelAxumLayer {
    subscribe();
    OtelAxumLayer::default()
}

/// Turns `tracing` spans into OpenTelemetry's; no other layer hears them.
fn subscribe() {
    let tracer = traced::install(TraceContextPropagator::new()).tracer("overhead");
    // the second is where axum-tracing-opentelemetry's spans are
    let heard = Targets::new().with_default(Level::INFO).with_target("otel::tracing", Level::TRACE);
    tracing_subscriber::registry()
        .with(heard)
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .init();
}
