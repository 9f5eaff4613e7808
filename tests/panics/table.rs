//! One table: each place of a panic over each transport, and what everybody sees of it.

use std::io::Write;

use crate::calls::{self, Caller, Over};
use crate::endpoint::{Endpoint, lasting};
use crate::expected::Cell;
use crate::mines::{PLACES, hook};
use crate::servers::{Hold, http, serve_grpc};
use crate::signals::{Signals, hub, options, run, sent};
use crate::support::*;

#[test]
fn what_everybody_sees_of_a_panic() {
    hook();
    let endpoint = Endpoint::start();
    let mut project = 0;
    for over in calls::ALL {
        for place in PLACES {
            project += 1;
            // says which cell it was that failed
            eprintln!("{over:?}, {place:?}");
            let hub = hub(options(&endpoint.dsn(project)));
            let cell = Cell::new(over, place);
            let events = || {
                sent(&hub);
                endpoint.events(project)
            };
            run(&hub, exchange(&cell, events));
            keep(&events());
        }
    }
    endpoint.is_clean();
}

/// A panic between other exchanges of one connection, and what is told of it.
async fn exchange(cell: &Cell, events: impl Fn() -> Vec<serde_json::Value>) {
    let (over, signals, hold) = (cell.over, Signals::new(), Hold::default());
    let layers = signals.layers.clone();
    let address = match over {
        Over::Chunked | Over::Length => serve(Http::One, http(&hold, layers)).await,
        Over::Two => serve(Http::Two, http(&hold, layers)).await,
        Over::Unary | Over::Streaming => serve_grpc(&hold, layers).await,
    };
    let mut caller = Caller::open(over, address).await;

    let mut count = 1;
    assert_eq!(caller.ask(over, None).await, cell.whole(1));
    signals.ended(count).await;
    assert_eq!(signals.counts(), cell.counts(1, 0, 0));
    let held = if over.has_streams() { Some(caller.begin(over).await) } else { None };
    assert_eq!(signals.lines().len(), count);
    assert_eq!(events(), [] as [serde_json::Value; 0]);

    assert_eq!(caller.ask(over, Some(cell.place)).await, cell.seen());
    count += 1;
    signals.ended(count).await;
    let is_held = u64::from(held.is_some());
    let id = cell.id();
    assert_eq!(signals.lines()[&id], cell.line());
    assert_eq!(signals.spans()[&id], cell.span());
    assert_eq!(signals.counts(), cell.counts(1, 1, is_held));
    let told = events();
    assert_eq!(told.iter().cloned().map(lasting).collect::<Vec<_>>(), cell.events());

    assert_eq!(caller.lives().await, cell.connection_lives());
    let mut whole = 1;
    if cell.connection_lives() {
        assert_eq!(caller.ask(over, None).await, cell.whole(cell.number() + 1));
        (count, whole) = (count + 1, whole + 1);
        signals.ended(count).await;
    }
    if let Some(held) = held {
        assert_eq!(signals.lines().len(), count);
        hold.release();
        assert_eq!(held.rest().await, "two");
        count += 1;
        signals.ended(count).await;
    }
    assert_eq!(signals.counts(), cell.counts_at_end(whole));
    assert_eq!(events(), told, "of the others there is none");
}

/// Writes the events to the file that `PANIC_EVENTS` names, for Sentry's own parts to read.
fn keep(events: &[serde_json::Value]) {
    let Ok(path) = std::env::var("PANIC_EVENTS") else { return };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    for event in events {
        writeln!(file, "{event}").unwrap();
    }
}
