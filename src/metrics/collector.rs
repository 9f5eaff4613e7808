//! Shows a registry what a layer recorded.

use std::borrow::Cow;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::collect::Described;
use super::definitions::{Each, Kind, OfExchanges};
use super::flags::FlagsDescribed;
use super::instrument::gauge::Reader;
use super::instruments::{Counted, Instruments};
use super::names::prometheus_label;
use super::series::labels::{Label, LabelValue};
use super::series::store::Series;
use crate::classify::Side;
use crate::config::ConfigError;

/// Shows what the clones of one layer recorded.
pub(super) struct LayerCollector {
    instruments: Arc<Instruments>,
    described: Each<Described>,
    flags: Option<FlagsDescribed>,
}

impl LayerCollector {
    /// # Errors
    /// When a prefix or a label is not one.
    pub(super) fn new(instruments: Arc<Instruments>) -> Result<Self, ConfigError> {
        let flags = match instruments.side {
            Side::Server => {
                Some(FlagsDescribed::new(&instruments.prefix, &instruments.constant_labels)?)
            }
            Side::Client => None,
        };
        let described = Each::of(instruments.side).try_map(|definition| {
            let kind = match definition.kind {
                Kind::Histogram(_) => MetricType::HISTOGRAM,
                Kind::Gauge => MetricType::GAUGE,
                Kind::Counter => MetricType::COUNTER,
            };
            let name = definition.prometheus_name(&instruments.prefix);
            Described::new(
                name,
                definition.description,
                kind,
                definition.prometheus_labels(),
                &instruments.constant_labels,
            )
        })?;
        Ok(Self { instruments, described, flags })
    }

    fn exchanges(&self, http: &mut OfExchanges<Vec<Metric>>, rpc: &mut OfExchanges<Vec<Metric>>) {
        let instruments = &*self.instruments;
        instruments.store.each(|labels, series| {
            let is_grpc = labels.is_grpc();
            let metrics = if is_grpc { &mut *rpc } else { &mut *http };
            let described = self.described.of_exchanges(is_grpc);
            let Series {
                duration, time_to_first_byte, request_body_size, response_body_size, ..
            } = series;
            let pairs = self.pairs(labels.told(instruments.side));
            for (metrics, described, histogram) in [
                (&mut metrics.duration, &described.duration, duration),
                (
                    &mut metrics.time_to_first_byte,
                    &described.time_to_first_byte,
                    time_to_first_byte,
                ),
                (&mut metrics.request_body_size, &described.request_body_size, request_body_size),
                (
                    &mut metrics.response_body_size,
                    &described.response_body_size,
                    response_body_size,
                ),
            ] {
                metrics.extend(described.histogram(pairs.clone(), histogram));
            }
        });
        for (counted, active) in instruments.active.used() {
            let (metrics, described) = match counted {
                Counted::Grpc => (&mut *rpc, &self.described.rpc),
                Counted::Http { .. } => (&mut *http, &self.described.http),
            };
            let pairs = self.pairs(counted.told());
            let (now, most) = (active.now(), active.take_most(Reader::Prometheus));
            // what leaves between the two was there
            let most = most.max(now);
            metrics.active.push(described.active.value(pairs.clone(), now as f64));
            metrics.active_max.push(described.active_max.value(pairs, most as f64));
        }
    }

    /// The labels of a series, the constant ones among them.
    fn pairs(&self, labels: Vec<Label<'_>>) -> Vec<LabelPair> {
        let told = labels.into_iter().map(|label| {
            let value = match label.value {
                LabelValue::Text(text) => Cow::Borrowed(text),
                LabelValue::Number(number) => Cow::Owned(number.to_string()),
            };
            (prometheus_label(label.key), value)
        });
        let told: Vec<_> = told.collect();
        let own = told.iter().map(|(name, value)| (name.as_str(), &**value));
        self.instruments.constant_labels.pairs_with(own)
    }
}

impl Collector for LayerCollector {
    fn desc(&self) -> Vec<&Desc> {
        let described = self.described.all().into_iter().map(Described::desc);
        described.chain(self.flags.iter().flat_map(FlagsDescribed::descs)).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let instruments = &*self.instruments;
        let (mut http, mut rpc) = (OfExchanges::default(), OfExchanges::default());
        self.exchanges(&mut http, &mut rpc);
        let constant = || instruments.constant_labels.pairs();
        let mut poll_ready = Vec::new();
        for (error, histogram) in instruments.poll_ready.all() {
            let own = error.map(|error| ("error_type", error));
            let pairs = instruments.constant_labels.pairs_with(own);
            poll_ready.extend(self.described.poll_ready.histogram(pairs, histogram));
        }
        let shed = self.described.shed.counter(constant(), &instruments.shed);
        let overflow = self.described.overflow.counter(constant(), &instruments.store.overflow);
        let metrics = Each { http, rpc, poll_ready, shed: vec![shed], overflow: vec![overflow] };
        let described = self.described.all().into_iter();
        described
            .zip(metrics.into_all())
            .filter_map(|(described, metrics)| described.family(metrics))
            .chain(self.flags.iter().flat_map(|described| {
                described.collect(&instruments.flags, &instruments.constant_labels)
            }))
            .collect()
    }
}
