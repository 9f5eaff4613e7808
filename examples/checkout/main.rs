//! A checkout: a gateway (axum) that asks an inventory (axum over SQLite) and a payment (tonic).
//! Every service and every client is stacked with this crate's layers; the admin address serves the
//! metrics of all, those of the business, the process and the runtime among them.
//!
//! The services are in `gateway.rs`, `inventory.rs` and `payment.rs`; how they are observed is in
//! `layers.rs` and `telemetry.rs`. The rest is the script of `--once`.
#![allow(unreachable_pub, reason = "nothing is reachable from outside a program")]

mod admin;
mod clients;
mod config;
mod customer;
mod database;
mod dumped;
mod gateway;
mod inventory;
mod layers;
mod measured;
mod objectives;
mod operations;
mod orders;
mod payment;
mod prices;
mod promised;
mod red;
mod scrape;
mod script;
mod seen;
mod series;
mod services;
mod spans;
mod steps;
mod table;
mod tallies;
mod telemetry;
mod traces;
mod tree;

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

use sentry::{ClientInitGuard, ClientOptions};
use tower_observability::catch_panic::PanicHook;
use tower_observability::sentry::OneEvent;
use tower_observability::telemetry::{LogFormat, Sampling};

use crate::admin::Operators;
use crate::config::Addresses;
use crate::layers::{Buffer, Places};
use crate::services::{BoxError, PATIENCE, Services};
use crate::spans::Spans;
use crate::telemetry::{Shared, Telemetries, promised};

const USAGE: &str = "\
usage: cargo run --example checkout --features full [-- --once]

  (nothing)  serve until Ctrl-C
  --once     drive a script of requests through the services, and check what was seen of them
  --help     print this

GATEWAY_ADDR, INVENTORY_ADDR and PAYMENT_ADDR tell where to serve; 127.0.0.1:8080, :8081 and :8082
by default. ADMIN_ADDR tells where those who run them ask; 127.0.0.1:9464 by default. ADMIN_TOKEN is what
opens more to them than /metrics: 16 characters or more. RUST_LOG tells what to log. With --once, any
free ports do. Spans go to OTEL_EXPORTER_OTLP_ENDPOINT, and panics and errors to SENTRY_DSN, if they are
set.
";

#[tokio::main]
async fn main() -> ExitCode {
    panic::set_hook(Box::new(log_panic));
    // so that log, span and Sentry tell where a handler panicked
    PanicHook::new().backtraces().install();
    let _sentry = match sentry() {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("checkout: {error}");
            return ExitCode::FAILURE;
        }
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve().await,
        ["--once"] => once().await,
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("checkout: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), BoxError> {
    let (shared, objectives) = (Shared::new()?, promised()?);
    let telemetry = Telemetries {
        // as the log is that of the whole process, one of the three sets it up
        gateway: shared
            .service("gateway")
            .objectives(objectives.clone())
            .logs(LogFormat::Pretty)
            .logs_to_stderr()
            .install()?,
        inventory: shared.service("inventory").build()?,
        payment: shared.service("payment").build()?,
        objectives,
    };
    let served = serve_until_ctrl_c(&telemetry).await;
    telemetry.shutdown().await;
    served
}

async fn serve_until_ctrl_c(telemetry: &Telemetries) -> Result<(), BoxError> {
    let places = Places::serving(telemetry);
    let mut services =
        Services::start(&Addresses::from_env()?, &places, telemetry, Operators::from_env()?)
            .await?;
    print_what_to_try(&services.addresses);
    tokio::select! {
        error = services.ended() => return Err(error),
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    println!("stopping: requests under way have {PATIENCE:?} to end");
    if let Err(error) = services.stop().await {
        println!("{error}");
    }
    Ok(())
}

async fn once() -> Result<(), BoxError> {
    let (log, spans) = (Buffer::default(), Spans::default());
    let lines = log.clone();
    let (shared, objectives) = (Shared::new()?, promised()?);
    let service =
        |name| shared.service(name).sampling(Sampling::AlwaysOn).span_processor(spans.processor());
    let telemetry = Telemetries {
        gateway: service("gateway")
            .logs(LogFormat::Json)
            .logs_to(move || lines.clone())
            .log_filter("info")
            .objectives(objectives.clone())
            .install()?,
        inventory: service("inventory").build()?,
        payment: service("payment").build()?,
        objectives,
    };
    let ran = script::run(&telemetry, &log, &spans).await;
    telemetry.shutdown().await;

    let wrong = ran?;
    if wrong.is_empty() {
        println!("\nEvery exchange was recorded, logged, traced and counted as expected.");
        return Ok(());
    }
    for what in &wrong {
        eprintln!("{what}");
    }
    Err(format!("{} disagreements", wrong.len()).into())
}

fn print_what_to_try(Addresses { gateway, inventory, payment, admin }: &Addresses) {
    println!(
        "\
the gateway listens on {gateway}, the inventory on {inventory}, the payment on {payment}

  curl -i http://{gateway}/products/lamp
  curl -i http://{gateway}/products/slow-lamp
  curl -i http://{gateway}/checkout --json '{{\"product\": \"lamp\", \"quantity\": 2, \"card\": \"4242\"}}'
  curl -i http://{gateway}/checkout --json '{{\"product\": \"lamp\", \"quantity\": 2, \"card\": \"0000\"}}'
  curl -i http://{gateway}/checkout --json '{{\"product\": \"sofa\", \"quantity\": 1, \"card\": \"4242\"}}'
  curl -i http://{gateway}/checkout --json '{{\"product\": \"slow-lamp\", \"quantity\": 1, \"card\": \"4242\"}}'
  curl -i http://{gateway}/no/such/route
  curl -i http://{gateway}/panic
  curl -i http://{gateway}/products/lost-lamp   # waits for an hour: hang up with Ctrl-C
  curl -iN http://{gateway}/feed                # never ends: hang up with Ctrl-C
  curl -i http://{admin}/metrics
  curl -i http://{admin}/slo -H \"authorization: Bearer $ADMIN_TOKEN\"
  curl -i http://{admin}/debug -H \"authorization: Bearer $ADMIN_TOKEN\" # in a browser a page
  curl -i http://{admin}/debug/dump -H \"authorization: Bearer $ADMIN_TOKEN\" --json '{{\"captures\": 1, \"time_to_live_seconds\": 60}}'
  curl -i http://{admin}/debug/dump -H \"authorization: Bearer $ADMIN_TOKEN\"

All lines of one request carry its ID and its trace's, in every service. Ctrl-C here stops everything.
"
    );
}

/// The client that reports to `SENTRY_DSN`, if that is set; dropped, it sends what is left.
fn sentry() -> Result<Option<ClientInitGuard>, BoxError> {
    let dsn = std::env::var("SENTRY_DSN").unwrap_or_default();
    if dsn.is_empty() {
        return Ok(None);
    }
    let dsn = dsn.parse().map_err(|error| format!("SENTRY_DSN: {error}"))?;
    let mut options = ClientOptions::new().environment("example").add_integration(OneEvent);
    options.dsn = Some(dsn);
    Ok(Some(sentry::init(options)))
}

/// Logs a panic like everything else, so that its line carries the request's ID.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(tracing::field::display);
    tracing::error!(location, cause = panic.payload_as_str(), "a thread panicked");
}
