//! A small service with objectives, to be run as several instances behind one Prometheus, with knobs
//! that make it fail or dawdle. How its alerts reach somebody is told in `docs/alerting.md`.
//!
//! What it promises is in `objectives.rs`, what it does in `service.rs`; `alertmanager.rs` posts what
//! one instance sees by itself to Alertmanager.
#![allow(unreachable_pub, reason = "nothing is reachable from outside a program")]

mod admin;
mod alertmanager;
mod objectives;
mod service;
mod webhook;

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use prometheus::Registry;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::BoxError;
use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
use tower_observability::metrics::MetricsLayer;
use tower_observability::metrics::saturation::{ProcessCollector, RuntimeCollector};
use tower_observability::slo::{SloLayer, SloTracker};
use tower_observability::telemetry::{LogFormat, LossCollector, Telemetry};

use crate::service::Knobs;

const USAGE: &str = "\
usage: cargo run --example fleet --features full -- COMMAND

  serve [--listen ADDRESS] [--admin ADDRESS] [--alertmanager URL]
                            one instance, until Ctrl-C; 127.0.0.1:8471 and 127.0.0.1:9471 unless told.
                            With a URL it posts its own alerts to that Alertmanager.
  artefacts DIRECTORY       write rules, dashboard, OpenSLO and runbooks
  commands                  print the commands of the runbooks, as JSON
  webhook [--listen ADDRESS]
                            print what Alertmanager tells, a line each; 127.0.0.1:9099 unless told

ADMIN_TOKEN opens more of the admin address than /metrics: 16 characters or more.
";

const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["serve", ref rest @ ..] => match flags(rest, &["--listen", "--admin", "--alertmanager"]) {
            Some(flags) => serve(&flags).await,
            None => return usage(),
        },
        ["webhook", ref rest @ ..] => match flags(rest, &["--listen"]) {
            Some(flags) => receive(&flags).await,
            None => return usage(),
        },
        ["artefacts", directory] => {
            objectives::artefacts().and_then(|artefacts| Ok(artefacts.write_to(directory)?))
        }
        ["commands"] => print_commands(),
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

type Flags<'a> = BTreeMap<&'a str, &'a str>;

/// Each with its value; `None` of one that is unknown, or has none.
fn flags<'a>(arguments: &[&'a str], known: &[&str]) -> Option<Flags<'a>> {
    let pairs = arguments.chunks(2).map(|pair| match *pair {
        [flag, value] if known.contains(&flag) => Some((flag, value)),
        _ => None,
    });
    pairs.collect()
}

async fn listener(flags: &Flags<'_>, flag: &str, default: &str) -> Result<TcpListener, BoxError> {
    let address = flags.get(flag).unwrap_or(&default);
    let failed = |error| format!("cannot listen on {address}: {error}");
    Ok(TcpListener::bind(address).await.map_err(failed)?)
}

async fn receive(flags: &Flags<'_>) -> Result<(), BoxError> {
    let listener = listener(flags, "--listen", "127.0.0.1:9099").await?;
    Ok(axum::serve(listener, webhook::app()).await?)
}

fn print_commands() -> Result<(), BoxError> {
    let commands = objectives::artefacts()?.runbook_commands();
    let commands = commands.iter().map(|command| {
        json!({ "alert": command.alert, "shows": command.shows, "command": command.command })
    });
    println!("{:#}", commands.collect::<serde_json::Value>());
    Ok(())
}

async fn serve(flags: &Flags<'_>) -> Result<(), BoxError> {
    let telemetry = Telemetry::builder(objectives::SERVICE)
        .logs(LogFormat::Pretty)
        .logs_to_stderr()
        .from_env()
        .install()?;
    let served = tokio::select! {
        served = serve_with(&telemetry, flags) => served,
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    };
    telemetry.shutdown(PATIENCE).await?;
    served
}

async fn serve_with(telemetry: &Telemetry, flags: &Flags<'_>) -> Result<(), BoxError> {
    let service_listener = listener(flags, "--listen", "127.0.0.1:8471").await?;
    let admin_listener = listener(flags, "--admin", "127.0.0.1:9471").await?;
    let (address, admin) = (service_listener.local_addr()?, admin_listener.local_addr()?);

    let registry = Registry::new();
    ProcessCollector::builder().register(&registry)?;
    RuntimeCollector::current()?.register(&registry)?;
    let lines = JsonLines::stdout();
    LossCollector::of(telemetry).access_log(&lines).register(&registry)?;

    // unbounded: a condition of alarm changes a few times in its short window at most
    let (changes, changed) = mpsc::unbounded_channel();
    let tracker = SloTracker::builder()
        .objectives(objectives::objectives()?)
        // nobody receives where there is no Alertmanager
        .on_change(move |change| drop(changes.send(change.clone())))
        .build()?;
    tracker.register(&registry)?;
    if let Some(url) = flags.get("--alertmanager") {
        let poster = alertmanager::Poster::new(url, admin)?;
        tokio::spawn(poster.run(tracker.clone(), changed));
    }

    let (knobs, dumps) = (Knobs::default(), DumpControl::new());
    let app = service::app(address, knobs.clone())?
        .layer(DebugDumpLayer::server(&dumps))
        .layer(SloLayer::server(&tracker))
        .layer(MetricsLayer::server().register(&registry)?)
        .layer(AccessLogLayer::server().json_lines(lines));
    let admin_app = admin::app(telemetry, &registry, dumps, tracker)?;
    let admin_app = Router::new()
        .route("/knobs", axum::routing::put(service::turn).with_state(knobs))
        .fallback_service(admin_app);
    println!("serving at http://{address}, admin at http://{admin}");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::try_join!(
        axum::serve(service_listener, app).into_future(),
        axum::serve(admin_listener, admin_app).into_future(),
    )?;
    Ok(())
}
