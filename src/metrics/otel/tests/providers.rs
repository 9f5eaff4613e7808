//! Providers other than one SDK for all.

use std::sync::{Arc, Mutex};

use http::Request;
use opentelemetry::metrics::{
    Histogram, HistogramBuilder, InstrumentProvider, Meter, MeterProvider, SyncInstrument,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use tower::{Layer, ServiceExt};

use super::{Sdk, count};
use crate::metrics::MetricsLayer;
use crate::testing::Script;

const DURATION: &str = "http_server_request_duration_seconds";

async fn answer(layer: &MetricsLayer) {
    let service = layer.layer(Script::status(http::StatusCode::OK));
    service.oneshot(Request::new(())).await.unwrap();
}

#[tokio::test]
async fn two_layers_tell_two_providers_their_own() {
    let (one, other) = (Sdk::new(), Sdk::new());
    let [first, second] = [&one, &other]
        .map(|sdk| MetricsLayer::server().meter_provider(&sdk.provider).build().unwrap());
    let told = || (count(&one.told(), DURATION), count(&other.told(), DURATION));
    assert_eq!(told(), (0, 0));
    answer(&first).await;
    assert_eq!(told(), (1, 0));
    answer(&second).await;
    answer(&second).await;
    assert_eq!(told(), (1, 2));
}

#[tokio::test]
async fn the_last_provider_holds() {
    let (one, other) = (Sdk::new(), Sdk::new());
    let builder = MetricsLayer::server().meter_provider(&one.provider);
    let layer = builder.meter_provider(&other.provider).build().unwrap();
    answer(&layer).await;
    assert_eq!((one.told().len(), count(&other.told(), DURATION)), (0, 1));
}

/// Of another make: it has histograms, and knows of nothing that is experimental.
#[derive(Clone, Default)]
struct Plain(Arc<Mutex<Vec<(String, usize)>>>);

impl MeterProvider for Plain {
    fn meter_with_scope(&self, _: InstrumentationScope) -> Meter {
        Meter::new(Arc::new(self.clone()))
    }
}

impl InstrumentProvider for Plain {
    fn f64_histogram(&self, builder: HistogramBuilder<'_, Histogram<f64>>) -> Histogram<f64> {
        Histogram::new(Arc::new(PlainHistogram(self.clone(), builder.name.into_owned())))
    }
}

struct PlainHistogram(Plain, String);

impl SyncInstrument<f64> for PlainHistogram {
    fn measure(&self, _: f64, attributes: &[KeyValue]) {
        self.0.0.lock().unwrap().push((self.1.clone(), attributes.len()));
    }
}

#[tokio::test]
async fn a_provider_that_cannot_bind_loses_nothing() {
    let provider = Plain::default();
    let layer = MetricsLayer::server().meter_provider(&provider).build().unwrap();
    let told = || {
        let all = provider.0.lock().unwrap().clone();
        all.iter().filter(|told| **told == ("http.server.request.duration".into(), 4)).count()
    };
    assert_eq!(told(), 0);
    for exchanges in 1..=3 {
        answer(&layer).await;
        assert_eq!(told(), exchanges);
    }
}
