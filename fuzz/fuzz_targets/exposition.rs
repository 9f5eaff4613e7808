//! Whatever a caller accepts, a label says or a help text tells, a scrape can be read and says it.
#![no_main]

use arbitrary::Arbitrary;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use prometheus::{GaugeVec, Histogram, HistogramOpts, Opts, Registry};
use tower_observability::metrics::{Format, encode};

#[path = "../../src/metrics/exposition/tests/strict.rs"]
mod strict;

#[derive(Arbitrary, Debug)]
struct Input {
    accept: [Vec<u8>; 2],
    label: String,
    help: String,
    value: f64,
    observed: f64,
}

fn registry(input: &Input) -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    let gauges = GaugeVec::new(Opts::new("g", input.help.clone()), &["a"])?;
    gauges.with_label_values(&[&input.label]).set(input.value);
    registry.register(Box::new(gauges))?;
    let opts = HistogramOpts::new("h_seconds", input.help.clone()).const_label("a", input.label.clone());
    let histogram = Histogram::with_opts(opts)?;
    histogram.observe(input.observed);
    registry.register(Box::new(histogram))?;
    Ok(registry)
}

fn families(registry: &Registry, format: Format) -> Vec<strict::Family> {
    let document = String::from_utf8(encode(registry, format)).expect("both formats are UTF-8");
    let families = match format {
        Format::Text => strict::text(&document),
        _ => strict::openmetrics(&document),
    };
    families.unwrap_or_else(|error| panic!("{error}\n{document}"))
}

fuzz_target!(|input: Input| {
    let mut headers = HeaderMap::new();
    for value in &input.accept {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(ACCEPT, value);
        }
    }
    let accepted = Format::accepted(&headers);
    let Ok(registry) = registry(&input) else { return };
    assert!(!encode(&registry, accepted).is_empty());
    for format in [Format::Text, Format::OpenMetrics] {
        let families = families(&registry, format);
        assert_eq!(families[0].help, input.help);
        let told = &families[0].samples[0];
        assert_eq!(told.labels["a"], input.label);
        assert!(told.value == input.value || (told.value.is_nan() && input.value.is_nan()));
    }
});
