//! A service whose health can be asked for over HTTP and gRPC, and be switched.
//!
//! ```text
//! cargo run --example health --features full
//! curl -i localhost:8080/readyz?verbose
//! grpcurl -plaintext localhost:50051 grpc.health.v1.Health/Check
//! ```
//!
//! Lines on standard input switch it: `up`, `down` (what the check `database` finds) and `drain`, after
//! which it waits `DRAIN_SECONDS` (5), stops its servers and ends. `HEALTH_ADDR` (127.0.0.1:8080) and
//! `GRPC_ADDR` (127.0.0.1:50051) say where it listens; port 0 is any, and told in the first two lines.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tower_observability::health::{
    Component, ComponentType, Details, DiskSpaceCheck, Free, Group, GrpcHealth, Health,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let is_up = Arc::new(AtomicBool::new(false));
    let read = Arc::clone(&is_up);
    // in a service: a query to the pool
    let query = move || {
        let is_up = read.load(Ordering::Relaxed);
        async move { if is_up { Ok(()) } else { Err("connection refused") } }
    };
    let disk = DiskSpaceCheck::new(std::env::temp_dir(), Free::Percent(1), Free::Bytes(1))?;
    let health = Health::builder()
        .version("1")
        .release_id(env!("CARGO_PKG_VERSION"))
        .component(
            Component::new("database", query)
                .component_type(ComponentType::Datastore)
                .groups([Group::Ready, Group::Startup])
                .interval(Duration::from_millis(50)),
        )
        .component(
            Component::new("disk", disk).component_type(ComponentType::System).critical(false),
        )
        .start()?;

    let variable = |name, unless_told: &str| std::env::var(name).unwrap_or(unless_told.to_owned());
    let http = TcpListener::bind(variable("HEALTH_ADDR", "127.0.0.1:8080")).await?;
    let grpc = TcpListener::bind(variable("GRPC_ADDR", "127.0.0.1:50051")).await?;
    println!("http {}\ngrpc {}", http.local_addr()?, grpc.local_addr()?);

    let (end, ended) = watch::channel(false);
    let has_ended = move || {
        let mut ended = ended.clone();
        async move {
            // that the sender is gone is an end, too
            let _ = ended.wait_for(|is_over| *is_over).await;
        }
    };
    let app = Router::new()
        .route_service("/livez", health.service())
        .route_service("/readyz", health.service())
        .route_service("/startupz", health.service())
        .route_service("/health", health.service().details(Details::Told));
    let http = axum::serve(http, app).with_graceful_shutdown(has_ended());
    let http = tokio::spawn(async move { http.await });
    let service = GrpcHealth::new(&health).service("shop.Payment", Group::Ready)?;
    let grpc = tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming_shutdown(TcpListenerStream::new(grpc), has_ended());
    let grpc = tokio::spawn(grpc);

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match line.trim() {
            "up" => is_up.store(true, Ordering::Relaxed),
            "down" => is_up.store(false, Ordering::Relaxed),
            "drain" => break,
            other => eprintln!("{other:?} is not up, down or drain"),
        }
    }

    // not ready; wait until load balancers have noticed; stop
    let seconds = variable("DRAIN_SECONDS", "5").parse()?;
    health.drain_for(Duration::from_secs(seconds)).await;
    end.send_replace(true);
    http.await??;
    grpc.await??;
    health.stop();
    println!("stopped");
    Ok(())
}
