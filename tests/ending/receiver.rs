//! The receiver of spans is down, is killed, and comes back.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::task::JoinSet;
use tower_observability::telemetry::{Protocol, Tally, Telemetry, TelemetryBuilder, Undelivered};

use crate::collector::{Answer, Collector};
use crate::kit::{LONG, ask, http1, lost, open, order, until, within};

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// So short that no retry fits in.
const BRIEF: Duration = Duration::from_millis(450);

/// Where nobody listens.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Telemetry that exports when it is flushed, or a batch is full.
fn sending_to(address: SocketAddr, protocol: Protocol) -> TelemetryBuilder {
    Telemetry::builder("shop")
        .otlp_endpoint(format!("http://{address}"))
        .otlp_protocol(protocol)
        .span_delay(DAY)
        .metric_interval(DAY)
}

async fn start(address: SocketAddr, protocol: Protocol, answer: Answer) -> Collector {
    let start = move || Collector::start_at(address, protocol, &[answer]);
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// Closes all of its connections and its address; how many spans it took.
async fn kill(collector: Collector) -> u64 {
    let kill = move || {
        let seen = collector.spans();
        collector.stop();
        seen
    };
    tokio::task::spawn_blocking(kill).await.unwrap()
}

fn spans(undelivered: &Undelivered) -> Tally {
    undelivered.delivery().spans()[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn down_from_the_start_then_killed_then_back() {
    for protocol in BOTH {
        let address = free();
        let telemetry = sending_to(address, protocol).otlp_timeout(BRIEF).build().unwrap();
        let shop = open(&telemetry).await;

        ask(shop, 100).await;
        assert_eq!(lost(&telemetry, "spans").await, 0, "what waits is not lost");
        let error = within(telemetry.flush(LONG)).await.unwrap_err();
        assert_eq!((spans(&error).ended(), spans(&error).lost()), (100, 100));
        assert_eq!(lost(&telemetry, "spans").await, 100);

        let first = start(address, protocol, Answer::Take).await;
        ask(shop, 50).await;
        within(telemetry.flush(LONG)).await.unwrap();
        assert_eq!(kill(first).await, 50, "{protocol:?}");

        ask(shop, 70).await;
        within(telemetry.flush(LONG)).await.unwrap_err();
        assert_eq!(lost(&telemetry, "spans").await, 170);

        let second = start(address, protocol, Answer::Take).await;
        ask(shop, 30).await;
        within(telemetry.flush(LONG)).await.unwrap();
        assert_eq!(second.spans(), 30, "{protocol:?}");

        let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
        let told = spans(&error);
        assert_eq!([told.ended(), told.exported(), told.dropped(), told.lost()], [250, 80, 0, 170]);
        assert!(error.to_string().contains("lost 170 of 250 spans"), "{error}");
        assert_eq!((error.timed_out(), error.unfinished()), (false, 0));
        assert_eq!(lost(&telemetry, "spans").await, 170);
        kill(second).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_never_answers_holds_up_no_request() {
    const QUEUE: usize = 64;
    for protocol in BOTH {
        let collector = start(free(), protocol, Answer::Hang).await;
        let telemetry = sending_to(collector.address, protocol)
            .otlp_timeout(DAY)
            .span_queue(QUEUE)
            .span_batch(16)
            .build()
            .unwrap();
        let shop = open(&telemetry).await;
        // nothing but a request that waits for no export is answered here
        ask(shop, QUEUE + 436).await;
        within(collector.requests(1)).await;
        let now = telemetry.delivery().spans()[0];
        assert_eq!([now.ended(), now.exported(), now.dropped()], [500, 0, 436], "{protocol:?}");
        assert_eq!(lost(&telemetry, "spans").await, 436, "the rest waits");

        let error = within(telemetry.shutdown(Duration::from_secs(2))).await.unwrap_err();
        assert!(error.timed_out());
        assert_eq!(spans(&error).lost(), 500);
        kill(collector).await;
    }
}

/// Asks over four connections until it is told to stop; how often it was answered.
struct Load {
    asking: JoinSet<()>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Load {
    fn on(shop: SocketAddr) -> Self {
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut asking = JoinSet::new();
        for _ in 0..4 {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            asking.spawn(async move {
                let client = http1();
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(order(&client, shop, 7).await.unwrap(), StatusCode::OK);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { asking, stop, answered }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    async fn stop(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(asked) = within(self.asking.join_next()).await {
            asked.unwrap();
        }
        self.answered()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_it_is_killed_and_comes_back_and_the_books_agree() {
    const TURNS: usize = 3;
    for protocol in BOTH {
        let address = free();
        let telemetry = sending_to(address, protocol)
            .otlp_timeout(BRIEF)
            .span_delay(Duration::from_millis(20))
            .build()
            .unwrap();
        let load = Load::on(open(&telemetry).await);
        let mut taken = 0;
        for _ in 0..TURNS {
            let (before, answered) = (lost(&telemetry, "spans").await, load.answered());
            // down: it is counted, and requests are answered
            until(async || lost(&telemetry, "spans").await > before).await;
            until(async || load.answered() > answered).await;
            // back: spans arrive again
            let collector = start(address, protocol, Answer::Take).await;
            until(async || collector.spans() > 100).await;
            taken += kill(collector).await;
        }
        let last = start(address, protocol, Answer::Take).await;
        until(async || last.spans() > 100).await;
        let answered = load.stop().await as u64;

        let error = within(telemetry.shutdown(LONG)).await.unwrap_err();
        let told = spans(&error);
        assert_eq!(told.ended(), answered, "{protocol:?}: {error}");
        // what was taken by one that was killed before it said so counts as lost
        taken += last.spans();
        assert!(told.exported() <= taken && taken <= told.ended(), "{taken} taken, but {error}");
        assert_eq!(lost(&telemetry, "spans").await, told.lost());
        kill(last).await;
    }
}
