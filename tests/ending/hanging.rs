//! A handler that outlasts the deadline is told, and the rest is not lost for it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tower_observability::telemetry::Protocol;

use crate::collector::{Answer, Collector};
use crate::kit::{ask, http1, until};
use crate::process::{IN_DISORDER, Service};

/// How many exchanges are under way, as a scrape tells it.
async fn active(admin: SocketAddr) -> f64 {
    let asked = http1().get(format!("http://{admin}/metrics")).send().await.unwrap();
    let text = asked.text().await.unwrap();
    let active = text.lines().filter(|line| line.starts_with("http_server_active_requests{"));
    active.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_hangs_is_told_as_unfinished() {
    const DEADLINE: Duration = Duration::from_secs(4);
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let log = std::env::temp_dir().join(format!("ending-hang-{}", std::process::id()));
    let _ = std::fs::remove_file(&log);
    let service = Service::start(&log, &collector.url(), Duration::ZERO, DEADLINE);
    ask(service.address, 20).await;
    let url = format!("http://{}/hang", service.address);
    let hanging = tokio::spawn(async move { http1().get(url).send().await });
    until(async || active(service.admin).await == 1.0).await;

    let began = Instant::now();
    service.terminate();
    let (status, said) = tokio::task::spawn_blocking(|| service.ended()).await.unwrap();
    let took = began.elapsed();
    assert_eq!(status.code(), Some(IN_DISORDER), "{said}");
    assert_eq!(said, "telemetry of shop: 1 exchange had not ended");
    assert!(took >= DEADLINE / 4 * 3 && took < DEADLINE + DEADLINE / 2, "{took:?}");
    assert!(hanging.await.unwrap().is_err(), "its connection breaks off");
    let lines = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    // the log goes on, so that it has what became of it: the runtime's end dropped it
    let cancelled = lines.lines().filter(|line| line.contains(r#""outcome":"cancelled""#)).count();
    assert_eq!((lines.lines().count(), cancelled, collector.spans()), (21, 1, 20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_costs_spans_but_neither_a_line_nor_the_deadline() {
    const DEADLINE: Duration = Duration::from_secs(2);
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Hang]);
    let log = std::env::temp_dir().join(format!("ending-stuck-{}", std::process::id()));
    let _ = std::fs::remove_file(&log);
    let service = Service::start(&log, &collector.url(), Duration::ZERO, DEADLINE);
    ask(service.address, 20).await;

    let began = Instant::now();
    service.terminate();
    let (status, said) = tokio::task::spawn_blocking(|| service.ended()).await.unwrap();
    let took = began.elapsed();
    assert_eq!(status.code(), Some(IN_DISORDER), "{said}");
    assert!(said.contains("lost 20 of 20 spans") && said.ends_with("; the time ran out"), "{said}");
    assert!(!said.contains("access log"), "{said}");
    assert!(took < DEADLINE * 2, "{took:?}");
    let lines = std::fs::read_to_string(&log).unwrap().lines().count();
    std::fs::remove_file(&log).unwrap();
    assert_eq!((lines, collector.spans()), (20, 0));
}
