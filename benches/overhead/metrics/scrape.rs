//! How long a scrape of many series takes.

use std::time::Instant;

use prometheus::{Encoder, Registry, TextEncoder};
use tower_observability::metrics::{Format, MetricsLayer, encode};

use crate::exchange::Runner;
use crate::memory::{fourteen_buckets, http_series, sampled_series, vec_series};
use crate::peers::histogram_vec;

/// The histograms of 14 buckets in a registry; of ours, four are one HTTP series'.
const HISTOGRAMS: usize = 10_000;
const ROUNDS: usize = 21;

/// How a registry is told.
type Scrape = fn(&Registry) -> Vec<u8>;

const SCRAPES: [(&str, Scrape); 4] = [
    ("gather alone", |registry| {
        std::hint::black_box(registry.gather());
        Vec::new()
    }),
    ("prometheus::TextEncoder", stock),
    ("text 0.0.4", |registry| encode(registry, Format::Text)),
    ("OpenMetrics 1.0", |registry| encode(registry, Format::OpenMetrics)),
];

/// Prints the table; times on a shared machine have no limits.
pub(crate) fn print() {
    println!("\n{:44} {:24} {:>9} {:>9}", "a scrape, each with its gather", "as", "ms", "MB");
    for (name, registry) in [
        ("HistogramVec, 10 000 label sets", of_vec()),
        ("metrics, 2 500 HTTP series of 4 histograms", of_layer(http_series)),
        ("... with exemplars", of_layer(sampled_series)),
    ] {
        for ((scrape, _), (millis, bytes)) in SCRAPES.iter().zip(measured(&registry)) {
            println!("{name:44} {scrape:24} {millis:>9.1} {:>9.2}", bytes as f64 / 1e6);
        }
    }
}

fn of_vec() -> Registry {
    let registry = Registry::new();
    let histogram = histogram_vec();
    registry.register(Box::new(histogram.clone())).expect("an empty registry");
    let mut series = vec_series(histogram);
    (0..HISTOGRAMS).for_each(|_| series());
    registry
}

fn of_layer(series: fn(MetricsLayer) -> Runner) -> Registry {
    let registry = Registry::new();
    let layer = fourteen_buckets().register(&registry).expect("an empty registry");
    let mut series = series(layer);
    (0..HISTOGRAMS / 4).for_each(|_| series());
    registry
}

/// Milliseconds and bytes of each way to tell a registry, in turns.
fn measured(registry: &Registry) -> Vec<(f64, usize)> {
    let mut millis = vec![Vec::with_capacity(ROUNDS); SCRAPES.len()];
    let mut bytes = vec![0; SCRAPES.len()];
    for _ in 0..ROUNDS {
        for (at, (_, scrape)) in SCRAPES.iter().enumerate() {
            let start = Instant::now();
            bytes[at] = scrape(registry).len();
            millis[at].push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let median = |mut millis: Vec<f64>| {
        millis.sort_by(f64::total_cmp);
        millis[millis.len() / 2]
    };
    millis.into_iter().map(median).zip(bytes).collect()
}

fn stock(registry: &Registry) -> Vec<u8> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).expect("good metrics");
    text
}
