//! One histogram with one set of attributes.

#[cfg(feature = "otel-metrics-bound")]
use std::any::TypeId;
use std::sync::Arc;
#[cfg(feature = "otel-metrics-bound")]
use std::sync::OnceLock;

use opentelemetry::KeyValue;
#[cfg(feature = "otel-metrics-bound")]
use opentelemetry::metrics::BoundHistogram;
use opentelemetry::metrics::Histogram;

use crate::metrics::instrument::bounds::Unit;

/// Whether a provider's instruments can be bound. Those that do not implement it would drop what is
/// recorded without a word, so that only the SDK's own provider is known to: it is compiled with it.
#[cfg(feature = "otel-metrics-bound")]
pub(super) fn binds<P: ?Sized + 'static>() -> bool {
    TypeId::of::<P>() == TypeId::of::<opentelemetry_sdk::metrics::SdkMeterProvider>()
}

#[cfg(not(feature = "otel-metrics-bound"))]
#[expect(clippy::extra_unused_type_parameters, reason = "asked as where it matters")]
pub(super) fn binds<P: ?Sized + 'static>() -> bool {
    false
}

/// Records into a series of the SDK's.
pub(super) struct Recorder {
    histogram: Histogram<f64>,
    unit: Unit,
    attributes: Arc<[KeyValue]>,
    /// Its place in the SDK, once there is something in it.
    #[cfg(feature = "otel-metrics-bound")]
    bound: Option<OnceLock<BoundHistogram<f64>>>,
}

impl Recorder {
    pub(super) fn new(
        histogram: &Histogram<f64>,
        unit: Unit,
        attributes: Arc<[KeyValue]>,
        binds: bool,
    ) -> Self {
        #[cfg(not(feature = "otel-metrics-bound"))]
        let _ = binds;
        Self {
            histogram: histogram.clone(),
            unit,
            attributes,
            #[cfg(feature = "otel-metrics-bound")]
            bound: binds.then(OnceLock::new),
        }
    }

    /// Records nanoseconds or bytes.
    pub(super) fn record(&self, value: u64) {
        let value = self.unit.tell(value);
        #[cfg(feature = "otel-metrics-bound")]
        if let Some(bound) = self.bound.as_ref().and_then(OnceLock::get) {
            bound.record(value);
            return;
        }
        self.histogram.record(value, &self.attributes);
        #[cfg(feature = "otel-metrics-bound")]
        if let Some(bound) = &self.bound {
            // only now: what is bound is exported, even if nothing is in it
            bound.get_or_init(|| self.histogram.bind(&self.attributes));
        }
    }
}
