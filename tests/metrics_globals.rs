//! The global meter provider. A process has one, so there is one test.
#![cfg(all(feature = "testing", feature = "otel-metrics", feature = "telemetry"))]

use http::{Request, StatusCode};
use opentelemetry::global;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use tower::{Layer, ServiceExt};
use tower_observability::metrics::MetricsLayer;
use tower_observability::testing::Script;

async fn answer(layer: &MetricsLayer) {
    let service = layer.layer(Script::status(StatusCode::OK));
    service.oneshot(Request::new(())).await.unwrap();
}

#[tokio::test]
async fn a_layer_records_with_the_provider_that_was_global_when_it_was_told_to() {
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let recorded = || {
        exporter.reset();
        provider.force_flush().unwrap();
        let mut recorded = 0;
        for resource in exporter.get_finished_metrics().unwrap() {
            for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
                if let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data()
                    && metric.name() == "http.server.request.duration"
                {
                    recorded += histogram.data_points().map(|point| point.count()).sum::<u64>();
                }
            }
        }
        recorded
    };
    let early = MetricsLayer::server().global_meter_provider().build().unwrap();
    let without = MetricsLayer::server().build().unwrap();
    global::set_meter_provider(provider.clone());
    let late = MetricsLayer::server().global_meter_provider().build().unwrap();
    answer(&early).await;
    answer(&without).await;
    assert_eq!(recorded(), 0);
    answer(&late).await;
    assert_eq!(recorded(), 1);
}
