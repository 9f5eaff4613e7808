//! The gateway of the example under load: the same routes with no layer, with ours, or with those that
//! people assemble. `.ci/load` drives it.
//!
//! `load --stack none|ours|equal|plain|tuned --log FILE` says where it listens, serves until SIGTERM, and then
//! says how many spans were exported.
#![allow(unreachable_pub, reason = "nothing is reachable from outside a program")]

mod assembled;
mod encoded;
mod gateway;
mod inventory;
mod ours;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use axum::Router;
use axum::serve::ListenerExt;
use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};
use tower_observability::reqwest::ReqwestService;
use tower_observability::stack::termination;

use ours::Client;

pub type BoxError = Box<dyn Error + Send + Sync>;

/// How long what is under way may take to end.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// A gateway, where its metrics are asked for, and how to end what was made of it.
pub struct Stack {
    pub gateway: Router,
    pub admin: Router,
    /// Answers how many spans were exported.
    pub end: Box<dyn FnOnce() -> u64>,
}

enum Choice {
    None,
    Ours(Client),
    Plain,
    Tuned,
}

struct Arguments {
    stack: Choice,
    log: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match arguments() {
        Some(arguments) => serve(arguments).await,
        None => {
            eprintln!("usage: load --stack none|ours|equal|plain|tuned --log FILE");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Option<Arguments> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stack_flag, stack, log_flag, log] = arguments.as_slice() else { return None };
    let stack = match stack.as_str() {
        "none" => Choice::None,
        "ours" => Choice::Ours(Client::Everything),
        "equal" => Choice::Ours(Client::Spans),
        "plain" => Choice::Plain,
        "tuned" => Choice::Tuned,
        _ => return None,
    };
    let told = (stack_flag.as_str(), log_flag.as_str()) == ("--stack", "--log");
    told.then(|| Arguments { stack, log: log.into() })
}

async fn serve(Arguments { stack, log }: Arguments) -> Result<(), BoxError> {
    let (inventory, inventory_address) = listen().await?;
    let app = inventory::app()?;
    tokio::spawn(async { axum::serve(inventory.tap_io(at_once), app).await });
    let base = Url::parse(&format!("http://{inventory_address}"))?;
    let http = ReqwestService::new(reqwest::Client::new());

    if let Choice::Ours(client) = stack {
        return ours::serve(http, base, &log, client).await;
    }
    let Stack { gateway, admin, end } = match stack {
        Choice::Plain => assembled::plain(http, base, &log)?,
        Choice::Tuned => assembled::tuned(http, base, &log)?,
        _ => silent(gateway::app(http, base), &log)?,
    };
    let (listener, admin_listener) = listening().await?;
    tokio::spawn(async { axum::serve(admin_listener, admin).await });
    axum::serve(listener.tap_io(at_once), gateway).with_graceful_shutdown(termination()).await?;
    println!("exported {} spans", end());
    Ok(())
}

fn silent(gateway: Router, log: &Path) -> Result<Stack, BoxError> {
    std::fs::File::create(log)?;
    Ok(Stack { gateway, admin: Router::new(), end: Box::new(|| 0) })
}

/// Sends what is written at once: else a head and a body that are written apart wait for the peer's late
/// acknowledgement, 40 ms, by chance more often for one stack than for another.
pub fn at_once(stream: &mut TcpStream) {
    let _ = stream.set_nodelay(true);
}

/// Where the gateway and its admin address listen, which is told, too.
pub async fn listening() -> Result<(TcpListener, TcpListener), BoxError> {
    let (gateway, address) = listen().await?;
    let (admin, admin_address) = listen().await?;
    println!("gateway {address} admin {admin_address}");
    Ok((gateway, admin))
}

async fn listen() -> Result<(TcpListener, SocketAddr), BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
