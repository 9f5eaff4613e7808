//! A service that Prometheus scrapes: the metrics of its layer and its own, from one registry.
//!
//! ```text
//! ADDR=127.0.0.1:5001 cargo run --example metrics --features full
//! curl 127.0.0.1:5001/users/7
//! curl 127.0.0.1:5001/metrics
//! curl -H 'accept: application/openmetrics-text' 127.0.0.1:5001/metrics
//! ```

use std::env;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};
use tokio::net::TcpListener;
use tower::BoxError;
use tower_observability::metrics::{MetricsLayer, MetricsService};
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:5001".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let registry = Registry::new();
    let orders = IntCounterVec::new(Opts::new("orders_total", "Orders taken."), &["status"])?;
    let values = HistogramOpts::new("order_value_euros", "What an order is worth.").buckets(vec![
        1.0,
        10.0,
        1_000_000.0,
    ]);
    let values = Histogram::with_opts(values)?;
    registry.register(Box::new(orders.clone()))?;
    registry.register(Box::new(values.clone()))?;

    // spans are not sent anywhere; that they are sampled is what makes exemplars
    let provider = SdkTracerProvider::builder().build();
    let trace = TraceLayer::server().tracer_provider(&provider).propagator(W3cPropagator::new());
    let metrics = MetricsLayer::server().register(&registry)?;
    let order = move |Path(euros): Path<f64>| async move {
        let is_taken = euros.is_finite() && euros > 0.0;
        orders.with_label_values(&[if is_taken { "taken" } else { "refused" }]).inc();
        if !is_taken {
            return StatusCode::UNPROCESSABLE_ENTITY;
        }
        values.observe(euros);
        StatusCode::CREATED
    };
    let app = Router::new()
        .route("/users/{id}", get(async |Path(id): Path<String>| format!("user {id}\n")))
        .route("/orders/{euros}", post(order))
        .route("/broken", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .layer(metrics)
        .layer(trace)
        // scrapes are not requests of the service's callers
        .route_service("/metrics", MetricsService::new(&registry));
    axum::serve(listener, app).await?;
    Ok(())
}
