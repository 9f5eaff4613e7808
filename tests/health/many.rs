//! Many probes, while a check hangs.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tower::{Service, ServiceExt};
use tower_observability::health::HealthService;

use super::*;

const PATHS: [&str; 5] = ["/livez", "/readyz", "/startupz", "/health", "/readyz?verbose"];

/// Answers in the first poll of everything, by a task that is never woken.
fn in_one_poll(service: &mut HealthService, path: &str) -> Response<bytes::Bytes> {
    let mut cx = Context::from_waker(Waker::noop());
    let ready: Poll<Result<(), Infallible>> = Service::<Request<()>>::poll_ready(service, &mut cx);
    assert!(ready.is_ready());
    let asked = service.call(Request::get(path).body(()).unwrap());
    let Poll::Ready(Ok(response)) = pin!(asked).poll(&mut cx) else { panic!("it waits") };
    let (head, body) = response.into_parts();
    let Poll::Ready(Ok(body)) = pin!(body.collect()).poll(&mut cx) else { panic!("it waits") };
    Response::from_parts(head, body.to_bytes())
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_probes_never_wait_for_a_check_that_hangs() {
    let (component, runs) = hung();
    let health = builder().component(component).start().unwrap();
    let mut service = health.service();
    tokio::task::yield_now().await;
    for probe in 0..10_000 {
        let path = PATHS[probe % PATHS.len()];
        let response = in_one_poll(&mut service, path);
        let is_critical = !matches!(path, "/livez" | "/startupz");
        assert_eq!(response.status().as_u16(), if is_critical { 503 } else { 200 }, "{path}");
        if probe % 1000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_probes_at_once_cause_one_execution() {
    let (component, runs) = hung();
    let health = builder().component(component).start().unwrap();
    let mut probes = JoinSet::new();
    for probe in 0..1000 {
        let (service, path) = (health.service(), PATHS[probe % PATHS.len()]);
        probes.spawn(service.oneshot(Request::get(path).body(()).unwrap()));
    }
    assert_eq!(probes.join_all().await.len(), 1000);
    // the first run may have to wait for a thread
    while runs.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

/// Prints how long a probe takes: `cargo test --features full --release --test health -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "measures wall-clock time"]
async fn the_99th_percentile_of_a_probe_while_a_check_hangs() {
    let (component, _) = hung();
    let others = (0..20).map(|at| Component::new(format!("check-{at}"), async || ()));
    let health = others.fold(builder().component(component), HealthBuilder::component);
    let health = health.start().unwrap();
    let mut service = health.service();
    tokio::task::yield_now().await;
    let mut times: Vec<_> = (0..10_000)
        .map(|probe| {
            let began = Instant::now();
            in_one_poll(&mut service, PATHS[probe % PATHS.len()]);
            began.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "of 21 checks: median {:?}, p99 {:?}, most {:?}",
        times[5000], times[9900], times[9999]
    );
    assert!(times[9900] < Duration::from_millis(1), "{:?}", times[9900]);
}
