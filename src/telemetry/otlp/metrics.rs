//! Metrics as OTLP's messages.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics, Sum, Summary,
};
use opentelemetry_sdk::metrics::data::ResourceMetrics as Collected;
use prost::Message;

use super::Sender;
use crate::telemetry::health::{Accepted, Health, Receiver};
use crate::telemetry::pipeline::DeliverMetrics;

/// The most data points of one message: a receiver takes no more than 4 MiB over gRPC by default,
/// which leaves 2 kB to each; a histogram of 14 buckets and five attributes takes about 500 bytes.
const MOST_POINTS: usize = 2000;

/// Sends data points.
#[derive(Debug)]
pub(in crate::telemetry) struct OtlpMetrics {
    sender: Sender,
}

impl OtlpMetrics {
    pub(in crate::telemetry) fn new(sender: Sender) -> Self {
        Self { sender }
    }
}

impl DeliverMetrics for OtlpMetrics {
    async fn deliver(&self, metrics: &Collected, health: &Health) -> Result<Accepted, String> {
        let (mut taken, mut answered, mut reason) = (0, false, None);
        // one message that is refused says nothing of the next
        for (request, size) in split(metrics.into(), MOST_POINTS) {
            match self.sender.send(&Bytes::from(request.encode_to_vec()), health) {
                Ok(answer) => {
                    let accepted = accepted(size, answer);
                    answered = true;
                    taken += accepted.count;
                    reason = accepted.rejected.or(reason);
                }
                Err(failed) => reason = Some(failed),
            }
        }
        match (answered, reason) {
            (false, Some(reason)) => Err(reason),
            (_, rejected) => Ok(Accepted { count: taken, rejected }),
        }
    }

    fn receiver(&self) -> Option<Receiver> {
        Some(self.sender.receiver().clone())
    }
}

fn accepted(size: usize, answer: Bytes) -> Accepted {
    match ExportMetricsServiceResponse::decode(answer).unwrap_or_default().partial_success {
        Some(partial) => Accepted::part(size, partial.rejected_data_points, partial.error_message),
        None => Accepted::all(size),
    }
}

/// Requests of at most `most` data points each, and how many those are.
fn split(
    request: ExportMetricsServiceRequest,
    most: usize,
) -> Vec<(ExportMetricsServiceRequest, usize)> {
    let mut requests = Vec::new();
    for mut resource in request.resource_metrics {
        let scopes = std::mem::take(&mut resource.scope_metrics);
        let whole = |scope_metrics| {
            let resource_metrics = vec![ResourceMetrics { scope_metrics, ..resource.clone() }];
            ExportMetricsServiceRequest { resource_metrics }
        };
        let (mut full, mut size): (Vec<ScopeMetrics>, usize) = (Vec::new(), 0);
        for mut scope in scopes {
            let metrics = std::mem::take(&mut scope.metrics);
            let mut fresh = true;
            for (metric, points) in metrics.into_iter().flat_map(|metric| cut(metric, most)) {
                if size + points > most {
                    requests.push((whole(std::mem::take(&mut full)), size));
                    (size, fresh) = (0, true);
                }
                if fresh {
                    full.push(scope.clone());
                    fresh = false;
                }
                if let Some(scope) = full.last_mut() {
                    scope.metrics.push(metric);
                }
                size += points;
            }
        }
        if !full.is_empty() {
            requests.push((whole(full), size));
        }
    }
    requests
}

/// A metric as metrics of at most `most` data points each, and how many those are.
fn cut(mut metric: Metric, most: usize) -> Vec<(Metric, usize)> {
    let parts = match metric.data.take() {
        None => Vec::new(),
        Some(Data::Gauge(of)) => {
            chunks(of.data_points, most, |data_points| Data::Gauge(Gauge { data_points }))
        }
        Some(Data::Sum(of)) => {
            chunks(of.data_points, most, |data_points| Data::Sum(Sum { data_points, ..of }))
        }
        Some(Data::Histogram(of)) => chunks(of.data_points, most, |data_points| {
            Data::Histogram(Histogram { data_points, ..of })
        }),
        Some(Data::ExponentialHistogram(of)) => chunks(of.data_points, most, |data_points| {
            Data::ExponentialHistogram(ExponentialHistogram { data_points, ..of })
        }),
        Some(Data::Summary(of)) => {
            chunks(of.data_points, most, |data_points| Data::Summary(Summary { data_points }))
        }
    };
    let part = |(data, size)| (Metric { data: Some(data), ..metric.clone() }, size);
    parts.into_iter().map(part).collect()
}

fn chunks<P>(points: Vec<P>, most: usize, data: impl Fn(Vec<P>) -> Data) -> Vec<(Data, usize)> {
    let (mut parts, mut points) = (Vec::new(), points.into_iter().peekable());
    while points.peek().is_some() {
        let chunk: Vec<P> = points.by_ref().take(most).collect();
        let size = chunk.len();
        parts.push((data(chunk), size));
    }
    parts
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
    use opentelemetry_proto::tonic::metrics::v1::{
        ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint, SummaryDataPoint,
    };
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use proptest::prelude::*;

    use super::*;

    fn metric(kind: usize, size: usize, first: u64) -> Metric {
        // each point is told apart by its time
        let times = (first..).take(size);
        let number = |time_unix_nano| NumberDataPoint { time_unix_nano, ..Default::default() };
        let data = match kind % 5 {
            0 => Data::Gauge(Gauge { data_points: times.map(number).collect() }),
            1 => Data::Sum(Sum {
                data_points: times.map(number).collect(),
                aggregation_temporality: 2,
                is_monotonic: true,
            }),
            2 => Data::Histogram(Histogram {
                data_points: times
                    .map(|time_unix_nano| HistogramDataPoint {
                        time_unix_nano,
                        ..Default::default()
                    })
                    .collect(),
                aggregation_temporality: 1,
            }),
            3 => Data::ExponentialHistogram(ExponentialHistogram {
                data_points: times
                    .map(|time_unix_nano| ExponentialHistogramDataPoint {
                        time_unix_nano,
                        ..Default::default()
                    })
                    .collect(),
                aggregation_temporality: 2,
            }),
            _ => Data::Summary(Summary {
                data_points: times
                    .map(|time_unix_nano| SummaryDataPoint { time_unix_nano, ..Default::default() })
                    .collect(),
            }),
        };
        Metric {
            name: format!("m{first}"),
            unit: "s".to_owned(),
            data: Some(data),
            ..Default::default()
        }
    }

    /// A request of scopes of metrics, of which each is a kind and a number of points.
    fn request(scopes: &[Vec<(usize, usize)>]) -> ExportMetricsServiceRequest {
        let mut first = 1;
        let scope_metrics = scopes.iter().enumerate().map(|(number, metrics)| {
            let metrics = metrics.iter().map(|(kind, size)| {
                first += 1000;
                metric(*kind, *size, first)
            });
            let name = format!("s{number}");
            ScopeMetrics {
                scope: Some(InstrumentationScope { name, ..Default::default() }),
                metrics: metrics.collect(),
                schema_url: "https://opentelemetry.io/schemas/1.37.0".to_owned(),
            }
        });
        let resource_metrics = vec![ResourceMetrics {
            resource: Some(Resource { dropped_attributes_count: 7, ..Default::default() }),
            scope_metrics: scope_metrics.collect(),
            schema_url: String::new(),
        }];
        ExportMetricsServiceRequest { resource_metrics }
    }

    /// Each data point as a request of its own.
    fn points(requests: impl IntoIterator<Item = ExportMetricsServiceRequest>) -> Vec<String> {
        let all = requests.into_iter().flat_map(|request| split(request, 1));
        all.map(|(request, size)| {
            assert_eq!(size, 1);
            format!("{request:?}")
        })
        .collect()
    }

    #[test]
    fn what_fits_is_one_request_as_it_was() {
        let whole = request(&[vec![(0, 2), (1, 3)], vec![(2, 1), (3, 1), (4, 3)]]);
        assert_eq!(split(whole.clone(), 10), [(whole, 10)]);
        assert_eq!(split(request(&[vec![]]), 10), []);
    }

    #[test]
    fn what_does_not_fit_is_cut_within_a_metric() {
        let whole = request(&[vec![(1, 5)]]);
        let sizes: Vec<usize> = split(whole, 2).into_iter().map(|(_, size)| size).collect();
        assert_eq!(sizes, [2, 2, 1]);
    }

    proptest! {
        #[test]
        fn every_point_is_in_one_request_in_order_with_all_that_is_around_it(
            scopes in proptest::collection::vec(
                proptest::collection::vec((0usize..5, 1usize..9), 0..4), 0..4,
            ),
            most in 1usize..12,
        ) {
            let whole = request(&scopes);
            let total: usize = scopes.iter().flatten().map(|(_, size)| size).sum();
            let parts = split(whole.clone(), most);
            prop_assert!(parts.iter().all(|(_, size)| (1..=most).contains(size)));
            prop_assert_eq!(parts.iter().map(|(_, size)| size).sum::<usize>(), total);
            let parts = parts.into_iter().map(|(request, _)| request);
            prop_assert_eq!(points(parts), points([whole]));
        }
    }
}
