//! What `/debug` answers.

mod chosen;
mod document;
mod page;

use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use scraper::Html;
use serde_json::{Value, json};
use tower_layer::Layer;
use tower_service::Service;

use super::{HealthLine, HealthStatus, LivePage};
use crate::admin::page::tests::{all, markup, parsed, text};
use crate::admin::tests::{READER, Told, ask, bearer, request};
use crate::admin::{Admin, AdminBuilder};
use crate::live::{Board, LiveLayer};
use crate::route::{Route, Routes};
use crate::testing::{ManualClock, Script};

struct Bench {
    clock: ManualClock,
    board: Board,
    layer: LiveLayer,
    admin: Admin,
}

impl Bench {
    fn new() -> Self {
        Self::of(|page| page, |admin| admin)
    }

    fn of(
        page: impl FnOnce(LivePage) -> LivePage,
        with: impl FnOnce(AdminBuilder) -> AdminBuilder,
    ) -> Self {
        let clock = ManualClock::new();
        let board = Board::builder().clock(clock.clock()).build().unwrap();
        let routes = Routes::new().extract(|head| {
            let route = head.headers.get("x-route")?;
            Some(Route::from(String::from_utf8_lossy(route.as_bytes()).into_owned()))
        });
        let layer = LiveLayer::server(&board).clock(clock.clock()).routes(routes);
        let admin = Admin::builder(bearer()).live(page(LivePage::new(board.clone())));
        Self { clock, board, layer, admin: with(admin).build() }
    }

    /// Asks for what takes so long, and reads all that is answered.
    fn ask(&self, request: Request<()>, takes: Duration, status: StatusCode) {
        let script = Script::status(status).after(&self.clock, takes);
        let answered = self.layer.layer(script).call(request).now_or_never().unwrap().unwrap();
        assert!(answered.into_body().collect().now_or_never().unwrap().is_ok());
    }

    async fn get(&self, path: &str) -> Told {
        ask(&self.admin, request("GET", path, Some(READER), "")).await
    }

    async fn json(&self, path: &str) -> Value {
        let told = self.get(path).await;
        assert_eq!(told.status, 200, "{path}");
        told.json()
    }

    async fn page(&self, path: &str) -> Html {
        let told = self.get(path).await;
        assert_eq!(told.status, 200, "{path}");
        parsed(std::str::from_utf8(&told.body).unwrap())
    }
}

fn of_route(route: &str) -> Request<()> {
    Request::get("/asked").header("x-route", route).body(()).unwrap()
}
