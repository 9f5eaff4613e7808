//! What `/slo` answers.

mod chosen;
mod document;
mod page;

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Empty;
use proptest::prelude::*;
use scraper::Html;
use serde_json::{Value, json};
use tower_layer::Layer;
use tower_service::Service;

use crate::admin::Admin;
use crate::admin::page::tests::{all, markup, parsed, text};
use crate::admin::tests::{READER, Told, ask, bearer, request};
use crate::slo::{Objective, ObjectiveBuilder, SloLayer, SloTracker, Target, Window};
use crate::testing::{ManualClock, Script};

const DAY: Duration = Duration::from_secs(86_400);

struct Bench {
    clock: ManualClock,
    tracker: SloTracker,
    admin: Admin,
}

impl Bench {
    fn new(objectives: impl IntoIterator<Item = ObjectiveBuilder>) -> Self {
        let clock = ManualClock::new();
        let tracker = SloTracker::builder()
            .objectives(objectives.into_iter().map(|objective| objective.build().unwrap()))
            .clock(clock.clock())
            .build()
            .unwrap();
        let admin = Admin::builder(bearer()).objectives(tracker.clone()).build();
        Self { clock, tracker, admin }
    }

    async fn count(&self, status: StatusCode, times: usize) {
        let layer = SloLayer::server(&self.tracker).clock(self.clock.clock());
        for _ in 0..times {
            let answered = layer.layer(Script::status(status)).call(Request::new(())).await;
            let mut body = Box::pin(answered.unwrap().into_body());
            while let Some(Ok(_)) =
                std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await
            {
            }
        }
    }

    async fn get(&self, path: &str) -> Told {
        ask(&self.admin, request("GET", path, Some(READER), "")).await
    }

    async fn page(&self) -> Html {
        let told = self.get("/slo?format=html").await;
        assert_eq!(told.status, 200);
        parsed(std::str::from_utf8(&told.body).unwrap())
    }
}

fn available(target: &str) -> ObjectiveBuilder {
    Objective::availability("available", Target::percent(target).unwrap())
}

/// An objective that is met, one that cannot be alerted on by every condition, and what they counted.
async fn bench() -> Bench {
    let day = Window::scaled(DAY).unwrap();
    let fast =
        Objective::latency("fast", Target::percent("50").unwrap(), Duration::from_millis(250));
    let bench = Bench::new([
        available("99.9").window(day).runbook_url("https://runbooks.example/a?b&c"),
        fast.window(day).routes(["/a", "/b"]).client(),
    ]);
    for _ in 0..24 {
        bench.count(StatusCode::OK, 999).await;
        bench.clock.advance(DAY / 24);
    }
    bench.count(StatusCode::INTERNAL_SERVER_ERROR, 24).await;
    // until the first condition fires
    for _ in 0..5 {
        bench.clock.advance(Duration::from_secs(1));
        bench.tracker.look();
    }
    bench
}
