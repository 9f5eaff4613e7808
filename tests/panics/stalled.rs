//! An endpoint that takes what it is sent and never answers holds nobody up.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use sentry::integrations::panic::PanicIntegration;
use sentry::transports::DefaultTransportFactory;
use sentry::{Envelope, Hub, Transport, TransportFactory};
use sentry_core::TransportOptions;

use crate::calls::{Caller, Over};
use crate::expected::Cell;
use crate::mines::{PLACES, Place, hook};
use crate::servers::{Hold, http};
use crate::signals::{Signals, hub, options, run};
use crate::support::*;

/// So long that only what hangs meets it.
const LONG: Duration = Duration::from_secs(10);

/// Takes envelopes, and answers none.
struct Stalled {
    address: SocketAddr,
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

    fn dsn(&self) -> String {
        format!("http://public@{}/1", self.address)
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

/// Counts how often somebody waits for all to be sent, which a panic hook of Sentry's does.
struct Watched {
    inner: Option<Arc<dyn Transport>>,
    flushes: Arc<AtomicU64>,
}

impl TransportFactory for Watched {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        let inner = Some(DefaultTransportFactory.create_transport_with_options(options));
        Arc::new(Self { inner, flushes: Arc::clone(&self.flushes) })
    }
}

impl Transport for Watched {
    fn send_envelope(&self, envelope: Envelope) {
        self.inner.as_ref().unwrap().send_envelope(envelope);
    }

    fn flush(&self, _: Duration) -> bool {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        false
    }
}

/// The guard's drop flushes for as long as it may, too. But then it drops Sentry's transport, which
/// waits for what is under way, however long that takes.
#[test]
fn a_flush_gives_up_and_a_guard_waits_for_what_is_under_way() {
    let endpoint = Stalled::start();
    let hub = Arc::new(Hub::new(None, Arc::default()));
    let options = options(&endpoint.dsn()).shutdown_timeout(Duration::from_millis(1));
    let guard = Hub::run(hub.clone(), || sentry::init(options));
    hub.capture_message("held", sentry::Level::Info);
    let held = endpoint.holds();
    assert!(!guard.flush(None));
    let (done, is_done) = channel();
    let dropping = thread::spawn(move || {
        drop(guard);
        done.send(()).unwrap();
    });
    let_go(held);
    assert_eq!(is_done.recv_timeout(LONG), Ok(()));
    dropping.join().unwrap();
}

#[test]
fn requests_do_not_wait_for_an_endpoint_that_does_not_answer() {
    hook();
    let (endpoint, flushes) = (Stalled::start(), Arc::default());
    let transport = Watched { inner: None, flushes: Arc::clone(&flushes) };
    let integration = PanicIntegration::new();
    let options = options(&endpoint.dsn()).transport(transport).add_integration(integration);
    let hub = hub(options);
    // its client is never dropped: it would wait for all that is held
    std::mem::forget(hub.clone());
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
            let seen = caller.ask(over, Some(place)).await;
            assert_eq!(seen.kind(), Cell::new(over, place).seen().kind());
            number += 1;
        }
        assert_eq!(caller.ask(over, None).await, cell.whole(number + 1));
        signals.ended(number as usize + 1).await;
        held
    });
    // all of that while the first envelope was held: no other was sent
    assert!(endpoint.held.try_recv().is_err());
    assert_eq!(flushes.load(Ordering::Relaxed), 0, "nor did anybody wait for it");
    drop(held);
}
