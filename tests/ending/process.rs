//! A service in a process of its own.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::runtime::Runtime;
use tower_observability::access_log::JsonLines;
use tower_observability::admin::Closed;
use tower_observability::stack::termination;
use tower_observability::telemetry::{Delivery, Telemetry};

use crate::kit::{listen, shop};

const LOG: &str = "ENDING_LOG";
const RECEIVER: &str = "ENDING_RECEIVER";
/// In milliseconds, as the next one.
const NOTICE: &str = "ENDING_NOTICE";
const DEADLINE: &str = "ENDING_DEADLINE";

/// The code of a service that did not end in order.
pub(crate) const IN_DISORDER: i32 = 3;

/// A service that runs until it is told to end.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    child: Child,
    said: Box<dyn Iterator<Item = String> + Send>,
}

impl Service {
    pub(crate) fn start(log: &Path, receiver: &str, notice: Duration, deadline: Duration) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "process::serves_until_sigterm"])
            .env(LOG, log)
            .env(RECEIVER, receiver)
            .env(NOTICE, notice.as_millis().to_string())
            .env(DEADLINE, deadline.as_millis().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut said: Box<dyn Iterator<Item = String> + Send> = Box::new(said);
        let serving = said.find_map(|line| line.strip_prefix("serving ").map(str::to_owned));
        let serving = serving.expect("it says where it serves");
        let (address, admin) = serving.split_once(' ').unwrap();
        Self { address: address.parse().unwrap(), admin: admin.parse().unwrap(), child, said }
    }

    pub(crate) fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for its end: how it ended, and what it said of that.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let said = self.said.find_map(|line| line.strip_prefix("ended: ").map(str::to_owned));
        (self.child.wait().unwrap(), said.expect("it says how it ended"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The service itself.
#[test]
#[ignore = "other tests start it"]
fn serves_until_sigterm() {
    let Some(log) = env::var_os(LOG) else { return };
    let code = match Runtime::new().unwrap().block_on(serve(Path::new(&log))) {
        Ok(delivery) => {
            println!("\nended: {delivery}");
            0
        }
        Err(error) => {
            println!("\nended: {error}");
            IN_DISORDER
        }
    };
    std::process::exit(code);
}

async fn serve(log: &Path) -> Result<Delivery, Box<dyn std::error::Error>> {
    let millis = |name| Duration::from_millis(env::var(name).unwrap().parse().unwrap());
    let telemetry = Telemetry::builder("shop")
        .json_lines(JsonLines::file(log)?.non_blocking(10_000)?)
        .otlp_endpoint(env::var(RECEIVER)?)
        .span_queue(1 << 16)
        .drain_notice(millis(NOTICE))
        .build()?;
    let (listener, address) = listen().await;
    let (admin_listener, admin_address) = listen().await;
    let admin = telemetry.admin(Closed).build().into_router();
    tokio::spawn(async { axum::serve(admin_listener, admin).await });
    let server =
        axum::serve(listener, shop(&telemetry)).with_graceful_shutdown(telemetry.draining());
    println!("\nserving {address} {admin_address}");
    Ok(telemetry.serve_until(termination(), server, millis(DEADLINE)).await??)
}
