//! Panics, one after another, through all that tells of them.

use std::convert::Infallible;
use std::future::Ready;
use std::io;
use std::panic;
use std::process::ExitCode;

use bytes::Bytes;
use counting_allocator::is_flat;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use prometheus::Registry;
use tower::{Layer, service_fn};
use tower_observability::access_log::{AccessLogLayer, JsonLines};
use tower_observability::catch_panic::{CatchPanicLayer, PanicHook};
use tower_observability::metrics::MetricsLayer;
use tower_observability::sentry::SentryLayer;

use crate::measure::exchange::exchange;
use crate::rows;

/// Runs this many; fails if memory grows after two tenths, or if one was not answered or counted.
pub(crate) fn run(panics: u64) -> ExitCode {
    panic::set_hook(Box::new(|_| ())); // nothing is printed
    assert!(PanicHook::new().install());
    let sent = rows::client();
    let registry = Registry::new();
    let metrics = MetricsLayer::server().register(&registry).expect("an empty registry");
    let log = AccessLogLayer::server().json_lines(JsonLines::new(io::sink()));
    let layers = (log, metrics, SentryLayer::server(), CatchPanicLayer::server());
    let service = layers.layer(service_fn(panics_in_call));
    let tenth = panics / 10;
    let held = is_flat(tenth, |some| {
        for _ in 0..some {
            let status = exchange(&mut service.clone(), Request::new(Full::default()));
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        }
        // what was sent is not the layers' to keep
        assert_eq!(sent.fetch_and_clear_events().len() as u64, some);
    });
    let families = registry.gather();
    let durations =
        families.iter().find(|family| family.name() == "http_server_request_duration_seconds");
    let [metric] = durations.expect("what was counted").get_metric() else { panic!("one series") };
    let told = metric.get_histogram().get_sample_count();
    println!(
        "counted: {told} of {}; memory is {}",
        10 * tenth,
        if held { "flat" } else { "NOT flat" }
    );
    if held && told == 10 * tenth { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn panics_in_call(_: Request<Full<Bytes>>) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    panic!("as it should")
}
