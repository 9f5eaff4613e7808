//! Flushing, shutting down, and several exporters.

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Span, SpanData, SpanExporter, SpanProcessor};
use tower_observability::telemetry::{Protocol, Telemetry};

use crate::collector::{Answer, Collector};
use crate::kit::{LONG, end_spans, quiet, within};

#[tokio::test]
async fn without_an_endpoint_spans_go_to_the_exporters_that_are_here() {
    let memory = InMemorySpanExporter::default();
    let telemetry = quiet().span_exporter("memory", memory.clone()).build().unwrap();
    end_spans(&telemetry, 3);
    assert_eq!(memory.get_finished_spans().unwrap().len(), 0);
    let delivery = within(telemetry.flush(LONG)).await.unwrap();
    assert_eq!(memory.get_finished_spans().unwrap().len(), 3);
    let [tally] = delivery.spans() else { panic!("{delivery:?}") };
    assert_eq!((tally.exporter(), tally.ended(), tally.exported()), ("memory", 3, 3));
}

#[tokio::test]
async fn without_any_exporter_nothing_is_lost() {
    let telemetry = Telemetry::builder("checkout").build().unwrap();
    end_spans(&telemetry, 3);
    let delivery = within(telemetry.shutdown(LONG)).await.unwrap();
    let none = [].as_slice();
    assert_eq!((delivery.spans(), delivery.logs(), delivery.metrics()), (none, none, none));
}

#[tokio::test]
async fn exporters_do_not_wait_for_one_another() {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Hang]);
    let memory = InMemorySpanExporter::default();
    let telemetry = quiet()
        .otlp_endpoint(collector.url())
        .span_exporter("memory", memory.clone())
        .build()
        .unwrap();
    end_spans(&telemetry, 3);
    let error = within(telemetry.shutdown(Duration::from_secs(1))).await.unwrap_err();
    let [otlp, kept] = error.delivery().spans() else { panic!("{error:?}") };
    assert_eq!((otlp.exporter(), otlp.ended(), otlp.lost()), ("otlp", 3, 3));
    assert_eq!((kept.exporter(), kept.ended(), kept.lost()), ("memory", 3, 0));
    let text = error.to_string();
    assert!(text.starts_with("telemetry of checkout: otlp (http/protobuf to http://"), "{text}");
    assert!(text.ends_with("; the time ran out") && text.contains(" lost 3 of 3 spans"), "{text}");
}

#[tokio::test]
async fn a_second_shutdown_answers_as_the_first() {
    let collector = Collector::start(Protocol::Grpc, &[Answer::Refuse]);
    let telemetry =
        quiet().otlp_endpoint(collector.url()).otlp_protocol(Protocol::Grpc).build().unwrap();
    end_spans(&telemetry, 3);
    let first = within(telemetry.shutdown(LONG)).await;
    assert_eq!(first.as_ref().unwrap_err().delivery().lost_spans(), 3);
    // no span is made any more
    end_spans(&telemetry, 3);
    assert_eq!(within(telemetry.clone().shutdown(LONG)).await, first);
    assert_eq!(telemetry.delivery(), *first.unwrap_err().delivery());
    // there is nothing to flush
    within(telemetry.flush(LONG)).await.unwrap();
}

#[tokio::test]
async fn a_second_shutdown_does_not_outlast_its_own_time() {
    let (tell, told) = mpsc::sync_channel(1);
    let telemetry = quiet().span_exporter("stuck", Stuck(tell)).build().unwrap();
    end_spans(&telemetry, 3);
    let first = tokio::spawn({
        let telemetry = telemetry.clone();
        async move { telemetry.shutdown(Duration::MAX).await }
    });
    tokio::task::yield_now().await;
    told.recv().unwrap();
    let second = within(telemetry.shutdown(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!((second.timed_out(), second.delivery().lost_spans()), (true, 3));
    assert!(!first.is_finished());
}

#[tokio::test]
async fn a_flush_returns_in_time() {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Hang, Answer::Take]);
    let telemetry = quiet().otlp_endpoint(collector.url()).build().unwrap();
    end_spans(&telemetry, 3);
    let error = within(telemetry.flush(Duration::from_millis(100))).await.unwrap_err();
    assert_eq!((error.timed_out(), error.delivery().lost_spans()), (true, 3));
}

/// An exporter that never ends, and cannot be told to.
#[derive(Debug)]
struct Stuck(mpsc::SyncSender<()>);

impl SpanExporter for Stuck {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let _ = self.0.send(());
        pending().await
    }
}

#[tokio::test]
async fn an_exporter_that_is_stuck_does_not_hold_up_a_shutdown() {
    let (tell, _told) = mpsc::sync_channel(1);
    let telemetry = quiet().span_exporter("stuck", Stuck(tell)).build().unwrap();
    end_spans(&telemetry, 3);
    let error = within(telemetry.shutdown(Duration::from_millis(200))).await.unwrap_err();
    assert_eq!((error.timed_out(), error.delivery().lost_spans()), (true, 3));
}

#[tokio::test(flavor = "current_thread")]
async fn a_shutdown_blocks_no_runtime() {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Hang]);
    let telemetry = quiet().otlp_endpoint(collector.url()).build().unwrap();
    end_spans(&telemetry, 3);
    let closing = tokio::spawn({
        let telemetry = telemetry.clone();
        async move { telemetry.shutdown(Duration::from_secs(2)).await }
    });
    // this runtime's only thread sees the request that the shutdown is waiting for
    within(collector.requests(1)).await;
    assert!(!closing.is_finished());
    assert_eq!(within(closing).await.unwrap().unwrap_err().delivery().lost_spans(), 3);
}

#[tokio::test]
async fn any_time_out_will_do() {
    for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let memory = InMemorySpanExporter::default();
        let telemetry = quiet().span_exporter("memory", memory).build().unwrap();
        end_spans(&telemetry, 3);
        assert!(within(telemetry.flush(Duration::MAX)).await.is_ok());
        // without any time a shutdown may end in time or not
        let in_time = within(telemetry.shutdown(timeout)).await.is_ok();
        assert!(in_time || timeout < LONG);
        assert_eq!(telemetry.delivery().lost_spans(), 0);
    }
}

/// An exporter with a fault.
#[derive(Debug)]
struct Panicking;

impl SpanExporter for Panicking {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        panic!("{} spans are too many", batch.len())
    }
}

#[tokio::test]
async fn an_exporter_that_panics_takes_nothing_else_along() {
    let memory = InMemorySpanExporter::default();
    let telemetry = quiet()
        .span_exporter("panicking", Panicking)
        .span_exporter("memory", memory.clone())
        .build()
        .unwrap();
    end_spans(&telemetry, 3);
    assert!(within(telemetry.flush(LONG)).await.is_err());
    end_spans(&telemetry, 2);
    let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
    let lost: Vec<_> =
        error.delivery().spans().iter().map(|one| (one.ended(), one.lost())).collect();
    assert_eq!((lost, error.timed_out()), (vec![(5, 5), (5, 0)], false));
}

/// An exporter that is told of a shutdown as `opentelemetry-otlp`'s are.
#[derive(Debug)]
struct Closing(mpsc::SyncSender<()>);

impl SpanExporter for Closing {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown(&self) -> OTelSdkResult {
        let _ = self.0.send(());
        Ok(())
    }
}

#[tokio::test]
async fn an_exporter_is_told_of_the_shutdown() {
    let (tell, told) = mpsc::sync_channel(1);
    let telemetry = quiet().span_exporter("closing", Closing(tell)).build().unwrap();
    within(telemetry.shutdown(LONG)).await.unwrap();
    assert_eq!(told.try_recv(), Ok(()));
}

/// A processor of one's own that cannot flush.
#[derive(Debug)]
struct Unflushed;

impl SpanProcessor for Unflushed {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure("no".to_owned()))
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[tokio::test]
async fn a_flush_that_could_not_be_done_says_so() {
    let telemetry = quiet().span_processor(Unflushed).build().unwrap();
    assert!(!within(telemetry.flush(LONG)).await.unwrap_err().timed_out());

    // more flushes than the queue of the SDK's processor holds: those that find no place are over
    // at once
    let (tell, told) = mpsc::sync_channel(1);
    let telemetry = quiet().span_exporter("stuck", Stuck(tell)).build().unwrap();
    end_spans(&telemetry, 512);
    told.recv().unwrap();
    let flushes: Vec<_> = (0..80)
        .map(|_| {
            let telemetry = telemetry.clone();
            tokio::spawn(async move { telemetry.flush(Duration::from_millis(500)).await })
        })
        .collect();
    for flush in flushes {
        assert_eq!(within(flush).await.unwrap().unwrap_err().delivery().lost_spans(), 512);
    }
    // nor is there a place for a shutdown, which must not be taken for one that is done
    let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
    assert_eq!((error.timed_out(), error.delivery().lost_spans()), (true, 512));
}
