//! A long run that nobody scrapes: the memory it holds must not grow.

use std::convert::Infallible;
use std::fs;
use std::future::{Ready, ready};
use std::process::ExitCode;
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use counting_allocator::Allocated;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_observability::classify::Side::Server;
use tower_observability::exchange::{Observe, ObserveLayer};
use tower_observability::metrics::Metrics;

use crate::exchange::exchange;
use crate::memory::{Numbered, Sampled};
use crate::subjects::{counted, layer};

const THREADS: u64 = 2;
/// Growth that is none of a series': the caches of threads, and what the kernel hands out in pages.
const BYTES: i64 = 64 * 1024;
const RESIDENT_KB: i64 = 2 * 1024;

/// Runs this many exchanges, of hostile methods and endless routes; fails if, after the first tenth,
/// memory grows, or if one was not counted.
pub(crate) fn run(exchanges: u64) -> ExitCode {
    let (metrics, registry) = layer();
    let observers = (Numbered::default(), Sampled, metrics.into_observer());
    let layer = ObserveLayer::new(Server, observers);
    let share = exchanges / 10 / THREADS;
    let mut at = Vec::new();
    println!("{:>12} {:>14} {:>12}", "exchanges", "bytes held", "resident kB");
    for tenth in 1..=10 {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| some(layer.layer(Varied(0)), share));
            }
        });
        let now = (Allocated::now().held(), resident_kb());
        println!("{:>12} {:>14} {:>12}", tenth * share * THREADS, now.0, now.1);
        at.push(now);
    }
    let (first, last) = (at[0], at[9]);
    let is_flat = last.0 - first.0 <= BYTES && last.1 - first.1 <= RESIDENT_KB;
    let (told, made) = (counted(&registry), 10 * share * THREADS);
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

/// The memory of this process that is in use, of which the allocator's own is a part.
fn resident_kb() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}
