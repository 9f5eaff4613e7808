//! Metrics: how often they are exported, and in what form.

use std::time::Duration;

use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, Stream, Temporality};

/// The most attribute sets of an instrument of this crate, unless another limit is set. Its layers
/// bound themselves, at 2000 series each and those of `_overflow`, and several of them may share an
/// instrument; the SDK's own limit, 2000 an instrument, would take all attributes off what the
/// layers tell in full. Room for as many is reserved by each instrument, so it is no higher.
const OWN_LIMIT: usize = 10_000;

/// The defaults of the specification for exponential histograms ("Base2 Exponential Bucket Histogram
/// Aggregation").
const EXPONENTIAL: Aggregation =
    Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };

/// What histograms are told as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistogramAggregation {
    /// Buckets at fixed bounds: those that the instrument asks for, or the specification's.
    #[default]
    ExplicitBucket,
    /// Buckets whose width is a share of the value, at most 160, for every histogram, also where an
    /// instrument asks for bounds.
    Base2Exponential,
}

/// What is set for metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Metering {
    /// From one export to the next.
    pub(super) interval: Duration,
    /// For one export.
    pub(super) timeout: Duration,
    pub(super) temporality: Temporality,
    pub(super) histograms: HistogramAggregation,
    /// The most attribute sets of an instrument, if that was said.
    pub(super) limit: Option<usize>,
}

impl Metering {
    /// The specification's defaults.
    pub(super) const DEFAULT: Self = Self {
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(30),
        temporality: Temporality::Cumulative,
        histograms: HistogramAggregation::ExplicitBucket,
        limit: None,
    };

    /// What an instrument is told as; none if nothing is out of the ordinary.
    pub(super) fn stream(&self, instrument: &Instrument) -> Option<Stream> {
        let own = instrument.scope().name() == env!("CARGO_PKG_NAME");
        let limit = self.limit.or(own.then_some(OWN_LIMIT));
        let exponential = instrument.kind() == InstrumentKind::Histogram
            && self.histograms == HistogramAggregation::Base2Exponential;
        if limit.is_none() && !exponential {
            return None;
        }
        let mut stream = Stream::builder();
        if let Some(limit) = limit {
            stream = stream.with_cardinality_limit(limit);
        }
        if exponential {
            stream = stream.with_aggregation(EXPONENTIAL);
        }
        stream.build().ok()
    }
}
