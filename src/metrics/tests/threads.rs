//! Many threads record while others read.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use http::StatusCode;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tower::Layer;

use super::*;
use crate::testing::{Script, ScriptBody};

const THREADS: u64 = 8;
const EACH: u64 = 2_000;

#[test]
fn sums_are_exact_and_no_scrape_sees_less_than_one_before_it() {
    let bench = Bench::new();
    let layer = bench.register(builder(Server));
    let done = AtomicBool::new(false);
    let scrapes = std::thread::scope(|scope| {
        let scraping = scope.spawn(|| {
            let (mut scrapes, mut before) = (0, Gathered::new());
            loop {
                let last = done.load(Ordering::Acquire);
                let now = bench.gathered();
                for (series, value) in &before {
                    let Value::Counts { count, buckets, .. } = value else { continue };
                    let Some(Value::Counts { count: counts, buckets: now, .. }) = now.get(series)
                    else {
                        panic!("{series:?} is gone");
                    };
                    assert!(counts >= count, "{series:?}: {counts} after {count}");
                    for (bound, count) in buckets {
                        let counts = now.iter().find(|(other, _)| other == bound);
                        assert!(counts.is_some_and(|(_, counts)| counts >= count), "{series:?}");
                    }
                }
                before = now;
                scrapes += 1;
                if last {
                    return scrapes;
                }
            }
        });
        let recording: Vec<_> = (0..THREADS)
            .map(|thread| {
                let layer = &layer;
                scope.spawn(move || {
                    for number in 0..EACH {
                        let size = (thread * EACH + number) % 1000;
                        let body = ScriptBody::new().data(vec![0; size as usize]);
                        let request = Request::get("/").header("content-length", number);
                        ask(layer.layer(Script::body(body)), request.body(()).unwrap());
                    }
                })
            })
            .collect();
        for thread in recording {
            thread.join().unwrap();
        }
        done.store(true, Ordering::Release);
        scraping.join().unwrap()
    });
    assert!(scrapes > 1, "{scrapes}");
    let gathered = bench.gathered();
    let sum = |what: &str| {
        let mut told =
            gathered.iter().filter(|(series, _)| series.name == format!("http_server_{what}"));
        let Some((_, Value::Counts { count, sum, .. })) = told.next() else { panic!("{what}") };
        assert!(told.next().is_none());
        (*count, *sum)
    };
    let all = THREADS * EACH;
    assert_eq!(sum("request_duration_seconds"), (all, 0.0));
    assert_eq!(sum("request_body_size_bytes"), (all, (THREADS * EACH * (EACH - 1) / 2) as f64));
    assert_eq!(sum("response_body_size_bytes"), (all, (all / 1000 * 499_500) as f64));
    assert_eq!(total(&gathered, "http_server_active_requests"), 0);
}

/// Is collected for as long as it is told.
struct Slow {
    desc: Desc,
    entered: SyncSender<()>,
    leave: Mutex<Receiver<()>>,
}

impl Collector for Slow {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.entered.send(()).unwrap();
        self.leave.lock().unwrap().recv().unwrap();
        Vec::new()
    }
}

#[test]
fn a_scrape_that_takes_its_time_holds_nobody_up() {
    let bench = Bench::new();
    let layer = bench.register(builder(Server));
    let (entered, enters) = sync_channel(0);
    let (leaves, leave) = sync_channel(0);
    let desc = Desc::new("slow".into(), "Slow.".into(), vec![], Default::default()).unwrap();
    let slow = Slow { desc, entered, leave: Mutex::new(leave) };
    bench.registry.register(Box::new(slow)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| bench.gathered());
        enters.recv().unwrap();
        // known series and new ones
        for status in [200, 200, 404, 200] {
            let script = Script::status(StatusCode::from_u16(status).unwrap());
            ask(layer.layer(script), Request::get("/").body(()).unwrap());
        }
        leaves.send(()).unwrap();
    });
    let mut counted = 0;
    let instruments = &layer.observer().instruments;
    instruments.store.each(|_, series| counted += series.duration.snapshot().count());
    assert_eq!(counted, 4);
}

#[test]
fn exchanges_that_end_while_series_are_read_are_not_held_up() {
    let bench = Bench::new();
    let layer = bench.register(builder(Server));
    let ask = |status: u16| {
        let script = Script::status(StatusCode::from_u16(status).unwrap());
        ask(layer.layer(script), Request::get("/").body(()).unwrap());
    };
    ask(200);
    let mut shown = 0;
    layer.observer().instruments.store.each(|_, _| {
        shown += 1;
        // one of the series that is being read, and a new one
        ask(200);
        ask(404);
    });
    assert!((1..=2).contains(&shown), "{shown}");
    let durations = total(&bench.gathered(), "http_server_request_duration_seconds");
    assert_eq!(durations, 1 + 2 * shown);
}
