//! A receiver that is down, slow, or refuses: nothing waits, nothing grows, and the books agree.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use tower_observability::telemetry::{Protocol, Telemetry, TelemetryBuilder};

use crate::collector::{Answer, Collector};
use crate::kit::{BRIEF, LONG, end_spans, quiet, within, without_runtime};

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];

fn to(collector: &Collector, protocol: Protocol) -> TelemetryBuilder {
    quiet().otlp_endpoint(collector.url()).otlp_protocol(protocol)
}

/// Shuts down; what ended, and what was exported, dropped and lost.
async fn books(telemetry: &Telemetry, timeout: Duration) -> ([u64; 4], bool) {
    let (delivery, timed_out) = match within(telemetry.shutdown(timeout)).await {
        Ok(delivery) => (delivery, false),
        Err(error) => (error.delivery().clone(), error.timed_out()),
    };
    let [spans] = delivery.spans() else { panic!("{delivery:?}") };
    assert_eq!(spans.lost(), delivery.lost_spans());
    ([spans.ended(), spans.exported(), spans.dropped(), spans.lost()], timed_out)
}

#[tokio::test]
async fn nobody_listens() {
    for protocol in BOTH {
        // bound and closed again, so that nobody listens there
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let telemetry = quiet()
            .otlp_endpoint(format!("http://{free}"))
            .otlp_protocol(protocol)
            .otlp_timeout(BRIEF)
            .build()
            .unwrap();
        end_spans(&telemetry, 3);
        assert_eq!(books(&telemetry, LONG).await, ([3, 0, 0, 3], false), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nothing_but_the_queue() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Hang]);
        let day = Duration::from_secs(24 * 60 * 60);
        let telemetry = to(&collector, protocol)
            .span_queue(10)
            .span_batch(4)
            .otlp_timeout(day)
            .build()
            .unwrap();
        end_spans(&telemetry, 4);
        // a whole batch goes out at once, and hangs
        within(collector.requests(1)).await;
        // 6 more find room beside the 4; the rest is dropped, and nothing waits
        end_spans(&telemetry, 1000);
        let before = telemetry.delivery();
        assert_eq!((before.spans()[0].ended(), before.spans()[0].dropped()), (1004, 994));

        let began = Instant::now();
        let books = books(&telemetry, Duration::from_millis(500)).await;
        assert_eq!(books, ([1004, 0, 994, 1004], true), "{protocol:?}");
        // nothing is left behind, and nothing more is begun
        within(collector.given_up(1)).await;
        // the export would have been given up after 30 s anyway
        assert!(began.elapsed() < LONG / 3);
        assert_eq!(collector.traces().len(), 0);
    }
}

#[tokio::test]
async fn what_was_taken_before_a_receiver_hangs_is_not_lost() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Take, Answer::Hang]);
        let telemetry = to(&collector, protocol).span_batch(5).build().unwrap();
        end_spans(&telemetry, 5);
        within(collector.requests(1)).await;
        end_spans(&telemetry, 7);
        let (books, timed_out) = books(&telemetry, Duration::from_millis(500)).await;
        assert_eq!((books, timed_out), ([12, 5, 0, 7], true), "{protocol:?}");
        assert_eq!(books[3], books[0] - collector.spans());
    }
}

#[tokio::test]
async fn a_refused_batch_is_lost_and_the_next_one_is_not() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Refuse, Answer::Take]);
        let telemetry = to(&collector, protocol).build().unwrap();
        end_spans(&telemetry, 3);
        let error = within(telemetry.flush(LONG)).await.unwrap_err();
        assert_eq!((error.delivery().lost_spans(), error.timed_out()), (3, false));
        end_spans(&telemetry, 2);
        within(telemetry.flush(LONG)).await.unwrap();
        assert_eq!(books(&telemetry, LONG).await, ([5, 2, 0, 3], false), "{protocol:?}");
        assert_eq!(collector.spans(), 2);
    }
}

#[tokio::test]
async fn what_a_receiver_rejects_of_a_batch_is_lost() {
    for protocol in BOTH {
        let answers = [Answer::Reject(2), Answer::Reject(-1), Answer::Reject(i64::MAX)];
        let collector = Collector::start(protocol, &answers);
        let telemetry = to(&collector, protocol).build().unwrap();
        for (spans, lost) in [(5, 2), (3, 2), (4, 6)] {
            end_spans(&telemetry, spans);
            let _ = within(telemetry.flush(LONG)).await;
            assert_eq!(telemetry.delivery().lost_spans(), lost, "{protocol:?}");
        }
        assert_eq!(books(&telemetry, LONG).await, ([12, 6, 0, 6], false), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_busy_receiver_is_asked_again() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Busy, Answer::Take]);
        let telemetry = to(&collector, protocol).build().unwrap();
        end_spans(&telemetry, 3);
        assert_eq!(books(&telemetry, LONG).await, ([3, 3, 0, 0], false), "{protocol:?}");
        assert_eq!(collector.traces().len(), 1);
    }
}

#[tokio::test]
async fn a_retry_that_would_outlast_the_time_out_is_not_waited_for() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Busy]);
        let telemetry = to(&collector, protocol).otlp_timeout(BRIEF).build().unwrap();
        end_spans(&telemetry, 3);
        assert_eq!(books(&telemetry, LONG).await, ([3, 0, 0, 3], false), "{protocol:?}");
        within(collector.requests(1)).await;
    }
}

#[tokio::test]
async fn a_batch_that_is_not_answered_in_time_is_given_up() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Hang, Answer::Take]);
        let telemetry = to(&collector, protocol).otlp_timeout(BRIEF).build().unwrap();
        end_spans(&telemetry, 3);
        assert!(within(telemetry.flush(LONG)).await.is_err());
        end_spans(&telemetry, 2);
        assert_eq!(books(&telemetry, LONG).await, ([5, 2, 0, 3], false), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_shutdown_waits_for_no_retry_beyond_its_time() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Busy]);
        let telemetry = to(&collector, protocol).otlp_timeout(LONG).build().unwrap();
        end_spans(&telemetry, 3);
        let books = books(&telemetry, Duration::from_millis(500)).await;
        assert_eq!(books, ([3, 0, 0, 3], true), "{protocol:?}");
    }
}

#[test]
fn a_receiver_that_comes_back_is_found() {
    for protocol in BOTH {
        let first = Collector::start(protocol, &[Answer::Take]);
        let telemetry = to(&first, protocol).otlp_timeout(BRIEF).build().unwrap();
        end_spans(&telemetry, 1);
        without_runtime(telemetry.flush(LONG)).unwrap();
        assert_eq!(first.spans(), 1);
        let address = first.stop();
        end_spans(&telemetry, 2);
        without_runtime(telemetry.flush(LONG)).unwrap_err();
        let second = Collector::start_at(address, protocol, &[Answer::Take]);
        end_spans(&telemetry, 4);
        without_runtime(telemetry.flush(LONG)).unwrap();
        assert_eq!((second.spans(), telemetry.delivery().lost_spans()), (4, 2), "{protocol:?}");
    }
}

/// Takes one connection, reads of it, and closes it without an answer.
fn break_off(listener: &TcpListener, protocol: Protocol) {
    let (mut connection, _) = listener.accept().unwrap();
    if protocol == Protocol::Grpc {
        // an empty SETTINGS frame, without which no request is sent
        connection.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
    }
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    // the body tells that the whole request was under way
    while !read.windows(8).any(|bytes| bytes == b"checkout") {
        let count = connection.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "closed early");
        read.extend_from_slice(&buffer[..count]);
    }
}

#[test]
fn a_connection_that_breaks_off_is_no_refusal() {
    for protocol in BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let telemetry = quiet()
            .otlp_endpoint(format!("http://{address}"))
            .otlp_protocol(protocol)
            .build()
            .unwrap();
        end_spans(&telemetry, 3);
        let (flushed, collector) = thread::scope(|scope| {
            let flushing = scope.spawn(|| without_runtime(telemetry.flush(LONG)));
            break_off(&listener, protocol);
            drop(listener);
            let collector = Collector::start_at(address, protocol, &[Answer::Take]);
            (flushing.join().unwrap(), collector)
        });
        assert_eq!(flushed.map(|delivery| delivery.lost_spans()), Ok(0), "{protocol:?}");
        assert_eq!(collector.spans(), 3);
    }
}

/// What an error says of the spans that were lost to this receiver.
async fn told(builder: TelemetryBuilder) -> String {
    let telemetry = builder.otlp_timeout(BRIEF).build().unwrap();
    end_spans(&telemetry, 3);
    within(telemetry.shutdown(LONG)).await.unwrap_err().to_string()
}

#[tokio::test]
async fn an_error_tells_who_lost_what_to_whom_and_why() {
    for (protocol, name, path) in
        [(Protocol::Grpc, "grpc", ""), (Protocol::HttpProtobuf, "http/protobuf", "v1/traces")]
    {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{free}");
        let start =
            format!("telemetry of checkout: otlp ({name} to {url}/{path}) lost 3 of 3 spans");
        let text = told(quiet().otlp_endpoint(&url).otlp_protocol(protocol)).await;
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains("Connection refused"), "{text}");

        let collector = Collector::start(protocol, &[Answer::Busy]);
        let text = told(to(&collector, protocol)).await;
        let cause = match protocol {
            Protocol::Grpc => "Unavailable: busy",
            Protocol::HttpProtobuf => "HTTP 503 Service Unavailable",
        };
        assert!(text.ends_with(&format!(" lost 3 of 3 spans: {cause}")), "{text}");
    }
}

#[tokio::test]
async fn a_shutdown_tells_what_the_last_attempt_met() {
    for protocol in BOTH {
        let collector = Collector::start(protocol, &[Answer::Busy, Answer::Hang]);
        let telemetry = to(&collector, protocol).otlp_timeout(LONG).build().unwrap();
        end_spans(&telemetry, 3);
        let error = within(telemetry.shutdown(Duration::from_millis(500))).await.unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with("; no answer before the shutdown; the time ran out"), "{text}");
        assert!(text.contains("busy") || text.contains("503"), "{text}");
    }
}

#[tokio::test]
async fn the_wrong_protocol_is_told_with_what_to_set() {
    let collector = Collector::start(Protocol::Grpc, &[Answer::Take]);
    let text = told(to(&collector, Protocol::HttpProtobuf)).await;
    assert!(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"), "{text}");

    let collector = Collector::start(Protocol::HttpProtobuf, &[Answer::Take]);
    let text = told(to(&collector, Protocol::Grpc)).await;
    assert!(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"), "{text}");

    // a receiver of HTTP/1 alone
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
        // until the other side has read it, and gives up
        let _ = connection.read_to_end(&mut Vec::new());
    });
    let url = format!("http://{address}");
    let text = told(quiet().otlp_endpoint(url).otlp_protocol(Protocol::Grpc)).await;
    assert!(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"), "{text}");
    serving.join().unwrap();
}
