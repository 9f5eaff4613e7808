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
