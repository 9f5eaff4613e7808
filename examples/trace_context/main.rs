//! A service for the public test harness of W3C Trace Context.
//!
//! `POST /test` takes `[{"url": "…", "arguments": […]}, …]` and, for each element, POSTs its
//! `arguments` to its `url`. Traces are passed on by this crate's layers, and by nothing else:
//!
//! ```text
//! ADDR=127.0.0.1:5000 cargo run --example trace_context --features full
//! python test.py http://127.0.0.1:5000/test    # github.com/w3c/trace-context, folder test
//! ```

use std::env;

use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::{BoxError, Layer, ServiceExt};
use tower_observability::reqwest::ReqwestService;
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

#[derive(Deserialize)]
struct Action {
    url: String,
    arguments: serde_json::Value,
}

type Client = <TraceLayer as Layer<ReqwestService>>::Service;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:5000".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let provider = SdkTracerProvider::builder().build();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let client = TraceLayer::client()
        .tracer_provider(&provider)
        .propagator(W3cPropagator::new())
        .layer(ReqwestService::new(client));
    let layer = TraceLayer::server().tracer_provider(&provider).propagator(W3cPropagator::new());
    let app = Router::new().route("/test", post(test)).with_state(client).layer(layer);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn test(
    State(client): State<Client>,
    Json(actions): Json<Vec<Action>>,
) -> Result<StatusCode, StatusCode> {
    for Action { url, arguments } in actions {
        let request = Request::post(url)
            .header("content-type", "application/json")
            .body(arguments.to_string())
            .map_err(|_| StatusCode::BAD_REQUEST)?;
        client.clone().oneshot(request).await.map_err(|error| {
            eprintln!("{error}");
            StatusCode::BAD_GATEWAY
        })?;
    }
    Ok(StatusCode::OK)
}
