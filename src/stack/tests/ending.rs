//! The orderly end.

use std::pin::pin;

use tokio::sync::oneshot;

use super::*;
use crate::health::Group;

const PATIENCE: Duration = Duration::from_secs(20);

/// An exchange under way: its answer comes when this is told.
fn waits(
    telemetry: &Telemetry,
) -> (oneshot::Sender<()>, impl Future<Output = Option<StatusCode>> + use<>) {
    let (tell, told) = oneshot::channel();
    let told = Arc::new(Mutex::new(Some(told)));
    let handler = tower::service_fn(move |_: Request<()>| {
        let told = told.lock().unwrap().take().unwrap();
        async move {
            let _ = told.await;
            Ok::<_, io::Error>(http::Response::new(ScriptBody::new().data("late")))
        }
    });
    let mut service = telemetry.server().layer(handler);
    let exchange = async move {
        let response = service.call(get("/orders")).await.ok()?;
        let (head, body) = response.into_parts();
        body.collect().await.ok()?;
        Some(head.status)
    };
    (tell, exchange)
}

#[tokio::test]
async fn what_is_under_way_ends_and_is_recorded_before_anything_is_flushed() {
    let bench = Bench::new();
    let telemetry = bench.telemetry.clone();
    drop(telemetry.admin(crate::admin::Closed));
    let (answer, exchange) = waits(&telemetry);
    let exchange = tokio::spawn(exchange);
    while telemetry.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    let draining = telemetry.draining();
    let shutdown = tokio::spawn({
        let telemetry = telemetry.clone();
        async move { telemetry.shutdown(PATIENCE).await }
    });
    draining.await;
    assert!(!telemetry.health().unwrap().status(Group::Ready).is_healthy());
    assert!(!shutdown.is_finished());
    assert_eq!(bench.lines.lines().len(), 0);
    answer.send(()).unwrap();
    assert_eq!(exchange.await.unwrap(), Some(StatusCode::OK));
    let delivery = shutdown.await.unwrap().unwrap();
    assert_eq!(delivery.spans()[0].exported(), 1);
    assert_eq!(bench.lines.lines().len(), 1);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_told() {
    let bench = Bench::new();
    let (_answer, exchange) = waits(&bench.telemetry);
    let mut exchange = pin!(exchange);
    assert!(exchange.as_mut().now_or_never().is_none());
    assert_eq!(bench.telemetry.under_way(), 1);
    let undelivered = bench.telemetry.shutdown(Duration::from_millis(40)).await.unwrap_err();
    assert_eq!((undelivered.unfinished(), undelivered.lost_lines()), (1, 0));
    // whether the exporters were done in the rest of the time is the machine's affair
    assert!(undelivered.to_string().starts_with("telemetry of shop: 1 exchange had not ended"));
}

#[tokio::test]
async fn lines_that_cannot_be_written_are_told() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bench = Bench::with(|builder| builder.json_lines(JsonLines::new(Full)));
    let mut service = bench.telemetry.server().layer(hello());
    assert_eq!(ask(&mut service, get("/")), Some(StatusCode::OK));
    assert_eq!(ask(&mut service, get("/")), Some(StatusCode::OK));
    assert_eq!(bench.count("telemetry_lost_total"), 2.0);
    let undelivered = bench.telemetry.shutdown(PATIENCE).await.unwrap_err();
    assert_eq!(undelivered.lost_lines(), 2);
    assert_eq!(undelivered.to_string(), "telemetry of shop: the access log lost 2 lines");
}

#[tokio::test]
async fn a_server_is_served_until_the_signal_and_waited_for() {
    let telemetry = Telemetry::builder("shop").build().unwrap();
    let (signal, signalled) = oneshot::channel::<()>();
    let draining = telemetry.draining();
    let server = async move {
        draining.await;
        Ok::<_, io::Error>(())
    };
    let ended = telemetry.serve_until(
        async {
            let _ = signalled.await;
        },
        server,
        PATIENCE,
    );
    let mut ended = pin!(ended);
    assert!(ended.as_mut().now_or_never().is_none());
    signal.send(()).unwrap();
    assert!(ended.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_server_that_fails_is_told_after_all_was_flushed() {
    let bench = Bench::new();
    let mut service = bench.telemetry.server().layer(hello());
    assert_eq!(ask(&mut service, get("/")), Some(StatusCode::OK));
    let server = std::future::ready(Err::<(), _>("the address is in use"));
    let ended = bench.telemetry.serve_until(std::future::pending(), server, PATIENCE).await;
    assert_eq!(ended.unwrap_err(), "the address is in use");
    let delivery = bench.telemetry.shutdown(PATIENCE).await.unwrap();
    assert_eq!(delivery.spans()[0].exported(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_told_to_stop_is_named() {
    let telemetry = Telemetry::builder("shop").build().unwrap();
    let server = std::future::pending::<io::Result<()>>();
    let now = std::future::ready(());
    let told = telemetry.serve_until(now, server, Duration::from_millis(40)).await.unwrap();
    let undelivered = told.unwrap_err();
    assert_eq!((undelivered.unfinished(), undelivered.still_serving()), (0, 1));
    assert!(undelivered.to_string().contains("1 server had not stopped"), "{undelivered}");
}

#[tokio::test]
async fn a_long_notice_leaves_time_for_what_is_under_way() {
    let bench = Bench::with(|builder| builder.drain_notice(Duration::from_secs(60)));
    let telemetry = bench.telemetry.clone();
    let (answer, exchange) = waits(&telemetry);
    let exchange = tokio::spawn(exchange);
    while telemetry.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    let draining = telemetry.draining();
    let shutdown = tokio::spawn(async move { telemetry.shutdown(Duration::from_secs(2)).await });
    draining.await;
    answer.send(()).unwrap();
    assert_eq!(exchange.await.unwrap(), Some(StatusCode::OK));
    assert!(shutdown.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_server_that_ends_by_itself_needs_no_notice() {
    // that notice would take all the time that there is
    let builder = Telemetry::builder("shop").drain_notice(Duration::from_secs(24 * 60 * 60));
    let telemetry = builder.build().unwrap();
    let server = std::future::ready(Err::<(), _>("the address is in use"));
    let ended = telemetry.serve_until(std::future::pending(), server, Duration::MAX).await;
    assert_eq!(ended.unwrap_err(), "the address is in use");
}

/// Holds what is written until it is let go.
#[derive(Clone, Default)]
struct Stuck(Arc<(Mutex<bool>, std::sync::Condvar)>);

impl Stuck {
    fn let_go(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

impl io::Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let free = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(free, |free| !*free).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_log_that_is_stuck_does_not_hold_a_shutdown() {
    let stuck = Stuck::default();
    let lines = JsonLines::new(stuck.clone());
    let bench = Bench::with(|builder| builder.json_lines(lines));
    let mut service = bench.telemetry.server().layer(hello());
    let writing = std::thread::spawn(move || ask(&mut service, get("/")));
    while bench.telemetry.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    let undelivered = bench.telemetry.shutdown(Duration::from_millis(80)).await.unwrap_err();
    assert!(undelivered.timed_out(), "{undelivered}");
    stuck.let_go();
    assert_eq!(writing.join().unwrap(), Some(StatusCode::OK));
}

#[tokio::test]
async fn lines_that_are_shared_go_on_when_one_telemetry_ends() {
    let kept = Kept::default();
    let lines = JsonLines::new(kept.clone()).non_blocking(100).unwrap();
    let [shop, till] = ["shop", "till"]
        .map(|name| Telemetry::builder(name).json_lines(lines.clone()).build().unwrap());
    for (telemetry, written) in [(&shop, 1), (&till, 2)] {
        let mut service = telemetry.server().layer(hello());
        assert_eq!(ask(&mut service, get("/")), Some(StatusCode::OK));
        telemetry.shutdown(PATIENCE).await.unwrap();
        assert_eq!((kept.lines().len(), lines.lost_lines()), (written, 0));
    }
}

#[tokio::test]
async fn what_is_flushed_while_exchanges_end_is_sent() {
    let bench = Bench::new();
    let telemetry = bench.telemetry.clone();
    let (answer, exchange) = waits(&telemetry);
    let exchange = tokio::spawn(exchange);
    while telemetry.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    let mut service = telemetry.server().layer(hello());
    assert_eq!(ask(&mut service, get("/")), Some(StatusCode::OK));
    let draining = telemetry.draining();
    let ending = telemetry.clone();
    let shutdown = tokio::spawn(async move { ending.shutdown(PATIENCE).await });
    draining.await;
    let delivery = telemetry.flush(PATIENCE).await.unwrap();
    assert_eq!((delivery.spans()[0].ended(), delivery.spans()[0].exported()), (1, 1));
    answer.send(()).unwrap();
    assert_eq!(exchange.await.unwrap(), Some(StatusCode::OK));
    assert_eq!(shutdown.await.unwrap().unwrap().spans()[0].exported(), 2);
}
