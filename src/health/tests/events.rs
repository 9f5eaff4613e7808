//! What is told in events.

use std::fmt::Debug;
use std::sync::LazyLock;

use tracing::field::{Field, Visit};
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

type Lines = Arc<Mutex<Vec<String>>>;

struct Noted(Lines);

impl<S: Subscriber> Layer<S> for Noted {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.0 += &format!(" {}={value:?}", field.name());
            }
        }
        if event.metadata().target() == "tower_observability::health" {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

/// While `tracing` knows no more than one subscriber, an event that another test's thread meets first,
/// where there is none, is switched off for all.
fn ask_every_subscriber() {
    static TWO: LazyLock<[Dispatch; 2]> =
        LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::new())));
    LazyLock::force(&TWO);
}

#[test]
fn what_changes_is_told_once() {
    ask_every_subscriber();
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(Noted(Arc::clone(&lines)));
    tracing::subscriber::with_default(subscriber, || {
        let clock = ManualClock::new();
        let board = board([component("db").stale_after(secs(100), secs(200))], &clock);
        for found in [Report::pass(), Report::pass(), Report::fail("a\nb"), Report::fail("a\nb")] {
            board.record(0, found, secs(0));
        }
        board.record(0, Report::pass(), secs(0));
        clock.advance(secs(150));
        board.tick();
        board.tick();
        board.drain();
        board.drain();
    });
    let lines = lines.lock().unwrap();
    let check = |level, message, from, status, rest| {
        format!("{level} message={message} check=\"db\" from=\"{from}\" status=\"{status}\"{rest}")
    };
    let group = |level, message, from, status| {
        format!("{level} message={message} group=\"ready\" from=\"{from}\" status=\"{status}\"")
    };
    let (passes, fails) = ("a health check passes", "a health check does not pass");
    let (well, ill) = ("the service is healthy", "the service is not healthy");
    assert_eq!(
        *lines,
        [
            check("INFO", passes, "fail", "pass", ""),
            group("INFO", well, "fail", "pass"),
            check("WARN", fails, "pass", "fail", r#" output="a\\nb""#),
            group("WARN", ill, "pass", "fail"),
            check("INFO", passes, "fail", "pass", ""),
            group("INFO", well, "fail", "pass"),
            check("WARN", fails, "pass", "warn", r#" output="the last result is 150 s old""#),
            group("INFO", well, "pass", "warn"),
            group("INFO", "the service drains", "warn", "fail"),
        ]
    );
}
