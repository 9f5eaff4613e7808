//! An endpoint that takes what it is sent and never answers holds nobody up.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use sentry::Hub;

use crate::calls::{Caller, Over, Seen};
use crate::expected::Cell;
use crate::mines::{PLACES, Place, hook};
use crate::servers::{Hold, http};
use crate::signals::{Signals, hub, run};
use crate::support::*;

/// So long that only what hangs meets it.
const LONG: Duration = Duration::from_secs(10);

/// Holds each envelope until it is told to let go.
struct Stalled {
    address: std::net::SocketAddr,
    held: Receiver<TcpStream>,
}

impl Stalled {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (holds, held) = channel();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                read(stream, &holds);
            }
        });
        Self { address, held }
    }

    /// Waits until an envelope is held.
    fn holds(&self) -> TcpStream {
        self.held.recv_timeout(LONG).unwrap()
    }
}

/// Reads one request to its end.
fn read(stream: TcpStream, holds: &Sender<TcpStream>) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap_or(0) > 0 && line != "\r\n" {
        let head = line.to_ascii_lowercase();
        if let Some(told) = head.strip_prefix("content-length:") {
            length = told.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    if length > 0 && reader.read_exact(&mut body).is_ok() {
        let _ = holds.send(reader.into_inner());
    }
}

fn let_go(mut held: TcpStream) {
    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    held.write_all(answer.as_bytes()).unwrap();
}

#[test]
fn requests_do_not_wait_for_an_endpoint_that_does_not_answer() {
    hook();
    let endpoint = Stalled::start();
    let hub = hub(&format!("http://public@{}/1", endpoint.address));
    let held = run(&hub, async {
        let (over, signals) = (Over::Chunked, Signals::new());
        let address = serve(Http::One, http(&Hold::default(), signals.layers.clone())).await;
        let mut caller = Caller::open(over, address).await;
        let cell = Cell::new(over, Place::Call);
        assert_eq!(caller.ask(over, None).await, cell.whole(1));
        assert_eq!(caller.ask(over, Some(cell.place)).await, cell.seen());
        let held = endpoint.holds();

        // more than the client's queue has room for
        let mut number = 2;
        for place in PLACES.into_iter().cycle().take(120) {
            let mut caller = Caller::open(over, address).await;
            let seen: Seen = caller.ask(over, Some(place)).await;
            assert_ne!(seen, cell.whole(number + 1));
            number += 1;
        }
        assert_eq!(caller.ask(over, None).await, cell.whole(number + 1));
        signals.ended(number as usize + 1).await;
        held
    });
    // all of that while the first envelope was held: no other was sent
    assert!(endpoint.held.try_recv().is_err());
    let_go(held);
    release(&endpoint, hub);
}

/// Lets go of everything until the client is gone, so that no thread outlives the test.
fn release(endpoint: &Stalled, hub: Arc<Hub>) {
    let (done, is_done) = channel();
    thread::spawn(move || {
        drop(hub);
        done.send(()).unwrap();
    });
    while is_done.try_recv().is_err() {
        if let Ok(held) = endpoint.held.recv_timeout(Duration::from_millis(10)) {
            let_go(held);
        }
    }
}
