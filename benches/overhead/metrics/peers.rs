//! The peers, each set up as its documentation says.

use std::time::Instant;

use axum_otel_metrics::HttpMetricsLayerBuilder;
use axum_prometheus::PrometheusMetricLayer;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use prometheus::{Histogram, HistogramOpts, HistogramVec};

use crate::exchange::{Runner, router};
use crate::subjects::{Exchanges, proven, routed};
use crate::{counted, sdk};

/// Its own defaults, which leave body sizes out.
pub(crate) fn axum_prometheus() -> Exchanges {
    let counted = counted::recorder();
    proven(routed(router().layer(PrometheusMetricLayer::new())), counted)
}

/// On the API's no-op meter: it is built on an older release of the API than the SDK here.
pub(crate) fn axum_otel_metrics() -> Exchanges {
    routed(router().layer(HttpMetricsLayerBuilder::new().build()))
}

pub(crate) fn otel_instrumentation() -> Exchanges {
    let provider = sdk::install();
    let layer = LayerBuilder::builder().with_tracing(false).build().expect("a good configuration");
    proven(routed(router().layer(layer)), || sdk::counted(&provider))
}

/// A histogram with three labels and the buckets of the conventions, observed around the call: the
/// least that a layer of one's own could do.
pub(crate) fn around(exchanges: Exchanges) -> Exchanges {
    let histogram = histogram_vec();
    let counts = histogram.clone();
    let around = move || -> Runner {
        let (histogram, mut exchange) = (histogram.clone(), exchanges());
        Box::new(move || {
            let start = Instant::now();
            exchange();
            let taken = start.elapsed().as_secs_f64();
            histogram.with_label_values(&LABELS).observe(taken);
        })
    };
    proven(Box::new(around), move || counts.with_label_values(&LABELS).get_sample_count())
}

/// The same instrument without an exchange.
pub(crate) fn looked_up() -> Exchanges {
    let histogram = histogram_vec();
    let counts = histogram.clone();
    let observe = move || -> Runner {
        let histogram = histogram.clone();
        Box::new(move || histogram.with_label_values(&LABELS).observe(0.012))
    };
    proven(Box::new(observe), move || counts.with_label_values(&LABELS).get_sample_count())
}

/// One series of it that is looked up once and kept.
pub(crate) fn kept() -> Exchanges {
    let kept: Histogram = histogram_vec().with_label_values(&LABELS);
    let counts = kept.clone();
    let observe = move || -> Runner {
        let kept = kept.clone();
        Box::new(move || kept.observe(0.012))
    };
    proven(Box::new(observe), move || counts.get_sample_count())
}

const LABELS: [&str; 3] = ["GET", "/users/{id}", "200"];

pub(crate) fn histogram_vec() -> HistogramVec {
    let options = HistogramOpts::new("http_server_request_duration_seconds", "Durations.");
    let names = ["http_request_method", "http_route", "http_response_status_code"];
    HistogramVec::new(options.buckets(SECONDS.to_vec()), &names).expect("good options")
}

const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
