//! Thousands of panics over one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sentry::{Client, ClientOptions, Hub};

use crate::calls::{Caller, Over};
use crate::expected::Cell;
use crate::mines::{PLACES, hook};
use crate::servers::{Hold, serve_all};
use crate::signals::Signals;

const OVERS: [Over; 4] = [Over::Chunked, Over::Two, Over::Unary, Over::Streaming];

/// A client that counts its events and sends none.
fn counting() -> (Arc<Client>, Arc<AtomicU64>) {
    let events = Arc::new(AtomicU64::new(0));
    let count = events.clone();
    let options = ClientOptions::new()
        .dsn("http://public@127.0.0.1:9/1")
        .transport(sentry::transports::DefaultTransportFactory)
        .before_send(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            None
        });
    (Arc::new(Client::from(options)), events)
}

#[test]
fn after_thousands_of_panics_the_counters_are_exact_and_the_server_serves() {
    hook();
    let rounds: u64 = if std::env::var_os("LONG").is_some() { 358 } else { 72 };
    let panics = rounds * PLACES.len() as u64;
    let (client, events) = counting();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || Hub::current().bind_client(Some(client.clone())))
        .build()
        .unwrap();
    runtime.block_on(async {
        let signals = Signals::new();
        let address = serve_all(&Hold::default(), signals.layers.clone()).await;
        // of gRPC the first whole one shows that there is such a method
        for over in OVERS {
            Caller::open(over, address).await.ask(over, None).await;
        }
        let mut ended = OVERS.len();
        signals.ended(ended).await;
        assert_eq!(events.load(Ordering::Relaxed), 0);
        let asking = OVERS.map(|over| {
            tokio::spawn(async move {
                let mut caller = Caller::open(over, address).await;
                for _ in 0..rounds {
                    for place in PLACES {
                        if !caller.lives().await {
                            caller = Caller::open(over, address).await;
                        }
                        let seen = caller.ask(over, Some(place)).await;
                        // a stream's reset may overtake its headers
                        assert_eq!(seen.end, Cell::new(over, place).seen().end);
                    }
                }
            })
        });
        for asking in asking {
            asking.await.unwrap();
        }
        ended += OVERS.len() * panics as usize;
        signals.ended(ended).await;
        for over in OVERS {
            let seen = Caller::open(over, address).await.ask(over, None).await;
            assert_eq!((&*seen.data, &*seen.end), ("onetwo", "whole"), "{over:?}");
        }
        signals.ended(ended + OVERS.len()).await;

        let mut expected = std::collections::BTreeMap::new();
        for over in OVERS {
            // of HTTP, what is answered has another status than what breaks off
            for place in PLACES {
                let cell = Cell::new(over, place);
                for (series, count) in cell.counts(0, rounds, 0) {
                    *expected.entry(series).or_default() += count;
                }
            }
            for (series, count) in Cell::new(over, PLACES[0]).counts(2, 0, 0) {
                *expected.entry(series).or_default() += count;
            }
        }
        assert_eq!(signals.counts(), expected);
        assert_eq!(events.load(Ordering::Relaxed), OVERS.len() as u64 * panics);
        assert_eq!(signals.lines().len(), ended + OVERS.len());
    });
}
