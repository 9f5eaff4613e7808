//! The collectors in real registries, over the real process and real runtimes.

mod gauges;
mod naming;
#[cfg(target_os = "linux")]
mod process;
mod runtime;

use prometheus::{Registry, TextEncoder};

/// A registry's samples as its own encoder writes them, without the comments.
fn samples(registry: &Registry) -> Vec<String> {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// The value of one sample.
fn sample(registry: &Registry, series: &str) -> Option<f64> {
    let samples = samples(registry);
    let value = samples.iter().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}
