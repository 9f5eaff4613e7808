//! What a series holds of memory, counted by the allocator while many are made.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use counting_allocator::Allocated;
use http::request;
use prometheus::{HistogramVec, Registry};
use tower::Layer;
use tower_observability::classify::Side::Server;
use tower_observability::exchange::{End, Facts, ObserveLayer, Observer};
use tower_observability::id::TraceIdentity;
use tower_observability::metrics::{MetricsBuilder, MetricsLayer};

use crate::exchange::{Bare, Runner};
use crate::peers::histogram_vec;
use crate::subjects::plain;

const SERIES: usize = 10_000;
/// The most bytes that a histogram of 14 buckets is meant to hold for each shard.
const WANTED: f64 = 1_024.0;

/// Prints the table; `true` when the limit held.
pub(crate) fn print() -> bool {
    let shards = shards();
    let plain = |builder| held_by(http_series(registered(builder)));
    let sampled = |builder| held_by(sampled_series(registered(builder)));
    // where all four histograms are alike, a quarter is one, with its part of the labels and the map
    let exemplified = sampled(fourteen_buckets()) / 4.0;
    println!("\n{:56} {:>9} {:>9}", "bytes", "a series", "and shard");
    for (name, bytes) in [
        ("HistogramVec, 3 labels, 14 buckets", held_by(vec_series(histogram_vec()))),
        ("metrics, an HTTP series: its labels and 4 histograms", plain(defaults())),
        ("... with exemplars", sampled(defaults())),
        ("metrics, one histogram of 14 buckets", plain(fourteen_buckets()) / 4.0),
        ("... with exemplars", exemplified),
    ] {
        let shards = if name.starts_with("HistogramVec") { 1.0 } else { shards };
        println!("{name:56} {bytes:>9.0} {:>9.0}", bytes / shards);
    }
    let held = exemplified / shards <= WANTED;
    let verdict = if held { "ok" } else { "MISSED" };
    println!("wanted of a histogram of 14 buckets and a shard: at most {WANTED:.0} {verdict}");
    held
}

/// Into how many shards instruments are split: as many as there are processors, as a power of two,
/// at most eight.
fn shards() -> f64 {
    let processors = thread::available_parallelism().map_or(1, |count| count.get());
    processors.next_power_of_two().min(8) as f64
}

/// The bytes that each series adds for good.
fn held_by(mut make_series: Runner) -> f64 {
    make_series(); // what there is only one of
    let before = Allocated::now().held();
    (0..SERIES).for_each(|_| make_series());
    (Allocated::now().held() - before) as f64 / SERIES as f64
}

/// Makes a series of a histogram with each call.
pub(crate) fn vec_series(histogram: HistogramVec) -> Runner {
    let mut number = 0;
    Box::new(move || {
        number += 1;
        histogram.with_label_values(&["GET", &route(number), "200"]).observe(0.012);
    })
}

/// Makes a series of ours with each exchange.
pub(crate) fn http_series(layer: MetricsLayer) -> Runner {
    let observers = (Numbered::default(), layer.into_observer());
    plain(ObserveLayer::new(Server, observers).layer(Bare))()
}

/// As [`http_series`], with exemplars.
pub(crate) fn sampled_series(layer: MetricsLayer) -> Runner {
    let observers = (Numbered::default(), Sampled, layer.into_observer());
    plain(ObserveLayer::new(Server, observers).layer(Bare))()
}

fn defaults() -> MetricsBuilder {
    MetricsLayer::server().max_series(2 * SERIES)
}

/// A layer whose four histograms all have 14 bounds.
pub(crate) fn fourteen_buckets() -> MetricsBuilder {
    let sizes = || (1..=14).map(|power| 1 << power);
    defaults().request_body_size_buckets(sizes()).response_body_size_buckets(sizes())
}

fn registered(builder: MetricsBuilder) -> MetricsLayer {
    builder.register(&Registry::new()).expect("an empty registry")
}

/// An observer that gives each exchange a route of its own.
#[derive(Clone, Default)]
pub(crate) struct Numbered(Arc<AtomicUsize>);

impl Observer for Numbered {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, facts: &Arc<Facts>) {
        facts.set_route(route(self.0.fetch_add(1, Ordering::Relaxed)));
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

/// An observer that gives each exchange a trace that is sampled.
#[derive(Clone)]
pub(crate) struct Sampled;

impl Observer for Sampled {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, facts: &Arc<Facts>) {
        const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
        if let Some(trace) = TraceIdentity::new(TRACE, 7, true) {
            facts.set_trace(trace);
        }
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

fn route(number: usize) -> String {
    format!("/orders/{number:06}")
}
