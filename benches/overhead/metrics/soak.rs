//! A long run that nobody scrapes: the memory it holds must not grow.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::process::ExitCode;
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use counting_allocator::is_flat;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_observability::classify::Side::Server;
use tower_observability::exchange::{Observe, ObserveLayer};
use tower_observability::metrics::Metrics;

use crate::counted::registered;
use crate::exchange::exchange;
use crate::memory::{Numbered, Sampled};
use crate::subjects::layer;

const THREADS: u64 = 2;
/// Runs this many exchanges, of hostile methods and endless routes; fails if, after two tenths,
/// memory grows, or if one was not counted.
pub(crate) fn run(exchanges: u64) -> ExitCode {
    let (metrics, registry) = layer();
    let observers = (Numbered::default(), Sampled, metrics.into_observer());
    let layer = ObserveLayer::new(Server, observers);
    let share = exchanges / 10 / THREADS;
    let is_flat = is_flat(THREADS * share, |_| {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| some(layer.layer(Varied(0)), share));
            }
        });
    });
    let (told, made) = (registered(&registry), 10 * share * THREADS);
    println!("counted: {told} of {made}; memory is {}", if is_flat { "flat" } else { "NOT flat" });
    if is_flat && told == made { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Observed = Observe<Varied, (Numbered, Sampled, Metrics)>;

fn some(mut service: Observed, exchanges: u64) {
    for number in 0..exchanges {
        let mut request = Request::new(Full::<Bytes>::default());
        *request.method_mut() = match number % 4 {
            0 => Method::POST,
            1 => Method::from_bytes(format!("M{number}").as_bytes()).expect("a token"),
            _ => Method::GET,
        };
        exchange(&mut service, request);
    }
}

/// A service that answers with one status after another.
#[derive(Clone)]
struct Varied(usize);

impl Service<Request<Full<Bytes>>> for Varied {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        const STATUSES: [StatusCode; 3] =
            [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR];
        self.0 += 1;
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
        *response.status_mut() = STATUSES[self.0 % STATUSES.len()];
        ready(Ok(response))
    }
}
