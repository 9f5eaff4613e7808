//! Metrics to a receiver that is down, slow, or refuses: what the next export makes up for is not
//! lost, and nothing else is kept quiet about.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, MeterProvider};
use opentelemetry_sdk::metrics::Temporality;
use tower_observability::telemetry::{Delivery, Protocol, Telemetry, TelemetryBuilder};

use crate::collector::{Answer, Collector};
use crate::kit::{BRIEF, LONG, end_spans, quiet, within, without_runtime};

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];
const HALF: Duration = Duration::from_millis(500);

fn to(collector: &Collector, protocol: Protocol) -> TelemetryBuilder {
    quiet().otlp_endpoint(collector.url()).otlp_protocol(protocol)
}

fn counter(telemetry: &Telemetry) -> Counter<u64> {
    telemetry.meter_provider().meter("shop").u64_counter("orders").build()
}

/// One more of this many attribute sets, which makes as many data points.
fn measure(counter: &Counter<u64>, sets: i64) {
    (0..sets).for_each(|set| counter.add(1, &[KeyValue::new("set", set)]));
}

/// What was to be exported, what was, and what was lost.
fn numbers(delivery: &Delivery) -> [u64; 3] {
    let [points] = delivery.metrics() else { panic!("{delivery:?}") };
    assert_eq!((points.lost(), points.dropped()), (delivery.lost_metrics(), 0));
    [points.ended(), points.exported(), points.lost()]
}

/// Waits until the books say so.
async fn settled(telemetry: &Telemetry, expected: [u64; 3]) {
    while numbers(&telemetry.delivery()) != expected {
        tokio::task::yield_now().await;
    }
}

/// Shuts down; what was to be exported, what was, and what was lost; and whether the time ran out.
async fn books(telemetry: &Telemetry, timeout: Duration) -> ([u64; 3], bool) {
    match within(telemetry.shutdown(timeout)).await {
        Ok(delivery) => (numbers(&delivery), false),
        Err(error) => (numbers(error.delivery()), error.timed_out()),
    }
}

#[tokio::test]
async fn nobody_listens() {
    for (protocol, name, path) in
        [(Protocol::Grpc, "grpc", ""), (Protocol::HttpProtobuf, "http/protobuf", "v1/metrics")]
    {
        // bound and closed again, so that nobody listens there
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let telemetry = quiet()
            .otlp_endpoint(format!("http://{free}"))
            .otlp_protocol(protocol)
            .otlp_timeout(BRIEF)
            .build()
            .unwrap();
        measure(&counter(&telemetry), 3);
        let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
        assert_eq!((numbers(error.delivery()), error.timed_out()), ([3, 0, 3], false));
        let start = format!(
            "telemetry of checkout: otlp ({name} to http://{free}/{path}) lost 3 of 3 data points: "
        );
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_no_measurement_and_no_shutdown() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Hang]);
        let day = Duration::from_secs(24 * 60 * 60);
        let telemetry = to(&collector, protocol).otlp_timeout(day).build().unwrap();
        let counter = counter(&telemetry);
        measure(&counter, 3);
        let flushing = tokio::spawn({
            let telemetry = telemetry.clone();
            async move { telemetry.flush(LONG).await }
        });
        within(collector.requests(1)).await;
        assert_eq!(numbers(&telemetry.delivery()), [3, 0, 3]);
        // while that export hangs
        measure(&counter, 1000);
        let began = Instant::now();
        let ([_, exported, _], timed_out) = books(&telemetry, HALF).await;
        assert_eq!((exported, timed_out), (0, true), "{protocol:?}");
        assert!(within(flushing).await.unwrap().is_err());
        within(collector.given_up(1)).await;
        // what was measured meanwhile is collected, and told as lost
        within(settled(&telemetry, [1000, 0, 1000])).await;
        // the export would have been given up after 30 s anyway
        assert!(began.elapsed() < LONG / 3);
        assert_eq!(collector.metrics().len(), 0);
    }
}

#[tokio::test]
async fn spans_logs_and_metrics_hang_side_by_side() {
    let collector = Collector::start(Protocol::Grpc, &[Answer::Hang]);
    let telemetry = to(&collector, Protocol::Grpc).build().unwrap();
    end_spans(&telemetry, 2);
    measure(&counter(&telemetry), 3);
    let error = within(telemetry.shutdown(HALF)).await.unwrap_err();
    assert_eq!((error.timed_out(), error.delivery().lost_spans()), (true, 2));
    assert_eq!(numbers(error.delivery()), [3, 0, 3]);
    let text = error.to_string();
    assert!(text.contains(") lost 2 of 2 spans"), "{text}");
    assert!(text.contains(") lost 3 of 3 data points"), "{text}");
}

/// Three exports, of 3, 4 and 5 data points, of which the first is refused; then the shutdown's.
async fn after_a_refusal(temporality: Temporality, protocol: Protocol) -> Vec<[u64; 3]> {
    let collector = Collector::start(protocol, &[Answer::Refuse, Answer::Take]);
    let builder = to(&collector, protocol).metric_temporality(temporality);
    let telemetry = builder.build().unwrap();
    let counter = counter(&telemetry);
    let mut seen = Vec::new();
    for (sets, is_taken) in [(3, false), (4, true), (5, true)] {
        measure(&counter, sets);
        let flushed = within(telemetry.flush(LONG)).await;
        assert_eq!(flushed.is_ok(), is_taken);
        seen.push(numbers(&telemetry.delivery()));
    }
    let (last, timed_out) = books(&telemetry, LONG).await;
    assert!(!timed_out);
    seen.push(last);
    seen
}

#[tokio::test]
async fn cumulative_points_that_were_refused_are_made_up_for() {
    for protocol in BOTH {
        let seen = after_a_refusal(Temporality::Cumulative, protocol).await;
        assert_eq!(seen, [[3, 0, 3], [4, 4, 0], [9, 9, 0], [14, 14, 0]], "{protocol:?}");
    }
}

#[tokio::test]
async fn deltas_that_were_refused_are_lost_for_good() {
    for protocol in BOTH {
        for temporality in [Temporality::Delta, Temporality::LowMemory] {
            let seen = after_a_refusal(temporality, protocol).await;
            // the last one finds nothing new
            assert_eq!(seen, [[3, 0, 3], [7, 4, 3], [12, 9, 3], [12, 9, 3]], "{protocol:?}");
        }
    }
}

#[tokio::test]
async fn what_a_receiver_rejects_of_an_export_is_lost() {
    for protocol in BOTH {
        let answers = [Answer::Reject(2), Answer::Reject(-1), Answer::Reject(i64::MAX)];
        for (temporality, expected) in [
            (Temporality::Cumulative, [[5, 3, 2], [8, 8, 0], [13, 8, 5]]),
            (Temporality::Delta, [[5, 3, 2], [10, 8, 2], [15, 8, 7]]),
        ] {
            let collector = Collector::start(protocol, &answers);
            let builder = to(&collector, protocol).metric_temporality(temporality);
            let telemetry = builder.build().unwrap();
            let counter = counter(&telemetry);
            for (number, expected) in expected.into_iter().enumerate() {
                measure(&counter, 5);
                let flushed = within(telemetry.flush(LONG)).await;
                assert_eq!(flushed.is_ok(), number == 1);
                assert_eq!(numbers(&telemetry.delivery()), expected, "{temporality:?}");
            }
            assert_eq!(collector.metrics().len(), 3);
        }
    }
}

#[tokio::test]
async fn a_busy_receiver_is_asked_again() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Busy, Answer::Take]);
        let telemetry = to(&collector, protocol).build().unwrap();
        measure(&counter(&telemetry), 3);
        assert_eq!(books(&telemetry, LONG).await, ([3, 3, 0], false), "{protocol:?}");
        assert_eq!(collector.metrics().len(), 1);
    }
}

#[tokio::test]
async fn a_shutdown_waits_for_no_retry_beyond_its_time() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Busy]);
        let telemetry = to(&collector, protocol).otlp_timeout(LONG).build().unwrap();
        measure(&counter(&telemetry), 3);
        assert_eq!(books(&telemetry, HALF).await, ([3, 0, 3], true), "{protocol:?}");
    }
}

#[tokio::test]
async fn an_export_that_is_not_answered_in_time_is_given_up() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Hang, Answer::Take]);
        let telemetry = to(&collector, protocol).otlp_timeout(BRIEF).build().unwrap();
        let counter = counter(&telemetry);
        measure(&counter, 3);
        let error = within(telemetry.flush(LONG)).await.unwrap_err();
        assert_eq!((numbers(error.delivery()), error.timed_out()), ([3, 0, 3], false));
        assert_eq!(books(&telemetry, LONG).await, ([3, 3, 0], false), "{protocol:?}");
    }
}

#[tokio::test]
async fn of_an_export_in_several_messages_one_that_is_refused_takes_no_other_along() {
    for protocol in BOTH {
        let answers = [Answer::Take, Answer::Refuse, Answer::Reject(7), Answer::Take];
        let collector = Collector::start(protocol, &answers);
        let builder = to(&collector, protocol).metric_cardinality(9000);
        let telemetry = builder.build().unwrap();
        measure(&counter(&telemetry), 8000);
        within(telemetry.flush(LONG)).await.unwrap_err();
        assert_eq!(numbers(&telemetry.delivery()), [8000, 5993, 2007], "{protocol:?}");
        assert_eq!(books(&telemetry, LONG).await, ([13_993, 13_993, 0], false));
    }
}

#[test]
fn a_receiver_that_comes_back_is_found() {
    for protocol in BOTH {
        let first = Collector::start(protocol, &[Answer::Take]);
        let telemetry = to(&first, protocol).otlp_timeout(BRIEF).build().unwrap();
        let counter = counter(&telemetry);
        measure(&counter, 1);
        without_runtime(telemetry.flush(LONG)).unwrap();
        let address = first.stop();
        measure(&counter, 2);
        without_runtime(telemetry.flush(LONG)).unwrap_err();
        assert_eq!(numbers(&telemetry.delivery()), [3, 1, 2]);
        let _second = Collector::start_at(address, protocol, &[Answer::Take]);
        let delivery = without_runtime(telemetry.flush(LONG)).unwrap();
        assert_eq!(numbers(&delivery), [3, 3, 0], "{protocol:?}");
    }
}

/// What is told where the SDK cannot collect.
const UNCOLLECTED: &str = "the last data points were not collected, as after a callback that \
                           panicked, or during one that hangs";

#[tokio::test]
async fn a_callback_that_panics_is_told_by_each_flush_and_the_shutdown() {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let telemetry = to(&collector, Protocol::HttpProtobuf).build().unwrap();
    let faulty = Arc::new(AtomicBool::new(false));
    let is_faulty = Arc::clone(&faulty);
    telemetry
        .meter_provider()
        .meter("shop")
        .u64_observable_gauge("stock")
        .with_callback(move |gauge| {
            assert!(!is_faulty.load(Ordering::Relaxed), "out of stock");
            gauge.observe(1, &[]);
        })
        .build();
    within(telemetry.flush(LONG)).await.unwrap();
    assert_eq!(numbers(&telemetry.delivery()), [1, 1, 0]);
    faulty.store(true, Ordering::Relaxed);
    let told = |error: &str| error.ends_with(&format!("): {UNCOLLECTED}"));
    for _ in 0..2 {
        let error = within(telemetry.flush(LONG)).await.unwrap_err();
        assert!(told(&error.to_string()) && !error.timed_out(), "{error}");
    }
    end_spans(&telemetry, 2);
    let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
    assert!(told(&error.to_string()) && !error.timed_out(), "{error}");
    // the spans are not held up
    assert_eq!((numbers(error.delivery()), collector.spans()), ([1, 1, 0], 2));
}

#[tokio::test]
async fn a_callback_that_hangs_holds_up_no_shutdown() {
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let telemetry = to(&collector, Protocol::HttpProtobuf).build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    telemetry
        .meter_provider()
        .meter("shop")
        .u64_observable_gauge("stock")
        .with_callback(move |_| {
            let _ = released.lock().unwrap().recv();
        })
        .build();
    let error = within(telemetry.shutdown(HALF)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with(&format!("): {UNCOLLECTED}; the time ran out")), "{text}");
    assert!(error.timed_out());
    drop(release);
}

#[tokio::test]
async fn a_shutdown_waits_as_long_as_it_may() {
    // longer than the SDK, which gives up after 5 s
    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Hang, Answer::Take]);
    let timeout = Duration::from_secs(6);
    let telemetry = to(&collector, Protocol::HttpProtobuf).otlp_timeout(timeout).build().unwrap();
    measure(&counter(&telemetry), 3);
    let (flushed, closed) = tokio::join!(within(telemetry.flush(LONG)), async {
        within(collector.requests(1)).await;
        books(&telemetry, LONG).await
    });
    assert!(flushed.is_err());
    assert_eq!(closed, ([3, 3, 0], false));
}
