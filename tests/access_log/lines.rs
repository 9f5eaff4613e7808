//! Sinks that fail, and what the others do meanwhile.

use std::io::{self, Write};
use std::time::Duration;

use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::kit::{ManualClock, Written, exchange, with_default};
use crate::rules::{get, objects, status};

/// A writer on a disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that panics.
struct Panics;

impl Write for Panics {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("on purpose")
    }

    fn flush(&mut self) -> io::Result<()> {
        panic!("on purpose")
    }
}

fn once(layer: &AccessLogLayer) {
    exchange(layer, &ManualClock::new(), get("/"), || status(200));
}

#[test]
fn a_writer_that_fails_is_counted_told_once_and_hurts_nobody() {
    let told = Written::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(told.clone()).finish();
    let lines = JsonLines::new(Full);
    let layer = AccessLogLayer::server().json_lines(lines.clone());
    let mut handled = 0;
    with_default(subscriber, || {
        for _ in 0..3 {
            exchange(&layer, &ManualClock::new(), get("/"), || {
                handled += 1;
                status(200)
            });
        }
    });
    assert_eq!((handled, lines.lost_lines()), (3, 3));
    let told = objects(&told);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["level"], "WARN");
    assert_eq!(told[0]["fields"]["message"], "access log lines are being lost");
}

#[test]
fn a_queue_and_its_bounds() {
    for capacity in [0, JsonLines::MAX_QUEUE + 1] {
        let error = JsonLines::stdout().non_blocking(capacity).unwrap_err();
        assert_eq!((error.field(), error.value()), ("non_blocking", &*capacity.to_string()));
    }
    let written = Written::default();
    let lines = JsonLines::new(written.clone()).non_blocking(100).unwrap();
    let layer = AccessLogLayer::server().json_lines(lines.clone());
    for _ in 0..50 {
        exchange(&layer, &ManualClock::new(), get("/"), || status(200));
    }
    assert_eq!(lines.close(Duration::MAX), 0);
    assert_eq!((objects(&written).len(), lines.lost_lines()), (50, 0));
    exchange(&layer, &ManualClock::new(), get("/"), || status(200));
    assert_eq!((objects(&written).len(), lines.lost_lines()), (0, 1));
}

#[test]
fn a_subscriber_may_log_to_the_lines_whose_loss_it_hears_of() {
    struct Alert(JsonLines);
    impl<S: Subscriber> tracing_subscriber::Layer<S> for Alert {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            once(&AccessLogLayer::client().json_lines(self.0.clone()));
        }
    }
    let lines = JsonLines::new(Full);
    let subscriber = tracing_subscriber::registry().with(Alert(lines.clone()));
    with_default(subscriber, || {
        once(&AccessLogLayer::server().json_lines(lines.clone()));
    });
    assert_eq!(lines.lost_lines(), 2);
}

#[test]
fn a_sink_that_panics_costs_the_others_nothing() {
    let (written, told) = (Written::default(), Written::default());
    let (broken, whole) = (JsonLines::new(Panics), JsonLines::new(written.clone()));
    let layer = AccessLogLayer::server().json_lines(broken.clone()).json_lines(whole.clone());
    let subscriber = tracing_subscriber::fmt().json().with_writer(told.clone()).finish();
    with_default(subscriber, || once(&layer.tracing_events(true)));
    assert_eq!((objects(&written).len(), whole.lost_lines(), broken.lost_lines()), (1, 0, 1));
    assert_eq!(broken.close(Duration::MAX), 1);
    let told: Vec<_> =
        objects(&told).into_iter().map(|event| event["fields"]["message"].clone()).collect();
    assert_eq!(told, ["access log lines are being lost", "exchange ended"]);
}

#[test]
fn rules_that_panic_change_nothing() {
    let written = Written::default();
    let layer = AccessLogLayer::server()
        .json_lines(JsonLines::new(written.clone()))
        .level(|_, _| panic!("on purpose"))
        .skip(|_| panic!("on purpose"));
    exchange(&layer, &ManualClock::new(), get("/"), || status(500));
    let lines = objects(&written);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["severity_text"], "ERROR");
}

#[test]
fn a_file_that_cannot_be_opened_anew_is_told_of_once() {
    let name = format!("access-log-gone-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let lines = JsonLines::file(directory.join("log")).unwrap();
    let layer = AccessLogLayer::server().json_lines(lines.clone());
    std::fs::remove_dir_all(&directory).unwrap();
    let told = Written::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(told.clone()).finish();
    with_default(subscriber, || {
        lines.reopen();
        once(&layer);
        once(&layer);
    });
    let told = objects(&told);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["level"], "WARN");
    let reason = told[0]["fields"]["reason"].as_str().unwrap();
    assert!(reason.contains(&*directory.to_string_lossy()), "{reason}");
    std::fs::create_dir_all(&directory).unwrap();
    once(&layer);
    let written = std::fs::read_to_string(directory.join("log")).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!((written.lines().count(), lines.lost_lines()), (1, 0));
}
