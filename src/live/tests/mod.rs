//! Boards under a manual clock.

mod active;
#[cfg(feature = "metrics")]
mod agree;
mod families;
mod kept;
mod numbers;
mod threads;

use std::time::Duration;

use http::{Request, StatusCode};
use tower::Layer;

use super::*;
use crate::exchange::tests::drive::drive;
use crate::id::RequestId;
use crate::route::{Route, Routes};
use crate::testing::{ManualClock, Script};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A board and a layer whose clock is set by hand; the route is what `x-route` says.
struct Bench {
    clock: ManualClock,
    board: Board,
    layer: LiveLayer,
}

impl Bench {
    fn new() -> Self {
        Self::of(|builder| builder)
    }

    fn of(set: impl FnOnce(BoardBuilder) -> BoardBuilder) -> Self {
        let clock = ManualClock::new();
        let board = set(Board::builder().clock(clock.clock())).build().unwrap();
        let layer = LiveLayer::server(&board).clock(clock.clock()).routes(by_header());
        Self { clock, board, layer }
    }

    /// Asks for a route, and reads all of the answer.
    fn ask(&self, route: &str, script: Script) {
        drive(self.layer.layer(script), request(route), None, || {});
    }

    /// Asks for what takes so long.
    fn ask_for(&self, route: &str, takes: Duration, status: StatusCode) {
        self.ask(route, Script::status(status).after(&self.clock, takes));
    }

    fn report(&self, name: &str) -> FamilyReport {
        let mut found = self.board.families().into_iter().filter(|family| family.name == name);
        let report = found.next().expect("a family of this name");
        assert_eq!(found.next(), None);
        report
    }

    fn kept(&self, name: &str) -> Kept {
        self.board.kept(self.report(name).id)
    }
}

fn by_header() -> Routes {
    Routes::new().extract(|head| {
        let route = head.headers.get("x-route")?.to_str().ok()?;
        Some(Route::from(route.to_owned()))
    })
}

/// A request whose path is not its route, which may be empty: then there is none.
fn request(route: &str) -> Request<()> {
    let request = Request::get("/asked?token=hunter2");
    match route {
        "" => request,
        route => request.header("x-route", route),
    }
    .body(())
    .unwrap()
}

fn tally(count: u64, errors: u64, peer_ended: u64, duration: Duration) -> Tally {
    Tally { count, errors, peer_ended, duration }
}
