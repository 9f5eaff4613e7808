//! Ours, with everything on: the server in one layer, the client in another, which may be left with what
//! the peers' client has.

use std::path::Path;

use axum::serve::ListenerExt;
use reqwest::Url;
use tower::Layer;
use tower_observability::access_log::JsonLines;
use tower_observability::admin::Closed;
use tower_observability::reqwest::ReqwestService;
use tower_observability::slo::{Objective, SloTracker, Target};
use tower_observability::stack::termination;
use tower_observability::telemetry::Telemetry;

use crate::encoded::{Encoded, QUEUE};
use crate::{BoxError, PATIENCE, at_once, gateway, listening};

/// What the client tells.
#[derive(Clone, Copy)]
pub enum Client {
    Everything,
    /// Spans, and the request ID.
    Spans,
}

pub async fn serve(
    http: ReqwestService,
    inventory: Url,
    log: &Path,
    client: Client,
) -> Result<(), BoxError> {
    let objective = Objective::availability("products", Target::percent("99.9")?).build()?;
    let exporter = Encoded::default();
    let exported = exporter.exported();
    let telemetry = Telemetry::builder("gateway")
        .json_lines(JsonLines::file(log)?)
        .objectives(SloTracker::builder().objective(objective).build()?)
        .span_queue(QUEUE)
        .span_exporter("encoded", exporter)
        .build()?;
    let mut parts = telemetry.client_parts();
    if let Client::Spans = client {
        (parts.access_log, parts.metrics, parts.live, parts.debug_dump) = (None, None, None, None);
    }
    let app = gateway::app(parts.fuse()?.layer(http), inventory).layer(telemetry.server());
    let admin = telemetry.admin(Closed).build().into_router();

    let (listener, admin_listener) = listening().await?;
    tokio::spawn(async { axum::serve(admin_listener, admin).await });
    let server = axum::serve(listener.tap_io(at_once), app);
    let server = server.with_graceful_shutdown(telemetry.draining());
    telemetry.serve_until(termination(), server, PATIENCE).await??;
    println!("exported {} spans", exported.count());
    Ok(())
}
