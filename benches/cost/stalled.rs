//! What a Sentry endpoint that never answers costs the requests.

use std::convert::Infallible;
use std::future::ready;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use sentry::ClientOptions;
use tower::{Layer, service_fn};
use tower_observability::catch_panic::{CatchPanicLayer, PanicHook};
use tower_observability::sentry::SentryLayer;

use crate::measure::exchange::exchange;

/// More than fit into the queue of the client's transport.
const REQUESTS: usize = 300;
/// What a request may take longer than without a client.
const WANTED: Duration = Duration::from_millis(5);

/// Prints what requests take without a client, and with one whose endpoint holds what it is sent.
pub(crate) fn run() -> ExitCode {
    std::panic::set_hook(Box::new(|_| ())); // nothing is printed
    assert!(PanicHook::new().install());
    println!("{:>24} {:>12} {:>12} {:>12}", "", "median", "longest", "the first");
    let without = longest("no client");
    let endpoint = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = endpoint.local_addr().expect("an address").port();
    let (held, is_held) = mpsc::channel();
    thread::spawn(move || {
        // kept open, and never read
        let connections: Vec<_> =
            endpoint.incoming().inspect(|_| held.send(()).unwrap_or_default()).collect();
        drop(connections);
    });
    // leaked, as its drop would wait for the endpoint
    let options = ClientOptions::new().dsn(&format!("http://public@127.0.0.1:{port}/1"));
    std::mem::forget(sentry::init(
        options.add_integration(sentry::integrations::panic::PanicIntegration::new()),
    ));
    sentry::capture_message("the first one", sentry::Level::Error);
    is_held.recv().expect("a connection");
    let with = longest("an endpoint that stalls");
    let is_met = with <= without + WANTED;
    println!("wanted: at most {WANTED:?} longer {}", if is_met { "ok" } else { "MISSED" });
    if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn longest(name: &str) -> Duration {
    let sentry = SentryLayer::server().window(Duration::ZERO);
    let mut panics = true;
    // every other request panics, and the rest are 503
    let fails = service_fn(move |_: Request<Full<Bytes>>| {
        panics = !panics;
        assert!(!panics, "as it should");
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        ready(Ok::<_, Infallible>(response))
    });
    let mut service = sentry.layer(CatchPanicLayer::server().layer(fails));
    let mut request = || {
        let start = Instant::now();
        assert!(exchange(&mut service, Request::new(Full::default())).is_server_error());
        start.elapsed()
    };
    // the first panic looks up the names of the program for Sentry's own integration: up to a second
    let first = [request(), request()].iter().sum::<Duration>();
    let mut took: Vec<_> = (0..REQUESTS).map(|_| request()).collect();
    took.sort();
    let (median, longest) = (took[REQUESTS / 2], took[REQUESTS - 1]);
    println!("{name:>24} {median:>12.1?} {longest:>12.1?} {first:>12.1?}");
    longest
}
