//! SIGTERM in full load: what was accepted is answered, and what was answered is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tower_observability::telemetry::Protocol;

use crate::collector::{Answer, Collector};
use crate::kit::{LONG, until};
use crate::load::{Clients, Seen};
use crate::process::Service;

const CLIENTS: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_answered_is_told_and_readiness_goes_first() {
    const NOTICE: Duration = Duration::from_secs(1);
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let log = std::env::temp_dir().join(format!("ending-term-{}", std::process::id()));
    let _ = std::fs::remove_file(&log);
    let service = Service::start(&log, &collector.url(), NOTICE, LONG);
    let seen = Arc::<Seen>::default();
    let clients = Clients::start(service.address, CLIENTS, &seen);
    until(async || seen.answered() > 50 * CLIENTS).await;

    let began = Instant::now();
    service.terminate();
    let before = seen.not_ready(service.admin).await;
    clients.refused().await;
    let (status, said) = tokio::task::spawn_blocking(|| service.ended()).await.unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(began.elapsed() < LONG);
    assert!(began.elapsed() >= NOTICE, "load balancers had the time that was asked for");

    let answered = seen.answered();
    assert!(answered > before, "those who are told later still ask, and are answered");
    assert_eq!(seen.too_early(), 0, "nobody was refused before probes were told");
    let lines = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    assert!(lines.lines().all(|line| line.contains("\"http.response.status_code\":200")));
    assert_eq!(lines.lines().count(), answered, "{said}");
    assert_eq!(collector.spans(), answered as u64, "{said}");
    let told = format!("otlp exported {answered} of {answered} spans");
    assert!(said.contains(&told), "{said}");
}
