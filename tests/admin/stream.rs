//! The live stream, over real connections.

use reqwest::Response;
use serde_json::{Value, json};
use tower_observability::debug_dump::{Live, render};

use crate::bench::{Bench, PLACES};

/// A stream, read line by line.
struct Lines {
    response: Response,
    read: Vec<u8>,
}

impl Lines {
    async fn open(bench: &Bench) -> Self {
        let response = bench.get("/debug/dump/stream").await;
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Self { response, read: Vec::new() }
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return serde_json::from_slice(&line).unwrap();
            }
            self.read.extend_from_slice(&self.response.chunk().await.unwrap().unwrap());
        }
    }
}

async fn watchers_are(bench: &Bench, watchers: usize) {
    while bench.control.watchers() != watchers {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn captures_arrive_as_they_are_made_until_the_client_goes() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        bench.arm();
        bench.call("before".to_owned()).await;
        let (mut one, mut other) = (Lines::open(&bench).await, Lines::open(&bench).await);
        for number in 1..=3 {
            bench.call(format!("line\n{number}")).await;
            let capture = bench.control.captures().pop().unwrap();
            let expected: Value = serde_json::from_slice(&render::json(&capture)).unwrap();
            assert_eq!((one.next().await, other.next().await), (expected.clone(), expected));
        }
        assert_eq!(bench.control.watchers(), 2);
        drop(one);
        watchers_are(&bench, 1).await;
        bench.call("after".to_owned()).await;
        assert_eq!(other.next().await["id"], 5, "{place:?}");
        drop(other);
        watchers_are(&bench, 0).await;
    }
}

/// More than the sockets and the queue hold together.
const CALLS: u64 = 250;

#[tokio::test]
async fn who_reads_slowly_is_told_what_is_lost_and_holds_nobody_up() {
    // axum's are served by hyper, too
    for place in &PLACES[2..] {
        let place = *place;
        let bench = Bench::new(place).await;
        bench.arm();
        let mut lines = Lines::open(&bench).await;
        for _ in 0..CALLS {
            bench.call("a".repeat(64 << 10)).await;
            // as much is sent as the client's end takes
            tokio::task::yield_now().await;
        }
        let (mut told, mut lost, mut next) = (0, 0, 1);
        while told + lost < CALLS {
            let line = lines.next().await;
            match line["lost"].as_u64() {
                Some(number) => {
                    assert_eq!(line, json!({ "lost": number }));
                    (lost, next) = (lost + number, next + number);
                }
                None => {
                    // what is lost is told where it is
                    assert_eq!(line["id"], next, "{place:?}");
                    (told, next) = (told + 1, next + 1);
                }
            }
        }
        assert!(lost > 0 && told > 0, "{place:?}: {told} told");
        assert_eq!(bench.control.watchers(), 1);
        bench.call("after".to_owned()).await;
        assert_eq!(lines.next().await["id"], CALLS + 1);
    }
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let bench = Bench::new(PLACES[3]).await;
    let mut all = Vec::new();
    for _ in 0..Live::MAX_WATCHERS {
        all.push(Lines::open(&bench).await);
    }
    let refused =
        bench.send(&http::Method::GET, "/debug/dump/stream", Some(crate::bench::READER), None);
    let refused: Value = refused.await.json().await.unwrap();
    let expected = json!({
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "8 watch the captures already, which is the most",
    });
    assert_eq!(refused, expected);
    all.pop();
    watchers_are(&bench, Live::MAX_WATCHERS - 1).await;
    Lines::open(&bench).await;
}
